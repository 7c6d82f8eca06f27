import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CisternError } from '../../core/error.ts';
import { deepestValue, mostItems } from './cbor.ts';
import { structured } from './structured-codec.ts';

/** Equal in every respect that a reader of the value can see: types, prototypes, order, holes, -0, NaN, own `__proto__`. */
function same(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false;
  if (left instanceof Date && right instanceof Date) return Object.is(left.getTime(), right.getTime());
  if (left instanceof Map && right instanceof Map) return same([...left], [...right]);
  if (left instanceof Set && right instanceof Set) return same([...left], [...right]);
  if (ArrayBuffer.isView(left) && ArrayBuffer.isView(right)) return rawBytes(left).equals(rawBytes(right));
  if (left instanceof ArrayBuffer && right instanceof ArrayBuffer) {
    return Buffer.from(left).equals(Buffer.from(right));
  }
  if (Array.isArray(left) && left.length !== (right as unknown[]).length) return false;
  const keys = Object.keys(left);
  const others = Object.keys(right);
  return (
    keys.length === others.length &&
    keys.every((key, index) => {
      return key === others[index] && same((left as never)[key], (right as never)[key]);
    })
  );
}

function rawBytes(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

function roundTrip(value: unknown): unknown {
  const bytes = structured.encode(value);
  // Read out of the middle of a larger buffer that is overwritten afterwards, as a socket's may be.
  const lent = Buffer.alloc(bytes.length + 16, 0xff);
  lent.set(bytes, 7);
  const decoded = structured.decode(lent.subarray(7, 7 + bytes.length));
  lent.fill(0);
  return decoded;
}

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
  fc.string({ unit: fc.constantFrom('\ud800', '\udc00', '\ufeff', 'a', '\0', 'é', '😀') }),
  fc.string({ minLength: 20, maxLength: 300 }),
);
const anyKey = fc.oneof(
  anyText,
  fc.constantFrom('__proto__', 'constructor', 'toJSON', 'hasOwnProperty', 'then', '', '0', '-1', 'length'),
);
const anyNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, 2 ** 53, -(2 ** 53), 2 ** 32, 2 ** 31, -(2 ** 31) - 1, 5e-324, 1.1, 255, 256, 65_536),
);
const anyBinary = fc.uint8Array({ maxLength: 40 }).chain((source) => {
  const bytes = new Uint8Array(Math.ceil(source.length / 8) * 8 + 8);
  bytes.set(source, 8);
  const { buffer } = bytes;
  const views = [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
    ...('Float16Array' in globalThis ? [Float16Array] : []), // Not in Node 22.
  ].map((View) => new View(buffer, 8));
  const others = [Buffer.from(source), new DataView(buffer, 3), buffer.slice(8), buffer.slice(0, 0)];
  return fc.constantFrom<unknown>(...views, ...others, ...views.map((view) => view.subarray(0, 0)));
});

const { anyValue } = fc.letrec<{ anyValue: unknown }>((tie) => ({
  anyValue: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    anyText,
    anyNumber,
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.bigInt(),
    fc.bigInt({ min: -(2n ** 4000n), max: 2n ** 4000n }),
    fc.date({ noInvalidDate: false }),
    anyBinary,
    fc.array(tie('anyValue')),
    fc.sparseArray(tie('anyValue'), { maxLength: 20 }),
    fc.dictionary(anyKey, tie('anyValue')),
    fc.array(fc.tuple(tie('anyValue'), tie('anyValue'))).map((entries) => new Map(entries)),
    fc.array(tie('anyValue')).map((values) => new Set(values)),
  ),
}));

describe('what goes in comes back', () => {
  test('any nested value, with its types', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(same(roundTrip(value), value)).toBe(true);
      }),
      { numRuns: 800 },
    );
  });

  test('the comparison itself tells apart what must be told apart', () => {
    const different: [unknown, unknown][] = [
      [0, -0],
      [1, 1n],
      [null, undefined],
      [[undefined], [,]], // oxlint-disable-line no-sparse-arrays
      [{ a: undefined }, {}],
      [{}, Object.create(null)],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      [Buffer.of(1), Uint8Array.of(1)],
      [new Date(1), new Date(2)],
      [new Map([[1, 2]]), new Map([['1', 2]])],
      [new Set([{}]), new Set([[]])],
      [Uint8Array.of(1), Int8Array.of(1)],
    ];
    for (const [left, right] of different) expect(same(left, right)).toBe(false);
  });

  test.each([0, '', false, null, undefined, -0, Number.NaN, Infinity, 0n, 2n ** 64n, -(2n ** 64n)])(
    'the bare value %s',
    (value) => expect(roundTrip(value)).toBe(value),
  );

  test('every date to the millisecond, and one that is none', () => {
    for (const time of [0, 1, -1, 1_700_000_000_123, -1_076_389_932_866, 8.64e15, -8.64e15]) {
      expect((roundTrip(new Date(time)) as Date).getTime()).toBe(time);
    }
    expect((roundTrip(new Date(Number.NaN)) as Date).getTime()).toBeNaN();
  });

  test('texts that UTF-8 or its decoders would change', () => {
    for (const text of ['\ud800', 'a\udfff', '\ufeffabc', `\ufeff${'x'.repeat(100)}`, 'a\ufeff', '\0']) {
      expect(roundTrip(text)).toBe(text);
      expect(Object.keys(roundTrip({ [text]: 1 }) as object)).toEqual([text]);
    }
  });

  test('an own __proto__ without touching any prototype', () => {
    const decoded = roundTrip(JSON.parse('{"__proto__":{"admin":true},"a":1}')) as object;
    expect(Object.keys(decoded)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(({} as { admin?: true }).admin).toBeUndefined();
  });

  test('frozen objects, and a read-only Date, Map and Set with mutators that throw', () => {
    const refuse = (): never => {
      throw new TypeError('read-only');
    };
    const date = Object.assign(new Date(5), { setTime: refuse, getTime: refuse });
    const map = Object.assign(new Map([['a', 1]]), { set: refuse, delete: refuse, entries: refuse });
    const set = Object.assign(new Set([1]), { add: refuse, values: refuse });
    const value = Object.freeze({ list: Object.freeze([Object.freeze(date)]), map: Object.freeze(map), set });
    expect(same(roundTrip(value), { list: [new Date(5)], map: new Map([['a', 1]]), set: new Set([1]) })).toBe(
      true,
    );
  });

  test('only the bytes of a view, not those beside it in its buffer', () => {
    const secret = Buffer.from('secret!!');
    const encoded = Buffer.from(structured.encode(secret.subarray(0, 1)));
    expect(encoded.includes('ecret')).toBe(false);
    expect((roundTrip(new Uint8Array(64).subarray(8, 9)) as Uint8Array).buffer.byteLength).toBe(1);
  });

  test('plain values of another realm, as those of this one', () => {
    expect(roundTrip(runInNewContext('({ a: [1, { b: 2 }] })'))).toStrictEqual({ a: [1, { b: 2 }] });
  });

  test('a value that occurs twice, as two equal ones', () => {
    const shared = { a: 1 };
    expect(roundTrip([shared, shared])).toStrictEqual([shared, shared]);
  });

  test('an empty buffer that nobody else has', () => {
    const first = roundTrip(new ArrayBuffer(0)) as ArrayBuffer;
    structuredClone(first, { transfer: [first] });
    expect(roundTrip(new Float64Array(0))).toStrictEqual(new Float64Array(0));
    expect(roundTrip(Buffer.alloc(0))).toStrictEqual(Buffer.alloc(0));
  });

  test('many names of properties, more than are remembered', () => {
    const wide = Object.fromEntries(
      Array.from({ length: 5000 }, (_, index) => [`key${index % 7}_${index}`, index]),
    );
    for (let round = 0; round < 3; round++) expect(roundTrip(wide)).toStrictEqual(wide);
  });
});

function refusal(value: unknown): { path: string; problem: string } {
  try {
    structured.encode(value);
  } catch (error) {
    expect(error).toBeInstanceOf(CisternError);
    expect((error as CisternError).code).toBe('CISTERN_UNSTORABLE');
    return (error as CisternError<'CISTERN_UNSTORABLE'>).details;
  }
  throw new Error('it was encoded');
}

describe('what cannot be kept is refused, with its path', () => {
  class Money {
    amount = 1;
  }
  const cycle: { items: unknown[] } = { items: [] };
  cycle.items.push(cycle);

  test.each<[string, unknown, string, RegExp]>([
    ['a function', { items: [0, 1, 2, { fn() {} }] }, 'value.items[3].fn', /is a function/],
    ['a symbol', [Symbol('s')], 'value[0]', /is a symbol/],
    ['a symbol as key', { a: { [Symbol('s')]: 1 } }, 'value.a', /key is a symbol/],
    ['an instance', { 'the price': new Money() }, 'value["the price"]', /is an instance of Money/],
    ['an instance of a class of arrays', { rows: new (class Rows extends Array {})() }, 'value.rows', /Rows/],
    ['an instance of a class of maps', [new (class Index extends Map {})()], 'value[0]', /Index/],
    ['an error', { e: new Error('x') }, 'value.e', /is an instance of Error/],
    ['a regular expression', [/x/], 'value[0]', /is an instance of RegExp/],
    ['a promise', Promise.resolve(1), 'value', /is an instance of Promise/],
    ['a boxed number', [Object(1)], 'value[0]', /is an instance of Number/],
    ['a fake date', [Object.create(Date.prototype)], 'value[0]', /threw when it was read/],
    ['a value in a map', { m: new Map([['k', () => 1]]) }, 'value.m.values()[0]', /is a function/],
    ['a key in a map', { m: new Map([[() => 1, 1]]) }, 'value.m.keys()[0]', /is a function/],
    ['an element of a set', new Set([1, () => 1]), 'value.values()[1]', /is a function/],
    ['an array with names', { a: Object.assign([1], { total: 1 }) }, 'value.a', /properties of its own/],
    [
      'a getter that throws',
      {
        get a(): never {
          throw new Error('no');
        },
      },
      'value.a',
      /threw/,
    ],
    ['a toJSON method', { toJSON: () => 1 }, 'value.toJSON', /is a function/],
    ['more elements than allowed', { a: Array(mostItems + 1) }, 'value.a', /more than/],
  ])('%s', (_, value, path, problem) => {
    const details = refusal(value);
    expect(details.path).toBe(path);
    expect(details.problem).toMatch(problem);
  });

  test('a cycle', () => {
    expect(refusal(cycle)).toMatchObject({ problem: expect.stringMatching(/cycle/) as string });
  });

  test('a small value that would unfold to a huge one', () => {
    let bomb: unknown = [1, 1];
    for (let level = 0; level < 60; level++) bomb = [bomb, bomb];
    expect(refusal(bomb).problem).toMatch(/more than/);
    const holes = Array(100_000);
    expect(refusal(Array.from({ length: 100 }, () => holes)).problem).toMatch(/more than/);
  });

  test('a map that a getter changes while it is written', () => {
    const map = new Map<string, unknown>();
    map.set('a', {
      get more() {
        return map.set('b', 1).size;
      },
    });
    expect(refusal(map).problem).toMatch(/changed/);
  });

  test('a getter that encodes something else meanwhile does no harm', () => {
    const value = {
      before: 'x'.repeat(30),
      get inner() {
        return structured.encode(['other']).length;
      },
      after: 1,
    };
    expect(roundTrip(value)).toStrictEqual({ before: 'x'.repeat(30), inner: 7, after: 1 });
  });
});

describe('foreign and damaged bytes', () => {
  test('the deepest value goes through, one deeper is refused on both sides', () => {
    const nest = (levels: number, leaf: unknown): unknown => {
      let value = leaf;
      for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : new Map([[1, value]]);
      return value;
    };
    for (const leaf of [1, 1n, '\ud800', undefined]) {
      expect(same(roundTrip(nest(deepestValue, leaf)), nest(deepestValue, leaf))).toBe(true);
    }
    expect(refusal(nest(deepestValue + 1, 1)).problem).toMatch(/deeper/);
    const arrays = (levels: number): Buffer => Buffer.concat([Buffer.alloc(levels, 0x81), Buffer.of(1)]);
    expect(() => structured.decode(arrays(deepestValue))).not.toThrow();
    expect(() => structured.decode(arrays(deepestValue + 1))).toThrow(/deeper/);
    expect(() => structured.decode(arrays(1_000_000))).toThrow(/deeper/);
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['an array of 4 billion', '9affffffff'],
    ['an array of 2^60', '9b1000000000000000'],
    ['a map of 4 billion', 'baffffffff'],
    ['a text of 4 GB', '7affffffff'],
    ['bytes of 2^53', '5b0020000000000000'],
    ['a typed array of 4 GB', 'd8405affffffff'],
    ['an array that lies about its length', '8301'],
    ['a typed array with half an element', 'd85643010203'],
    ['an unknown tag', 'd9d9f701'],
    ['a date that is an array', 'd9c10182f6f6'],
    ['a date that is a text', 'd9c10161' + '31'],
    ['a bigint without digits', 'c240'],
    ['half a character', 'd9c10241ff'],
    ['a hole outside an array', 'd9c104f6'],
    ['an object with a number as key', 'a10102'],
    ['an indefinite array', '9f01ff'],
    ['an indefinite text', '7f6161ff'],
    ['a lone break', 'ff'],
    ['a simple value', 'f820'],
    ['an integer beyond 2^53', '1bffffffffffffffff'],
    ['a number not in its shortest form', '1801'],
    ['two values', '0101'],
    ['a tag without content', 'd90102'],
    ['a set that is a map', 'd90102a0'],
  ])('%s is refused', (_, hex) => {
    const before = process.memoryUsage().arrayBuffers;
    expect(() => structured.decode(Buffer.from(hex, 'hex'))).toThrow(Error);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  });

  test('what ends too early says so', () => {
    expect(() => structured.decode(Buffer.of(0x82, 1))).toThrow('it is cut off');
  });

  test('nested headers that each claim the rest allocate nothing for their claims', () => {
    const bytes = Buffer.alloc(1_000_000);
    for (let at = 0; at + 5 <= bytes.length; at += 5) {
      bytes[at] = 0x9a;
      bytes.writeUInt32BE(bytes.length - at - 5, at + 1);
    }
    const before = process.memoryUsage().heapUsed;
    expect(() => structured.decode(bytes)).toThrow(Error);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 25);
  });

  test('more values than allowed in one entry are refused', () => {
    const header = Buffer.alloc(5, 0x9a);
    header.writeUInt32BE(mostItems, 1);
    expect(() => structured.decode(Buffer.concat([header, Buffer.alloc(mostItems)]))).toThrow(/more than/);
  });

  test('every shorter part of an entry is refused', () => {
    fc.assert(
      fc.property(anyValue, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (value, cut) => {
        const bytes = structured.encode(value);
        expect(() => structured.decode(bytes.subarray(0, Math.floor(bytes.length * cut)))).toThrow(Error);
      }),
      { numRuns: 300 },
    );
  });

  test('random and damaged bytes throw or give a value that can be stored again, and change no prototype', () => {
    const damaged = fc
      .tuple(anyValue, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }))
      .map(([value, changes]) => {
        const bytes = Buffer.from(structured.encode(value));
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        return bytes;
      });
    let refused = 0;
    let read = 0;
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), damaged), (bytes) => {
        let decoded: unknown;
        try {
          decoded = structured.decode(bytes);
          read++;
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          refused++;
          return;
        }
        expect(same(roundTrip(decoded), decoded)).toBe(true);
      }),
      { numRuns: 1500 },
    );
    expect(refused).toBeGreaterThan(300);
    expect(read).toBeGreaterThan(100);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});
