import fc from 'fast-check';
import { expect } from 'vitest';
import { type MakePolicy, SlotCache } from './slot-cache.ts';

/** An eviction policy and its cache in one, written as its authors write it: each entry weighs 1. */
export interface NaiveCache {
  /** True for a hit. A miss makes room and inserts. */
  request(key: number): boolean;
  /** The keys inside, in any order. */
  keys(): readonly number[];
  /** Left out where the authors do not say what it means. */
  delete?(key: number): void;
}

/** Requests for 40 keys, half of them for 10; with deletions between if they are wanted. */
function scripts(deletions: boolean): fc.Arbitrary<readonly (readonly [number, boolean])[]> {
  const key = fc.oneof(fc.nat(9), fc.nat(39));
  const request = fc.tuple(key, fc.constant(false));
  const deletion = fc.tuple(key, fc.constant(true));
  return fc.array(
    fc.oneof({ weight: 9, arbitrary: request }, ...(deletions ? [{ weight: 1, arbitrary: deletion }] : [])),
    { maxLength: 500, size: 'max' },
  );
}

/** Holds a policy against the naive one: the same answer to each request, the same keys inside after each step. */
export function assertSameAnswers(makePolicy: MakePolicy, makeNaive: (capacity: number) => NaiveCache): void {
  const deletions = makeNaive(1).delete !== undefined;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), scripts(deletions), (capacity, script) => {
      const naive = makeNaive(capacity);
      const cache = new SlotCache(makePolicy, { capacity });
      for (const [key, deletion] of script) {
        if (deletion) {
          naive.delete?.(key);
          cache.delete(key);
        } else expect(cache.request(key)).toBe(naive.request(key));
        expect(cache.keys()).toEqual(naive.keys().toSorted((a, b) => a - b));
      }
    }),
    { numRuns: 300 },
  );
}
