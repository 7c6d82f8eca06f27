import { afterEach, expect, test, vi } from 'vitest';
import { GhostCounts } from './ghost-counts.ts';
import { SlotLists } from './slot-lists.ts';
import { TinyLfuSegments } from './tiny-lfu-segments.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('an entry that nobody asks for any more loses half of its count with each period, for good', () => {
  const age = vi.spyOn(GhostCounts.prototype, 'age');
  const remember = vi.spyOn(GhostCounts.prototype, 'remember');
  /** The count that an entry takes with it when it leaves after so many periods; 0: none. */
  const countAfter = (periods: number): number => {
    const segments = new TinyLfuSegments({
      capacity: 4,
      share: 0.25,
      seed: 1,
      lists: new SlotLists(3),
      firstList: 0,
      hashOf: (slot) => slot * 7919,
    });
    segments.insert(0, false);
    for (let hit = 0; hit < 14; hit++) segments.hit(0);
    for (age.mockClear(); age.mock.calls.length < periods;) {
      segments.insert(1, false);
      segments.remove(1);
    }
    remember.mockClear();
    segments.remove(0);
    return remember.mock.calls[0]?.[1] ?? 0;
  };
  expect([0, 1, 2, 3, 4, 31, 32, 33, 64, 100].map(countAfter)).toEqual([15, 7, 3, 1, 0, 0, 0, 0, 0, 0]);
});
