import { CisternError } from '../../core/error.ts';
import { structured } from '../codec/structured-codec.ts';

/**
 * A snapshot of the near tier:
 *
 * ```text
 * 'CISTERN' 0x0a | format | CRC            16 bytes
 * kind | length | CRC | content            a block of entries, again and again
 * kind 3 | length | CRC | end              the last one
 * ```
 *
 * Numbers are unsigned, 32 bits, big endian, and `kind` is a byte. Each CRC (CRC-32) covers everything before it but the
 * CRCs themselves, and the content after it: a block that is missing, changed, doubled or in another place is noticed. Where a file ends without its last
 * block, it is cut off.
 *
 * The content of a block of entries: when it was begun, in milliseconds from the beginning of the save (64-bit float), and then entries:
 *
 * ```text
 * cache (16 bits) | age | due | confirmed | length of key | length of value | key | value
 * ```
 *
 * `cache`: its place in the end's list. `age`: milliseconds from the load to the block's beginning; `due` and `confirmed`: from there to
 * `until` and `confirmedUntil`, 2^32 - 1 for never. The key, as the near tier has it, and the end are `structured`; the value is an envelope
 * as in the remote tier, with the entry's life. No time is an hour of the day but one: when the save ended.
 */
export const preambleBytes = 16;
export const headerBytes = 9;
export const entryHeaderBytes = 22;
export const blockBeginBytes = 8;

export const kinds = {
  /** Entries that have not answered a read since they were loaded, as far as that is noticed. */
  cold: 1,
  /** Entries that have. */
  hot: 2,
  end: 3,
} as const;

/** No end of a time. */
export const never: number = 2 ** 32 - 1;

const magic = 'CISTERN\n';
const format = 1;

/** A cache whose entries a snapshot has. */
export interface SavedCache {
  readonly name: string;
  readonly version: number;
  /** Whether it had a `key` function: its near keys are then others. */
  readonly keyed: boolean;
  /** Of the remote tier, if it had one that was known. */
  readonly generation: string | undefined;
}

/** What the last block tells. */
export interface SnapshotEnd {
  /** The name of the cistern. */
  readonly shop: string;
  /** When the save ended: Unix time in milliseconds. */
  readonly endedAt: number;
  /** How long it took, in milliseconds. */
  readonly took: number;
  /** What the hot entries together take in the near tier. */
  readonly hot: { readonly entries: number; readonly bytes: number };
  readonly caches: readonly SavedCache[];
}

/** The preamble without its CRC. */
export function preamble(): Buffer {
  const bytes = Buffer.alloc(preambleBytes);
  bytes.write(magic, 'latin1');
  bytes.writeUInt32BE(format, magic.length);
  return bytes;
}

/** Throws `CISTERN_SNAPSHOT` for what does not begin as a snapshot of this format does. */
export function checkPreamble(path: string, bytes: Uint8Array): void {
  const begin = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const same = begin.toString('latin1', 0, magic.length) === magic.slice(0, begin.length);
  if (!same || begin.length === 0) throw unusable(path, 'is not a snapshot of Cistern');
  if (begin.length < preambleBytes) throw cutOff(path);
  const found = begin.readUInt32BE(magic.length);
  if (found !== format) throw unusable(path, `has format ${found}, and this release reads format ${format}`);
}

export function encodeEnd(end: SnapshotEnd): Uint8Array {
  return structured.encode(end);
}

/** Throws what `structured` throws; an end that passed its CRC has the right form. */
export function decodeEnd(bytes: Uint8Array): SnapshotEnd {
  return structured.decode(bytes) as SnapshotEnd;
}

export function unusable(path: string, problem: string, cause?: unknown): CisternError<'CISTERN_SNAPSHOT'> {
  return new CisternError('CISTERN_SNAPSHOT', { path, problem }, cause);
}

export function cutOff(path: string): CisternError<'CISTERN_SNAPSHOT'> {
  return unusable(path, 'is cut off');
}
