/**
 * What values take on the heap of a 64-bit V8 without pointer compression, which is what Node runs: estimates, tested
 * against the heap itself. Shared parts that cannot be told from outside (interned strings, boxed constants) count in full,
 * so the estimate errs to the high side.
 */

/** One field or element: a pointer or a small integer. */
const wordBytes = 8;

/**
 * A number that is not a 32-bit integer lives in a box of its own. (An array of nothing but numbers may keep them unboxed until
 * it is frozen, but that cannot be told.)
 */
const boxedNumberBytes = 16;

/** Bytes of a string: a header, then one byte per character, or two if any is outside Latin-1. */
export function stringBytes(text: string): number {
  return text.length < 2 ? 0 : textBytes(text.length, isLatin1(text));
}

/** The same for two characters or more. */
export function textBytes(length: number, latin1: boolean): number {
  return 16 + align(latin1 ? length : 2 * length);
}

/** Bytes of a number besides the field it stands in. */
export function numberBytes(value: number): number {
  return (value | 0) === value ? 0 : boxedNumberBytes;
}

/** Bytes of a bigint besides the field it stands in. */
export function bigintBytes(value: bigint): number {
  if (BigInt.asIntN(64, value) === value) return 24;
  return 16 + align(Math.ceil(value.toString(16).length / 2));
}

/**
 * An object with `properties` own ones. Up to 128 they are fields; more, or an object without prototype, make it a
 * dictionary, which also owns its names: those count apart.
 */
export function objectBytes(properties: number, dictionary: boolean): number {
  return dictionary ? 88 + 64 * properties : 24 + wordBytes * properties;
}

/** Whether an object with so many properties is a dictionary. */
export function isDictionary(properties: number, prototype: object | null): boolean {
  return properties > 128 || prototype === null;
}

export function arrayBytes(length: number): number {
  return 48 + wordBytes * length;
}

/** Per entry 24 bytes and half a bucket, in tables of a power of two; read-only ones carry their mutators. */
export function mapBytes(size: number, readOnly: boolean): number {
  return tableBytes(size, 3) + (readOnly ? 40 : 0);
}

export function setBytes(size: number, readOnly: boolean): number {
  return tableBytes(size, 2) + (readOnly ? 40 : 0);
}

export function dateBytes(readOnly: boolean): number {
  return readOnly ? 256 : 96;
}

/** A Buffer, typed array or DataView with its own memory. */
export function viewBytes(byteLength: number): number {
  return 200 + align(byteLength);
}

export function arrayBufferBytes(byteLength: number): number {
  return 96 + align(byteLength);
}

function tableBytes(size: number, words: number): number {
  let capacity = 4;
  while (capacity < size) capacity *= 2;
  return 72 + (capacity / 2) * wordBytes + capacity * words * wordBytes;
}

function align(bytes: number): number {
  return (bytes + 7) & ~7;
}

const shortText = 32;

function isLatin1(text: string): boolean {
  if (text.length > shortText) return !/[\u0100-\uffff]/.test(text);
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0xff) return false;
  return true;
}
