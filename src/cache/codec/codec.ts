/**
 * The format of values in a shared tier. The default is `structured`; give another one where other programs must read
 * the entries, or where a schema makes them smaller.
 *
 * Laws: what `decode` answers equals what `encode` was given; `encode` refuses (throws) rather than lose anything;
 * `decode` throws on every other input, in time and memory bounded by the length of that input, and runs no code from it.
 * `bytes` is lent: it may be part of a larger buffer, and nothing of it may be kept after the call.
 */
export interface Codec {
  /** Written into every entry, as a 32-bit hash: an entry of a codec with another name is refused, not misread. */
  readonly name: string;
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}
