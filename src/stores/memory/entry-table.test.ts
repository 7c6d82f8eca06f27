import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Entry, entryOverhead, EntryTable } from './entry-table.ts';

const empty = new Uint8Array();

function entry(key: string, size = 0, expires = Number.POSITIVE_INFINITY): Entry {
  return new Entry(key, size === 0 ? empty : new Uint8Array(size), 0, 0, expires, true);
}

const room = (key: string, size: number): number => entryOverhead + key.length + size;

type Step =
  | { readonly do: 'put'; readonly key: string; readonly size: number }
  | { readonly do: 'use' | 'remove'; readonly key: string };

const key = fc.integer({ min: 0, max: 30 }).map((number) => `k${number}`);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('put' as const), key, size: fc.integer({ min: 0, max: 3000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('use' as const, 'remove' as const), key }) },
);

describe('EntryTable', () => {
  test('holds what a list in the order of use would hold, within its bytes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const table = new EntryTable(8000);
        /** Keys and sizes; the one used last at the end. */
        let model: (readonly [key: string, size: number])[] = [];
        const bytes = (): number => model.reduce((sum, [each, size]) => sum + room(each, size), 0);
        for (const each of steps) {
          const known = model.find(([name]) => name === each.key);
          const found = table.find(each.key);
          expect(found?.value.length).toBe(known?.[1]);
          model = model.filter((other) => other !== known);
          if (each.do === 'put') {
            model.push([each.key, each.size]);
            if (found === undefined) table.add(entry(each.key, each.size));
            else table.revalue(found, new Uint8Array(each.size));
            while (bytes() > 8000) model.shift();
          } else if (known !== undefined) {
            if (each.do === 'use') {
              model.push(known);
              table.use(found!);
            } else table.remove(found!);
          }
          expect(table.size).toBe(model.length);
          expect(table.bytes).toBe(bytes());
        }
        for (const [name, size] of model) expect(table.find(name)?.value.length).toBe(size);
      }),
      { numRuns: 500 },
    );
  });

  test('no part of the index grows beyond 16,384 entries, however many there are: a large Map stops the process when it grows', () => {
    const table = new EntryTable(1_000_000 * room('user:1000000', 0));
    for (let number = 0; number < 1_000_000; number++) table.add(entry(`user:${number}`));
    expect(table.size).toBe(1_000_000);
    expect(Math.max(...table.segmentSizes)).toBeLessThan(16_384);
    expect(table.bytes).toBeLessThanOrEqual(table.maxBytes);
  });

  test('a sweep removes what is over, a bounded number of looks at a time', () => {
    const table = new EntryTable(100_000_000);
    for (let number = 0; number < 10_000; number++)
      table.add(entry(`k${number}`, 10, number % 4 === 0 ? 50 : 500));
    expect(table.sweep(40, 20_000)).toBe(0);
    let removed = 0;
    let sweeps = 0;
    while (removed < 2500 && sweeps < 20) {
      const more = table.sweep(50, 1000);
      expect(more).toBeLessThanOrEqual(1000);
      removed += more;
      sweeps++;
    }
    expect(removed).toBe(2500);
    expect(sweeps).toBeGreaterThanOrEqual(9);
    expect(table.size).toBe(7500);
    expect(table.find('k0')).toBeUndefined();
    expect(table.find('k1')).toBeDefined();
  });

  test('a sweep sees entries that come and go while it is under way, and an empty table', () => {
    const table = new EntryTable(1_000_000);
    expect(table.sweep(0, 1000)).toBe(0);
    for (let number = 0; number < 100; number++) table.add(entry(`k${number}`, 0, 5));
    expect(table.sweep(9, 30)).toBeLessThanOrEqual(30);
    for (let number = 100; number < 200; number++) table.add(entry(`k${number}`, 0, 5));
    table.sweep(9, 1000);
    table.sweep(9, 1000);
    expect(table.size).toBe(0);
    table.clear();
    expect(table.sweep(9, 1000)).toBe(0);
    table.add(entry('again'));
    expect([table.size, table.bytes]).toEqual([1, room('again', 0)]);
  });
});
