import type { HitReply } from '../core/store.ts';

const version = 1;
const headBytes = 19;

/** A hit that was kept as the value of another entry. */
export interface CopiedHit {
  readonly value: Uint8Array;
  readonly cas: string;
  /** As it was when the copy was made, in milliseconds. */
  readonly freshFor: number;
  readonly expiresIn: number;
}

/**
 * A hit as bytes: its value, and before it what else a reader is told. So who reads the copy gets the answer of the original, its CAS
 * included.
 *
 * Layout, big-endian: version (1 byte), `freshFor` and `expiresIn` (64-bit floats), length of the CAS (16 bits), the CAS, the value.
 */
export function copyOfHit({ value, cas, freshFor, expiresIn }: HitReply): Uint8Array {
  const name = new TextEncoder().encode(cas);
  const bytes = new Uint8Array(headBytes + name.length + value.length);
  const head = new DataView(bytes.buffer);
  head.setUint8(0, version);
  head.setFloat64(1, freshFor);
  head.setFloat64(9, expiresIn);
  head.setUint16(17, name.length);
  bytes.set(name, headBytes);
  bytes.set(value, headBytes + name.length);
  return bytes;
}

/** `undefined` for what is no copy. The value is a view of the bytes. */
export function hitInCopy(bytes: Uint8Array): CopiedHit | undefined {
  if (bytes.length < headBytes || bytes[0] !== version) return undefined;
  const head = new DataView(bytes.buffer, bytes.byteOffset, headBytes);
  const start = headBytes + head.getUint16(17);
  if (bytes.length < start) return undefined;
  return {
    value: bytes.subarray(start),
    cas: new TextDecoder().decode(bytes.subarray(headBytes, start)),
    freshFor: head.getFloat64(1),
    expiresIn: head.getFloat64(9),
  };
}
