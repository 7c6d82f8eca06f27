/** The two-letter return codes of the meta commands that a cache uses, as two bytes in one number. */
export const metaCode = {
  /** A value follows. */
  VA: 0x5641,
  /** Success without a value. */
  HD: 0x4844,
  /** A miss of `mg`. */
  EN: 0x454e,
  /** No such entry: `md`, `ma`, `ms` with a CAS. */
  NF: 0x4e46,
  /** Not stored: the mode of `ms` forbade it. */
  NS: 0x4e53,
  /** The entry has another CAS. */
  EX: 0x4558,
  /** Done: the answer to `flush_all`. */
  OK: 0x4f4b,
} as const;

/** `code` of an answer that is a line of words: `VERSION ...`, `ERROR`, `CLIENT_ERROR ...`, `SERVER_ERROR ...`. */
export const wordsCode = 0;

/**
 * One answer of the server. The parser fills the same object again for every answer: who wants to keep something,
 * takes it out. Only `value` is handed over for good.
 *
 * Source: memcached's `doc/protocol.txt`, "Meta Commands".
 */
export class MetaReply {
  /** One of `metaCode`, or `wordsCode`. */
  code = 0;
  /** The value of `VA`. It may be a part of a buffer of up to 32 KiB that other values share. */
  value: Uint8Array | undefined = undefined;
  /** Flag `c`: 64 bits in decimal, `''` if the answer has none, `'0'` if the server keeps none. */
  cas = '';
  /** Flag `t`: seconds left, -1 for an entry that never expires, undefined if the answer has none. */
  timeToLive: number | undefined = undefined;
  /** Flag `s`: bytes of the value, undefined if the answer does not tell. With a value it is that value's length. */
  size: number | undefined = undefined;
  /** Flag `f`: 32 bits. */
  clientFlags = 0;
  /** Flag `W`: this asker has won the right to store. */
  won = false;
  /** Flag `Z`: somebody else has won it. */
  lost = false;
  /** Flag `X`: the entry is marked stale. */
  stale = false;
  /** The whole line, when `code` is `wordsCode`. */
  words = '';
}
