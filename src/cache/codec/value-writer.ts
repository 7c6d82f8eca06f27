import { binaryTypesByPrototype, bytesOf } from './binary-type.ts';
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
  Token,
  Type,
} from './cbor.ts';
import { Unstorable } from './unstorable.ts';

/** The library keeps the bytes of a text in its token. */
const keyTokens = new Map<string, Token>();

const nothing = new Token(Type.null, null);
const absent = new Token(Type.undefined, undefined);
const yes = new Token(Type.true, true);
const no = new Token(Type.false, false);
const hole: readonly Token[] = [new Token(Type.tag, holeTag), nothing];

/**
 * Turns a value into CBOR tokens, one flat list. It calls the built-in methods from their prototypes, because a
 * read-only Date, Map or Set has methods of its own, and nothing that a value brings along should run here (getters do).
 */
export class ValueWriter {
  readonly tokens: Token[] = [];
  #left = mostItems;

  write(value: unknown, depth: number): void {
    this.#count();
    const { tokens } = this;
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
        return void tokens.push(numberToken(value));
      case 'boolean':
        return void tokens.push(value ? yes : no);
      case 'undefined':
        return void tokens.push(absent);
      case 'bigint':
        return this.#bigint(value);
      case 'object':
        if (value === null) return void tokens.push(nothing);
        if (depth === deepestValue) {
          throw new Unstorable(`is nested deeper than ${deepestValue} levels, or is a cycle`);
        }
        return this.#object(value, depth + 1);
      case 'symbol':
        throw new Unstorable('is a symbol');
      default:
        throw new Unstorable('is a function');
    }
  }

  /** Also bounds what a value becomes whose parts occur in it again and again. */
  #count(): void {
    if (--this.#left < 0) throw new Unstorable(`is part of more than ${mostItems} values`);
  }

  #text(text: string): void {
    if (text.isWellFormed() && text.charCodeAt(0) !== 0xfeff) {
      this.tokens.push(new Token(Type.string, text));
    } else {
      this.tokens.push(new Token(Type.tag, textTag), new Token(Type.bytes, Buffer.from(text, 'utf16le')));
    }
  }

  #key(key: string): void {
    const known = keyTokens.get(key);
    if (known !== undefined) return void this.tokens.push(known);
    this.#text(key);
    const token = this.tokens.at(-1)!;
    if (token.type !== Type.string || key.length > longestKnownKey) return;
    if (keyTokens.size === mostKnownKeys) keyTokens.clear();
    keyTokens.set(key, token);
  }

  #bigint(value: bigint): void {
    const hex = (value < 0n ? -1n - value : value).toString(16);
    this.tokens.push(
      new Token(Type.tag, value < 0n ? negativeBigIntTag : bigIntTag),
      new Token(Type.bytes, Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')),
    );
  }

  #object(value: object, depth: number): void {
    const prototype: object | null = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) return this.#record(value as Record<string, unknown>, depth);
    const { tokens } = this;
    switch (prototype) {
      case Array.prototype:
        return this.#array(value as unknown[], depth);
      case Date.prototype:
        tokens.push(
          new Token(Type.tag, dateTag),
          new Token(Type.float, Date.prototype.getTime.call(value as Date)),
        );
        return;
      case Map.prototype:
        return this.#map(value as Map<unknown, unknown>, depth);
      case Set.prototype:
        return this.#set(value as Set<unknown>, depth);
      case Buffer.prototype:
        return void tokens.push(new Token(Type.bytes, bytesOf(value as Buffer)));
      case null:
        tokens.push(new Token(Type.tag, nullPrototypeTag));
        return this.#record(value as Record<string, unknown>, depth);
      default:
    }
    const binary = binaryTypesByPrototype.get(prototype);
    if (binary !== undefined) {
      tokens.push(
        new Token(Type.tag, binary.tag),
        new Token(Type.bytes, bytesOf(value as ArrayBufferView | ArrayBuffer)),
      );
    } else if (isForeignArray(value, prototype)) this.#array(value, depth);
    else if (isForeignObject(value, prototype)) this.#record(value, depth);
    else throw new Unstorable(`is ${describeInstance(prototype)}`);
  }

  #record(record: Readonly<Record<string, unknown>>, depth: number): void {
    for (const symbol of Object.getOwnPropertySymbols(record)) {
      if (Object.prototype.propertyIsEnumerable.call(record, symbol)) {
        throw new Unstorable('has a property whose key is a symbol');
      }
    }
    const keys = Object.keys(record);
    this.tokens.push(new Token(Type.map, keys.length));
    let key = '';
    try {
      for (key of keys) {
        this.#key(key);
        this.write(record[key], depth);
      }
    } catch (error) {
      throw Unstorable.within(error, key);
    }
  }

  #array(array: readonly unknown[], depth: number): void {
    const { length } = array;
    if (length > mostItems) throw new Unstorable(`has more than ${mostItems} elements`);
    this.tokens.push(new Token(Type.array, length));
    let index = 0;
    let holes = 0;
    try {
      for (; index < length; index++) {
        const element = array[index];
        if (element === undefined && !Object.hasOwn(array, index)) {
          this.#count();
          this.tokens.push(...hole);
          holes++;
        } else this.write(element, depth);
      }
    } catch (error) {
      throw Unstorable.within(error, index);
    }
    if (Object.keys(array).length !== length - holes)
      throw new Unstorable('is an array with properties of its own');
  }

  #map(map: Map<unknown, unknown>, depth: number): void {
    const size = Reflect.get(Map.prototype, 'size', map);
    this.tokens.push(new Token(Type.tag, mapTag), new Token(Type.map, size));
    let index = 0;
    let inKey = true;
    try {
      for (const [key, value] of Map.prototype.entries.call(map) as MapIterator<[unknown, unknown]>) {
        inKey = true;
        this.write(key, depth);
        inKey = false;
        this.write(value, depth);
        index++;
      }
    } catch (error) {
      throw Unstorable.within(error, inKey ? `keys()[${index}]` : `values()[${index}]`, true);
    }
    if (index !== size) throw new Unstorable('changed while it was read');
  }

  #set(set: Set<unknown>, depth: number): void {
    const size = Reflect.get(Set.prototype, 'size', set);
    this.tokens.push(new Token(Type.tag, setTag), new Token(Type.array, size));
    let index = 0;
    try {
      for (const value of Set.prototype.values.call(set) as SetIterator<unknown>) {
        this.write(value, depth);
        index++;
      }
    } catch (error) {
      throw Unstorable.within(error, `values()[${index}]`, true);
    }
    if (index !== size) throw new Unstorable('changed while it was read');
  }
}

function numberToken(value: number): Token {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return new Token(Type.float, value);
  return new Token(value < 0 ? Type.negint : Type.uint, value);
}

/** Plain arrays and objects of another realm (`node:vm`, test runners) come back as those of this one. Only a realm's own `Array.prototype` is an array itself. */
function isForeignArray(value: object, prototype: object | null): value is unknown[] {
  return Array.isArray(value) && Array.isArray(prototype);
}

function isForeignObject(value: object, prototype: object | null): value is Record<string, unknown> {
  return (
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'isPrototypeOf') &&
    Object.prototype.toString.call(value) === '[object Object]'
  );
}

function describeInstance(prototype: object | null): string {
  const constructor: unknown =
    prototype === null ? undefined : (prototype as { constructor?: unknown }).constructor;
  const name = typeof constructor === 'function' ? constructor.name : '';
  return name === '' ? 'an object with a prototype of its own' : `an instance of ${name}`;
}
