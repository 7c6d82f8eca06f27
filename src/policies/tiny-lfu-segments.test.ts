import { afterEach, describe, expect, test, vi } from 'vitest';
import { assertSameAnswers, type NaiveCache } from '../../test/policies/same-answers.ts';
import { hashOf, type MakePolicy, SlotCache } from '../../test/policies/slot-cache.ts';
import { Chance } from './chance.ts';
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
    });
    segments.insert(0, 0, false);
    for (let hit = 0; hit < 14; hit++) segments.hit(0);
    for (age.mockClear(); age.mock.calls.length < periods;) {
      segments.insert(1, 7919, false);
      segments.remove(1, 7919);
    }
    remember.mockClear();
    segments.remove(0, 0);
    return remember.mock.calls[0]?.[1] ?? 0;
  };
  expect([0, 1, 2, 3, 4, 31, 32, 33, 64, 100].map(countAfter)).toEqual([15, 7, 3, 1, 0, 0, 0, 0, 0, 0]);
});

interface Entry {
  readonly key: number;
  count: number;
  /** Asked for since its end of the list was last reached. */
  used: boolean;
}

/** The segments over three arrays, the first is the oldest; every count is halved at once; what has left is all remembered. */
class NaiveSegments implements NaiveCache {
  readonly #window: Entry[] = [];
  readonly #probation: Entry[] = [];
  readonly #guarded: Entry[] = [];
  readonly #ghosts = new Map<number, number>();
  readonly #chance = new Chance(1);
  readonly #capacity: number;
  readonly #windowLimit: number;
  readonly #guardedLimit: number;
  #counted = 0;

  constructor(capacity: number, share: number) {
    this.#capacity = capacity;
    this.#windowLimit = Math.max(1, Math.min(Math.round(capacity * share), capacity - 1));
    this.#guardedLimit = Math.floor((capacity - this.#windowLimit) * 0.8);
  }

  request(key: number): boolean {
    const found = this.#all().find((entry) => entry.key === key);
    if (found !== undefined) {
      found.used = true;
      if (found.count < 15) {
        found.count++;
        this.#counted++;
      }
      this.#age();
      return true;
    }
    while (this.#all().length >= this.#capacity) this.delete(this.#victim().key);
    this.#window.push({ key, count: Math.min(15, (this.#ghosts.get(key) ?? 0) + 1), used: false });
    this.#counted++;
    this.#age();
    for (let moved = 0; moved < 4 && this.#window.length > Math.max(1, this.#windowLimit); moved++)
      this.#probation.push(this.#window.shift()!);
    return false;
  }

  keys(): readonly number[] {
    return this.#all().map(({ key }) => key);
  }

  delete(key: number): void {
    for (const segment of [this.#window, this.#probation, this.#guarded]) {
      const at = segment.findIndex((entry) => entry.key === key);
      if (at < 0) continue;
      const [entry] = segment.splice(at, 1);
      if (entry!.count > 0) this.#ghosts.set(key, entry!.count);
    }
  }

  #all(): readonly Entry[] {
    return [...this.#window, ...this.#probation, ...this.#guarded];
  }

  /** Everything counts half after ten requests per entry. */
  #age(): void {
    if (this.#counted < 10 * this.#capacity) return;
    this.#counted >>= 1;
    for (const entry of this.#all()) entry.count >>= 1;
    for (const [key, count] of this.#ghosts) this.#ghosts.set(key, count >> 1);
  }

  #victim(): Entry {
    this.#shrinkGuarded();
    if (this.#window.length === 0 || this.#window.length < this.#windowLimit)
      return this.#mainVictim() ?? secondChance(this.#window)!;
    const candidate = secondChance(this.#window)!;
    const victim = this.#mainVictim();
    if (victim === undefined || !this.#admits(candidate, victim)) return candidate;
    this.#window.shift();
    candidate.used = false;
    this.#probation.push(candidate);
    return victim;
  }

  #admits(candidate: Entry, victim: Entry): boolean {
    return candidate.count > victim.count + 1 || (candidate.count >= 6 && this.#chance.below(128) === 0);
  }

  #mainVictim(): Entry | undefined {
    while (this.#probation[0]?.used === true) {
      const entry = this.#probation.shift()!;
      entry.used = false;
      this.#guarded.push(entry);
      this.#shrinkGuarded();
    }
    return this.#probation[0] ?? secondChance(this.#guarded);
  }

  #shrinkGuarded(): void {
    for (let moved = 0; moved < 4 && this.#guarded.length > this.#guardedLimit; moved++) {
      const entry = this.#guarded.shift()!;
      (entry.used ? this.#guarded : this.#probation).push(entry);
      entry.used = false;
    }
  }
}

/** The first that was not asked for since it last stood there; the others go to the end. It stays in. */
function secondChance(segment: Entry[]): Entry | undefined {
  while (segment[0]?.used === true) {
    const entry = segment.shift()!;
    entry.used = false;
    segment.push(entry);
  }
  return segment[0];
}

/** A policy of nothing but the segments. */
function segmentsOf(share: number): MakePolicy {
  return (options) => {
    const segments = new TinyLfuSegments({ ...options, share, lists: new SlotLists(3), firstList: 0 });
    return {
      get size() {
        return segments.size;
      },
      get weight() {
        return segments.weight;
      },
      hit: (slot) => void segments.hit(slot),
      miss: () => {},
      insert: (slot) => segments.insert(slot, options.hashOf(slot), false),
      remove: (slot) => segments.remove(slot, options.hashOf(slot)),
      reweigh: (slot, difference) => segments.reweigh(slot, difference),
      victim: () => segments.victim(),
      resize: (capacity) => {
        segments.capacity = capacity;
      },
    };
  };
}

describe.each([0.01, 0.2, 0.8])('with a window of %d', (share) => {
  test('gives the same answers as the same over arrays, with deletions between', () => {
    assertSameAnswers(segmentsOf(share), (capacity) => new NaiveSegments(capacity, share));
  });
});

test('a candidate that was asked for no more often than the entry that would have to go is not let in', () => {
  const cache = new SlotCache(segmentsOf(0.1), { capacity: 10 });
  for (let key = 0; key < 10; key++) for (let time = 0; time < 3; time++) cache.request(key);
  // Nine are in the main segments. Newcomers go through the window, each once, and out.
  for (let key = 100; key < 150; key++) cache.request(key);
  expect(cache.keys().filter((key) => key < 10)).toHaveLength(9);
  // Who comes back often enough is let in.
  for (let time = 0; time < 6; time++) {
    cache.request(200);
    cache.request(300 + time);
  }
  for (let key = 400; key < 420; key++) cache.request(key);
  expect(cache.has(200)).toBe(true);
});

test('a heavy candidate needs as much as all those together that would have to go for it', () => {
  const held = (weight: number): number => {
    const cache = new SlotCache(segmentsOf(0.2), { capacity: 1000, weighted: true });
    for (let key = 0; key < 100; key++) cache.request(key, 10);
    for (let time = 0; time < 2; time++) for (let key = 0; key < 100; key++) cache.request(key, 10);
    for (let time = 0; time < 5; time++) cache.request(1000, weight);
    for (let key = 2000; key < 2100; key++) cache.request(key, 10);
    return cache.has(1000) ? 1 : 0;
  };
  expect([held(10), held(150)]).toEqual([1, 0]);
});

test('in a loop that is a little too long, most of what is there stays', () => {
  const cache = new SlotCache(segmentsOf(0.01), { capacity: 1000 });
  let hits = 0;
  for (let request = 0; request < 50_000; request++) if (cache.request(request % 1200)) hits++;
  expect(hits / 50_000).toBeGreaterThan(0.7);
});

test('its owner’s mark stays with an entry through all segments, and goes with it', () => {
  const lists = new SlotLists(3);
  const segments = new TinyLfuSegments({
    capacity: 8,
    share: 0.2,
    seed: 1,
    lists,
    firstList: 0,
  });
  const insert = (slot: number): void => segments.insert(slot, hashOf(slot, 1), slot % 2 === 0);
  const remove = (slot: number): void => segments.remove(slot, hashOf(slot, 1));
  for (let slot = 0; slot < 8; slot++) insert(slot);
  expect(segments.marked).toBe(4);
  for (let round = 0; round < 300; round++) {
    const slot = segments.victim();
    remove(slot);
    insert(slot);
    for (let each = 0; each < 8; each++) if (round % 3 > 0) expect(segments.hit(each)).toBe(each % 2 === 0);
    expect(segments.marked).toBe(4);
  }
  for (let slot = 0; slot < 8; slot++) remove(slot);
  expect(segments.marked).toBe(0);
});

test('who was asked for six times is let in now and then although all inside are stronger; who was not, never', () => {
  const letIn = (times: number): number => {
    let count = 0;
    for (let seed = 0; seed < 200; seed++) {
      const cache = new SlotCache(segmentsOf(0.01), { capacity: 100, seed });
      // Less than a period in all: no count is halved.
      for (let time = 0; time < 9; time++) for (let key = 0; key < 99; key++) cache.request(key);
      for (let each = 0; each < 9; each++) {
        for (let time = 0; time < times; time++) cache.request(100 + each);
        cache.request(200 + each);
        if (cache.has(100 + each)) count++;
      }
    }
    return count;
  };
  expect(letIn(5)).toBe(0);
  expect(letIn(7)).toBeGreaterThan(1800 / 128 / 3);
  expect(letIn(7)).toBeLessThan((1800 / 128) * 3);
});
