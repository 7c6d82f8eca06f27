/**
 * The binary types of JavaScript and their CBOR tags (RFC 8746, section 2): the elements as they lie in memory. A machine
 * of the other byte order has other tags, so it refuses them instead of swapping numbers.
 */
export interface BinaryType {
  readonly tag: number;
  readonly prototype: object;
  /** Takes over `bytes`. Throws when their length is not a whole number of elements. */
  readonly from: (bytes: Uint8Array<ArrayBuffer>) => ArrayBufferView | ArrayBufferLike;
}

interface ViewConstructor {
  readonly prototype: object;
  new (buffer: ArrayBuffer): ArrayBufferView;
}

const littleEndian: boolean = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Tags of our own for what RFC 8746 does not name; the range 32768 and up is first come, first served (RFC 8949, section 9.2). */
const arrayBufferTag = 0xc110;
const dataViewTag = 0xc111;

function array(bigEndianTag: number, littleEndianTag: number, constructor: ViewConstructor): BinaryType {
  return {
    tag: littleEndian ? littleEndianTag : bigEndianTag,
    prototype: constructor.prototype,
    from: (bytes) => new constructor(owned(bytes)),
  };
}

/** The buffer behind the bytes, without a copy where they fill it: views must be aligned. An empty one may be shared, so it is made new. */
function owned(bytes: Uint8Array<ArrayBuffer>): ArrayBuffer {
  return bytes.length === bytes.buffer.byteLength && bytes.length > 0 ? bytes.buffer : bytes.slice().buffer;
}

/** Not in Node 22: there an entry with one counts as a miss. */
const float16 = (globalThis as { readonly Float16Array?: ViewConstructor }).Float16Array;

const types: readonly BinaryType[] = [
  array(64, 64, Uint8Array),
  array(68, 68, Uint8ClampedArray),
  array(72, 72, Int8Array),
  array(65, 69, Uint16Array),
  array(73, 77, Int16Array),
  array(66, 70, Uint32Array),
  array(74, 78, Int32Array),
  array(67, 71, BigUint64Array),
  array(75, 79, BigInt64Array),
  array(81, 85, Float32Array),
  array(82, 86, Float64Array),
  ...(float16 === undefined ? [] : [array(80, 84, float16)]),
  { tag: dataViewTag, prototype: DataView.prototype, from: (bytes) => new DataView(owned(bytes)) },
  { tag: arrayBufferTag, prototype: ArrayBuffer.prototype, from: owned },
];

export const binaryTypesByPrototype: ReadonlyMap<object | null, BinaryType> = new Map(
  types.map((type) => [type.prototype, type]),
);

export const binaryTypesByTag: ReadonlyMap<number, BinaryType> = new Map(
  types.map((type) => [type.tag, type]),
);

/** The bytes behind a binary value, without a copy. */
export function bytesOf(value: ArrayBufferView | ArrayBufferLike): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}
