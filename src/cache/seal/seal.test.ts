import { deepStrictEqual, throws } from 'node:assert/strict';
import { inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { copy } from './copy.ts';
import { isUnstorable, seal } from './seal.ts';
import type { Sealed, Sharing } from './seal.ts';

function sealed(value: unknown, sharing: Sharing = 'frozen'): Sealed {
  const result = seal(value, sharing);
  if (isUnstorable(result)) throw new Error(`${result.path} ${result.problem}`);
  return result;
}

function refusal(value: unknown): string {
  const result = seal(value, 'frozen');
  return isUnstorable(result) ? `${result.path} ${result.problem}` : 'stored';
}

/** Everything inside that could still be changed. */
function changeable(value: unknown, seen = new Set<unknown>()): unknown[] {
  if (typeof value !== 'object' || value === null || seen.has(value)) return [];
  seen.add(value);
  const parts: unknown[] =
    value instanceof Map
      ? [...value.keys(), ...value.values()]
      : value instanceof Set
        ? [...value]
        : Object.values(value);
  const inside = parts.flatMap((part) => changeable(part, seen));
  return Object.isFrozen(value) ? inside : [value, ...inside];
}

const plain = (): Record<string, unknown> => ({
  text: 'text',
  nothing: undefined,
  none: null,
  big: 2n ** 70n,
  minus: -0,
  not: Number.NaN,
  when: new Date(1_700_000_000_000),
  list: [1, 'two', [3, { four: 4 }]],
  map: new Map<unknown, unknown>([
    ['key', { inside: true }],
    [{ object: 'key' }, [1]],
  ]),
  set: new Set([1, { two: 2 }]),
  bare: Object.assign(Object.create(null) as object, { a: 1 }),
});

const freezable = fc
  .anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
  })
  // To node:assert of Node 22 no invalid date equals another one.
  .filter((value) => !inspect(value, { depth: Infinity, maxArrayLength: Infinity }).includes('Invalid Date'));

describe('frozen', () => {
  test('freezes in place, all the way down, and changes nothing that can be seen', () => {
    const value = plain();
    const result = sealed(value);
    expect(result.value).toBe(value);
    expect(result.copied).toBe(false);
    expect(changeable(value)).toEqual([]);
    deepStrictEqual(value, plain());
    expect(value).toStrictEqual(plain());
    deepStrictEqual(structuredClone(value), { ...plain(), bare: { a: 1 } });
    deepStrictEqual((deserialize(serialize(value)) as Record<string, unknown>)['map'], plain()['map']);
    expect(JSON.stringify(value['when'])).toBe(JSON.stringify(plain()['when']));
  });

  test('any plain value comes out equal, is wholly frozen, and can be sealed again', () => {
    fc.assert(
      fc.property(freezable, (value) => {
        const before = copy(value);
        const first = sealed(value);
        expect(first.value).toBe(value);
        expect(first.copied).toBe(false);
        expect(changeable(value)).toEqual([]);
        deepStrictEqual(value, before);
        expect(value).toStrictEqual(before);
        deepStrictEqual(sealed(value), first);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['Date', () => new Date(5), Date.prototype, /^set/],
    ['Map', () => new Map([[1, 2]]), Map.prototype, /^(?:set|delete|clear|getOrInsert)/],
    ['Set', () => new Set([1]), Set.prototype, /^(?:add|delete|clear)$/],
  ])('every mutator of a %s throws and says what to do', (name, make, prototype, mutators) => {
    const value = make() as unknown as Record<string, (...given: unknown[]) => unknown>;
    sealed(value);
    const names = Object.getOwnPropertyNames(prototype).filter((each) => mutators.test(each));
    expect(names.length).toBeGreaterThanOrEqual(3);
    for (const each of names) {
      throws(
        () => value[each]!(1, () => 2),
        (error: unknown) => {
          expect(error).toBeInstanceOf(TypeError);
          expect((error as Error).message).toContain(`${name}.${each}()`);
          expect((error as Error).message).toContain("sharing: 'clone'");
          return true;
        },
      );
    }
    deepStrictEqual(value as unknown, make());
    expect(Object.keys(value)).toEqual([]);
    throws(() => Object.assign(value, { extra: 1 }), TypeError);
  });

  test.each([
    ['Buffer', () => Buffer.from('bytes')],
    ['typed array', () => new Float64Array([1.5])],
    ['bigint array', () => new BigInt64Array([1n])],
    ['DataView', () => new DataView(new ArrayBuffer(8))],
    ['ArrayBuffer', () => new ArrayBuffer(8)],
    ['frozen Date', () => Object.freeze(new Date(1))],
    ['frozen Map', () => Object.freeze(new Map([[1, 1]]))],
    ['sealed Set', () => Object.seal(new Set([1]))],
  ])('%s cannot be frozen: a copy is kept, the given one stays as it was', (_, make) => {
    const value = { inside: [make(), { plain: true }] };
    const result = sealed(value);
    expect(result.copied).toBe(true);
    expect(result.value).not.toBe(value);
    expect(Object.isFrozen(value)).toBe(false);
    expect(Object.isFrozen(value.inside[1])).toBe(false);
    deepStrictEqual(result.value, { inside: [copy(make()), { plain: true }] });
  });

  test('bytes that the caller changes afterwards do not change in the cache', () => {
    const given = Buffer.from('bytes');
    const result = sealed({ given });
    given.write('BYTES');
    deepStrictEqual(result.value, { given: Buffer.from('bytes') });
  });
});

describe('clone and shared', () => {
  test('clone keeps a private copy of objects and leaves the given one as it was', () => {
    const value = plain();
    const result = sealed(value, 'clone');
    expect(result.copied).toBe(true);
    (value['list'] as unknown[]).push('later');
    expect(Object.isFrozen(value)).toBe(false);
    deepStrictEqual(result.value, plain());
    expect(sealed('text', 'clone')).toMatchObject({ value: 'text', copied: false });
  });

  test('shared keeps the value itself, and freezes nothing', () => {
    const value = { ...plain(), buffer: Buffer.from('bytes') };
    const result = sealed(value, 'shared');
    expect(result.value).toBe(value);
    expect(result.copied).toBe(false);
    expect(changeable(value).length).toBeGreaterThan(5);
    expect(result.bytes).toBeGreaterThan(500);
    expect(isUnstorable(seal({ fn: () => 1 }, 'shared'))).toBe(true);
  });
});

describe('unstorable', () => {
  class Row {
    id = 1;
  }
  const cycle: { items: unknown[] } = { items: [1] };
  cycle.items.push({ back: cycle });
  const map = new Map<unknown, unknown>();
  map.set('self', map);
  const holes: unknown[] = [];
  holes[5_000_000] = 1;

  test.each<[string, unknown, string]>([
    ['function', () => 1, 'value is a function'],
    ['symbol', Symbol('s'), 'value is a symbol'],
    ['function inside', { items: [1, 2, 3, { fn: () => 1 }] }, 'value.items[3].fn is a function'],
    ['method', { a: { 'odd key': { run() {} } } }, 'value.a["odd key"].run is a function'],
    ['symbol inside', [[Symbol('s')]], 'value[0][0] is a symbol'],
    ['symbol as a key', { a: { [Symbol('s')]: 1 } }, 'value.a has a property whose key is a symbol'],
    ['cycle', cycle, 'value.items[1].back refers back to an object that contains it'],
    ['cycle of a Map', map, 'value.get("self") refers back to an object that contains it'],
    ['class instance', { row: new Row() }, 'value.row is a class instance (Row), not plain data'],
    ['error', new Error('no'), 'value is a class instance (Error), not plain data'],
    ['regular expression', [/x/], 'value[0] is a class instance (RegExp), not plain data'],
    ['promise', { p: Promise.resolve(1) }, 'value.p is a class instance (Promise), not plain data'],
    [
      'subclass of Array',
      new (class List extends Array<number> {})(),
      'value is a class instance (List), not plain data',
    ],
    [
      'subclass of Map',
      new (class Dictionary extends Map {})(),
      'value is a class instance (Dictionary), not plain data',
    ],
    [
      'subclass of Uint8Array',
      new (class Bytes extends Uint8Array {})(1),
      'value is a class instance (Bytes), not plain data',
    ],
    ['Proxy of a Date', new Proxy(new Date(), {}), 'value is a class instance (Date), not plain data'],
    [
      'object that only looks like a Map',
      Object.create(Map.prototype),
      'value is a class instance (Map), not plain data',
    ],
    ['in a Set', new Set([{ a: () => 1 }]), 'value.values()[0].a is a function'],
    ['key of a Map', new Map([[() => 1, 1]]), 'value.keys()[0] is a function'],
    [
      'value of a Map',
      new Map<unknown, unknown>([
        [1, 1],
        [2, Symbol('s')],
      ]),
      'value.values()[1] is a symbol',
    ],
    ['sparse array', { holes }, 'value.holes is a sparse array'],
  ])('%s', (_, value, expected) => {
    expect(refusal(value)).toBe(expected);
  });

  test('an accessor is refused and never called', () => {
    const value = {
      a: [1, 2],
      get trap(): never {
        throw new Error('called');
      },
    };
    expect(refusal(value)).toBe('value.trap is an accessor');
    Object.defineProperty(value.a, 1, {
      get: () => {
        throw new Error('called');
      },
      enumerable: true,
    });
    expect(refusal(value.a)).toBe('value[1] is an accessor');
  });

  test('a refused value is not changed', () => {
    const value = { first: { list: [1] }, when: new Date(1), last: () => 1 };
    expect(refusal(value)).toBe('value.last is a function');
    expect(changeable(value)).toHaveLength(4);
    expect(() => value.when.setTime(2)).not.toThrow();
  });

  test('a Proxy that throws, or was revoked, is a refusal and not an error', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(refusal({ proxy })).toMatch(/^value cannot be read or frozen \(.*revoked/);
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no keys');
        },
      },
    );
    expect(refusal(hostile)).toBe('value cannot be read or frozen (no keys)');
    const stubborn = new Proxy({ a: 1 }, { preventExtensions: () => false });
    expect(refusal(stubborn)).toMatch(/^value cannot be read or frozen/);
    expect(sealed(new Proxy({ a: [1] }, {})).value).toEqual({ a: [1] });
  });

  test('a long path leaves out its middle', () => {
    let value: unknown = () => 1;
    for (let level = 0; level < 200; level++) value = { next: value };
    expect(refusal(value)).toMatch(/^value(?:\.next){15} \.\.\. (?:\.next)+ is a function$/);
    expect(refusal(value).replaceAll('.next', '').length).toBeLessThan(40);
  });
});

describe('large and odd shapes', () => {
  test('100,000 levels are refused, 1,000 are not', () => {
    const nested = (levels: number): unknown => {
      let value: unknown = 1;
      for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { value };
      return value;
    };
    for (const sharing of ['frozen', 'clone', 'shared'] as const) {
      expect(isUnstorable(seal(nested(1000), sharing))).toBe(false);
      expect(seal(nested(100_000), sharing)).toMatchObject({
        problem: 'is nested more than 1000 levels deep',
      });
    }
  });

  test('what is referred to from many places is visited and counted once', () => {
    const shared = { list: Array.from({ length: 1000 }, (_, index) => `text ${index}`) };
    const once = sealed([shared]).bytes;
    const often = sealed(Array.from({ length: 1000 }, () => shared)).bytes;
    expect(often - once).toBeLessThan(10_000);
    // 2^60 paths lead through this one.
    let diamond: unknown = { end: true };
    for (let level = 0; level < 60; level++) diamond = { left: diamond, right: diamond };
    expect(sealed(diamond).bytes).toBeLessThan(10_000);
    expect(changeable(diamond)).toEqual([]);
    deepStrictEqual(refusal({ a: diamond, b: () => 1 }), 'value.b is a function');
  });

  test('time grows with the size, not with its square', () => {
    const time = (make: (size: number) => unknown, size: number): number => {
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 5; round++) {
        const value = make(size);
        const start = performance.now();
        sealed(value);
        best = Math.min(best, performance.now() - start);
      }
      return best;
    };
    const shapes: readonly ((size: number) => unknown)[] = [
      (size) => Array.from({ length: size }, (_, id) => ({ id, name: `n${id}` })),
      (size) => new Map(Array.from({ length: size }, (_, id) => [id, { id }])),
      (size) => Object.fromEntries(Array.from({ length: size }, (_, id) => [`k${id}`, [id]])),
      (size) => Array.from({ length: size }, (_, id) => id + 0.5),
    ];
    // 32 times as large: a square would take a thousand times as long.
    for (const shape of shapes) expect(time(shape, 32_000)).toBeLessThan(time(shape, 1000) * 300 + 2);
  });

  test('an own property called __proto__ is data', () => {
    const value: unknown = JSON.parse('{"__proto__":{"polluted":[1]},"a":1}');
    const kept = sealed(value, 'clone').value as object;
    expect(Object.keys(kept)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(kept)).toBe(Object.prototype);
    sealed(value);
    expect(Object.isFrozen(Object.getOwnPropertyDescriptor(value, '__proto__')!.value)).toBe(true);
  });

  test('objects and arrays of another realm are plain', () => {
    const foreign: unknown = runInNewContext('({ a: [1, { b: 2 }] })');
    expect(sealed(foreign).value).toBe(foreign);
    expect(changeable(foreign)).toEqual([]);
  });

  test('holes stay holes', () => {
    // oxlint-disable-next-line no-sparse-arrays
    const value = [1, , 3];
    expect(1 in (sealed(value, 'clone').value as unknown[])).toBe(false);
  });
});
