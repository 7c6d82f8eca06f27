import { deepStrictEqual } from 'node:assert/strict';
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

const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withTypedArray: true,
  withSparseArray: false,
  maxDepth: 4,
});
describe('copy', () => {
  test('any storable value comes out equal, of the same kinds, sharing nothing', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const result = sealed(value, 'clone');
        deepStrictEqual(result.value, value);
        deepStrictEqual(copy(result.value), value);
        if (typeof value === 'object' && value !== null) expect(result.value).not.toBe(value);
      }),
      { numRuns: 500 },
    );
  });

  test('thaws: copies of frozen and read-only values can be changed', () => {
    const value = sealed(plain()).value as Record<string, unknown>;
    const changed = copy(value) as Record<string, unknown>;
    (changed['list'] as unknown[]).push(1);
    (changed['when'] as Date).setTime(7);
    (changed['map'] as Map<unknown, unknown>).clear();
    (changed['set'] as Set<unknown>).add(5);
    changed['more'] = 1;
    deepStrictEqual(value, plain());
  });

  test('a Buffer stays a Buffer, with memory of its own and no more than it needs', () => {
    const pooled = Buffer.from('small');
    const made = copy({ pooled }) as { pooled: Buffer };
    expect(Buffer.isBuffer(made.pooled)).toBe(true);
    expect(made.pooled.buffer.byteLength).toBe(5);
    pooled.write('SMALL');
    expect(made.pooled.toString()).toBe('small');
    expect(copy(new Uint16Array([1, 2]).subarray(1))).toEqual(new Uint16Array([2]));
    const view = new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2);
    expect((copy(view) as DataView).getUint16(0)).toBe(0x02_03);
  });

  test('references shared within a value stay shared', () => {
    const part = { a: 1 };
    const made = copy({ one: part, two: [part], three: new Map([[part, part]]) }) as {
      one: object;
      two: object[];
      three: Map<object, object>;
    };
    expect(made.one).not.toBe(part);
    expect(made.two[0]).toBe(made.one);
    expect([...made.three][0]).toEqual([made.one, made.one]);
    expect(made.three.get(made.one)).toBe(made.one);
  });
});
