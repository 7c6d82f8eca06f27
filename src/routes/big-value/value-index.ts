import { crc32 } from '../../core/runtime.ts';

/**
 * How values lie in the entries of `bigValues`. A small value is kept as it is. One that is cut into chunks is an index; one that happens to begin as
 * an index does is escaped. Both begin with this mark, which was drawn at random.
 */
const mark = Uint8Array.from([0xc5, 0x9d, 0x12, 0xe0, 0x6b, 0xf7, 0x84, 0x33, 0xaa, 0x0e, 0xd1, 0x58]);
const escaped = 0;
const indexed = 1;
const tokenBytes = 8;
const escapeBytes = mark.length + 1;
const numbersAt = escapeBytes + tokenBytes;
const checkAt = numbersAt + 12;
const indexBytes = checkAt + 4;

/** What an index says of its chunks. */
export interface ChunkList {
  /** Random: no two writers ever share a chunk. */
  readonly token: string;
  readonly count: number;
  /** Of all chunks together. */
  readonly length: number;
  /** The CRC-32 of all chunks together. */
  readonly checksum: number;
}

export type EntryContent =
  | { readonly kind: 'value'; readonly value: Uint8Array }
  /** `tail`: what was appended since. */
  | { readonly kind: 'chunks'; readonly chunks: ChunkList; readonly tail: Uint8Array }
  | { readonly kind: 'damaged' };

/** Whether a value would be taken for an index, or an escaped one. */
export function isMarked(value: Uint8Array): boolean {
  if (value[0] !== mark[0] || value.length < mark.length) return false;
  return mark.every((byte, at) => value[at] === byte);
}

/** A small value as it is kept. The same object for all but those that are escaped. */
export function kept(value: Uint8Array): Uint8Array {
  if (!isMarked(value)) return value;
  const bytes = marked(escaped, escapeBytes + value.length);
  bytes.set(value, escapeBytes);
  return bytes;
}

/**
 * Layout, big-endian: mark, kind, token (8 bytes), number of chunks, length, CRC-32 of the chunks, CRC-32 of the index up to here (32 bits
 * each); then what was appended.
 */
export function indexOf({ token, count, length, checksum }: ChunkList): Uint8Array {
  const bytes = marked(indexed, indexBytes);
  bytes.set(new TextEncoder().encode(token), escapeBytes);
  const numbers = new DataView(bytes.buffer, numbersAt);
  numbers.setUint32(0, count);
  numbers.setUint32(4, length);
  numbers.setUint32(8, checksum);
  numbers.setUint32(12, crc32(bytes.subarray(0, checkAt)));
  return bytes;
}

export function contentOf(bytes: Uint8Array): EntryContent {
  if (!isMarked(bytes)) return { kind: 'value', value: bytes };
  if (bytes[mark.length] === escaped) return { kind: 'value', value: bytes.subarray(escapeBytes) };
  if (bytes[mark.length] !== indexed || bytes.length < indexBytes) return { kind: 'damaged' };
  const numbers = new DataView(bytes.buffer, bytes.byteOffset + numbersAt);
  if (numbers.getUint32(12) !== crc32(bytes.subarray(0, checkAt))) return { kind: 'damaged' };
  const chunks = {
    token: new TextDecoder().decode(bytes.subarray(escapeBytes, numbersAt)),
    count: numbers.getUint32(0),
    length: numbers.getUint32(4),
    checksum: numbers.getUint32(8),
  };
  return { kind: 'chunks', chunks, tail: bytes.subarray(indexBytes) };
}

function marked(kind: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(mark);
  bytes[mark.length] = kind;
  return bytes;
}
