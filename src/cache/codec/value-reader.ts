import { binaryTypesByTag } from './binary-type.ts';
import {
  bigIntTag,
  dateTag,
  deepestValue,
  holeTag,
  longestKnownKey,
  mapTag,
  mostItems,
  mostKnownKeys,
  negativeBigIntTag,
  nullPrototypeTag,
  setTag,
  textTag,
  Tokenizer,
  Type,
  type Token,
} from './cbor.ts';

const keyTexts: string[] = Array.from({ length: mostKnownKeys }, () => '');

const readOptions = { strict: true, allowIndefinite: false, allowBigInt: false };

/**
 * Reads what `ValueWriter` writes, and nothing else: other tags, indefinite lengths, simple values and numbers that are not
 * in their shortest form are refused. Nothing is allocated for a length that was claimed, only for bytes that are there.
 */
export class ValueReader extends Tokenizer {
  #left = mostItems;

  constructor(bytes: Uint8Array) {
    super(bytes, readOptions);
  }

  override next(): Token {
    if (this.done()) throw new Error('it is cut off');
    return super.next();
  }

  read(depth: number): unknown {
    return this.#value(this.next(), depth);
  }

  #value(token: Token, depth: number): unknown {
    this.#count();
    switch (token.type) {
      case Type.bytes:
        return asBuffer(token.value as Uint8Array<ArrayBuffer>);
      case Type.map:
        return this.#record({}, token.value as number, deeper(depth));
      case Type.array:
        return this.#array(token.value as number, deeper(depth));
      case Type.tag:
        return this.#tagged(token.value as number, depth);
      default:
        return token.value as unknown;
    }
  }

  #count(): void {
    if (--this.#left < 0) throw new Error(`it has more than ${mostItems} values`);
  }

  #record(record: Record<string, unknown>, size: number, depth: number): Record<string, unknown> {
    for (let index = 0; index < size; index++) {
      const key = this.#key();
      const value = this.read(depth);
      // An assignment would set the prototype.
      if (key === '__proto__') {
        Object.defineProperty(record, key, { value, writable: true, enumerable: true, configurable: true });
      } else record[key] = value;
    }
    return record;
  }

  #key(): string {
    const { data } = this;
    const start = this._pos + 1;
    // The head of a text of 1 to 23 bytes is 0x61 to 0x77.
    const length = data[this._pos]! - 0x60;
    if (!(length > 0 && length <= longestKnownKey && start + length <= data.length)) return this.#anyKey();
    const slot =
      (data[start]! * 37 + data[start + (length >> 1)]! * 11 + data[start + length - 1]! * 3 + length * 131) %
      mostKnownKeys;
    const known = keyTexts[slot]!;
    if (known.length === length) {
      let index = 0;
      while (index < length && known.charCodeAt(index) === data[start + index]) index++;
      if (index === length) {
        this._pos = start + length;
        return known;
      }
    }
    const key = this.#anyKey();
    // As many characters as bytes: ASCII.
    if (key.length === length) keyTexts[slot] = key;
    return key;
  }

  #anyKey(): string {
    const token = this.next();
    if (token.type === Type.string) return token.value as string;
    if (token.type === Type.tag && token.value === textTag) return this.#text();
    throw new Error('an object has a key that is no text');
  }

  #array(length: number, depth: number): unknown[] {
    const array: unknown[] = [];
    for (let index = 0; index < length; index++) {
      const token = this.next();
      if (token.type === Type.tag && token.value === holeTag) {
        this.#expect(Type.null);
        this.#count();
        array.length = index + 1;
      } else array.push(this.#value(token, depth));
    }
    return array;
  }

  #map(size: number, depth: number): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>();
    for (let index = 0; index < size; index++) {
      const key = this.read(depth);
      map.set(key, this.read(depth));
    }
    return map;
  }

  #tagged(tag: number, depth: number): unknown {
    switch (tag) {
      case dateTag:
        return new Date(this.#expect(Type.float) as number);
      case mapTag:
        return this.#map(this.#expect(Type.map) as number, deeper(depth));
      case setTag:
        return new Set(this.#array(this.#expect(Type.array) as number, deeper(depth)));
      case bigIntTag:
        return this.#bigint();
      case negativeBigIntTag:
        return -1n - this.#bigint();
      case textTag:
        return this.#text();
      case nullPrototypeTag:
        return this.#record(
          Object.create(null) as Record<string, unknown>,
          this.#expect(Type.map) as number,
          deeper(depth),
        );
      default: {
        const binary = binaryTypesByTag.get(tag);
        if (binary === undefined) throw new Error(`it has a value of an unknown type (tag ${tag})`);
        return binary.from(this.#bytes());
      }
    }
  }

  #expect(type: Type): unknown {
    const token = this.next();
    if (token.type !== type) throw new Error(`it has ${token.type.name} where ${type.name} must be`);
    return token.value as unknown;
  }

  #bytes(): Uint8Array<ArrayBuffer> {
    return this.#expect(Type.bytes) as Uint8Array<ArrayBuffer>;
  }

  #bigint(): bigint {
    return BigInt(`0x${asBuffer(this.#bytes()).toString('hex')}`);
  }

  #text(): string {
    const bytes = this.#bytes();
    if (bytes.length % 2 !== 0) throw new Error('it has half a character');
    return asBuffer(bytes).toString('utf16le');
  }
}

function deeper(depth: number): number {
  if (depth === deepestValue) throw new Error(`it is nested deeper than ${deepestValue} levels`);
  return depth + 1;
}

/** Empty bytes may be shared by the library. */
function asBuffer(bytes: Uint8Array<ArrayBuffer>): Buffer {
  return bytes.length === 0 ? Buffer.alloc(0) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
