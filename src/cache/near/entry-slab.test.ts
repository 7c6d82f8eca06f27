import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EntrySlab, evenSlots, type EntryTimes, flags, keptWeight, mostOwners } from './entry-slab.ts';

const day = 86_400_000;

/** A slab with one entry after another. */
function take(slab: EntrySlab, times: EntryTimes, number = 0): number {
  const slot = slab.take(number, number, 'value', 100, 1);
  slab.setTimes(slot, times);
  return slot;
}

/** Holds what is kept against what was given: never longer, and hardly shorter. */
function compare(kept: EntryTimes, given: EntryTimes): void {
  const { until, freshUntil, confirmedUntil, staleUntil, loadedAt } = given;
  // Whatever was due before it was loaded is due at once.
  const due = Math.max(until, loadedAt);
  const fresh = Math.floor(freshUntil);
  expect(kept.freshUntil).toBe(fresh);
  expect(kept.until).toBeLessThanOrEqual(due);
  expect(kept.until).toBeGreaterThanOrEqual(Math.floor(due) - 0.0005 * (fresh - Math.floor(due)) - 1);
  expect(kept.until).toBeLessThanOrEqual(kept.freshUntil);
  expect(kept.loadedAt).toBeLessThanOrEqual(loadedAt);
  const age = kept.until - loadedAt;
  expect(kept.loadedAt).toBeGreaterThanOrEqual(Math.min(kept.until, Math.floor(loadedAt) - 0.000_002 * age));
  if (confirmedUntil === Number.POSITIVE_INFINITY) {
    expect(kept.confirmedUntil).toBe(confirmedUntil);
  } else {
    const confirmed = Math.max(confirmedUntil, loadedAt);
    expect(kept.confirmedUntil).toBeLessThanOrEqual(confirmed);
    expect(kept.confirmedUntil).toBeGreaterThanOrEqual(confirmed - 1 - 0.0005 * (confirmed - kept.until));
  }
  expect(kept.staleUntil).toBeLessThanOrEqual(Math.max(staleUntil, fresh));
  expect(kept.staleUntil).toBeGreaterThanOrEqual(Math.floor(Math.max(staleUntil, fresh)));
}

const fraction = fc.constantFrom(0, 0.25, 0.999);
const span = fc
  .tuple(fc.oneof(fc.nat(10), fc.nat(5000), fc.nat(3_600_000), fc.nat(30 * day)), fraction)
  .map(([whole, rest]) => whole + rest);

/** Times of an entry from the moment at which it is loaded: whole and broken milliseconds. */
const spans = fc.record({
  fresh: span,
  /** How much earlier it is due. */
  early: fc.oneof(fc.constant(0), span),
  stale: fc.oneof(fc.constant(0), fc.constantFrom(1000, 60_000, 3_600_000, 7 * day)),
  confirmed: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), span),
});

function timesOf(
  loadedAt: number,
  { fresh, early, stale, confirmed }: { fresh: number; early: number; stale: number; confirmed: number },
): EntryTimes {
  const freshUntil = loadedAt + fresh;
  const confirmedUntil = loadedAt + confirmed;
  return {
    loadedAt,
    freshUntil,
    confirmedUntil,
    staleUntil: freshUntil + stale,
    until: Math.min(freshUntil - early, confirmedUntil, freshUntil),
  };
}

describe('times', () => {
  test('are never later than was said, and hardly earlier', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3_600_000), fraction, spans), { minLength: 1, maxLength: 30 }),
        (all) => {
          const slab = new EntrySlab();
          const kept = all.map(([whole, rest, each], number) => {
            const times = timesOf(whole + rest, each);
            return [take(slab, times, number), times] as const;
          });
          for (const [slot, times] of kept) compare(slab.times(slot), times);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('keep to that for 60 days of use: what is replaced, removed and put again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(9), fc.nat(day), fraction, spans), { minLength: 30, maxLength: 120 }),
        (steps) => {
          const slab = new EntrySlab();
          const live = new Map<number, readonly [number, EntryTimes]>();
          let now = 1000;
          for (const [place, pause, rest, each] of steps) {
            now = Math.floor(now) + Math.max(pause, (60 * day) / steps.length) + rest;
            const times = timesOf(now, each);
            const before = live.get(place);
            if (before !== undefined && place % 2 === 0) slab.free(before[0]);
            const slot =
              before === undefined || place % 2 === 0 ? slab.take(place, place, 'value', 100, 1) : before[0];
            slab.setTimes(slot, times);
            live.set(place, [slot, times]);
            compare(slab.times(slot), times);
            for (const [at, given] of live.values()) {
              const kept = slab.times(at);
              // What has been over for days may be kept as over since then.
              for (const name of ['until', 'freshUntil', 'confirmedUntil', 'staleUntil'] as const)
                expect(Math.max(now, kept[name]), name).toBeLessThanOrEqual(Math.max(now, given[name]));
              // What has been due for more than 15 days may be over, whatever there was left of it.
              if (given.until < now - 14 * day) continue;
              if (given.freshUntil > now) compare(kept, given);
              else if (given.staleUntil > now)
                expect(kept.staleUntil).toBeGreaterThan(
                  (given.staleUntil - given.freshUntil) * (5 / 6) + given.freshUntil - 1,
                );
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test.each([
    ['over for long', { fresh: 5000, early: 0, stale: 0, confirmed: 1e9 }],
    [
      'due for long, and fresh for longer',
      { fresh: 29 * day, early: 29 * day - 5000, stale: 0, confirmed: 5000 },
    ],
    ['due for long, and stale for longer', { fresh: 5000, early: 0, stale: 29 * day, confirmed: 5000 }],
    ['still to come', { fresh: 30 * day, early: 0, stale: 0, confirmed: Number.POSITIVE_INFINITY }],
  ])('of a million entries count from elsewhere after a month within 5 ms: %s', (_, life) => {
    let shortest = Number.POSITIVE_INFINITY;
    // The scheduler may have had its share: see `pauses.test.ts`.
    for (let round = 0; round < 8 && shortest >= 5; round++) {
      const slab = new EntrySlab(() => 1_000_000);
      const times = timesOf(0, life);
      for (let number = 0; number < 1_000_000; number++) take(slab, times, number);
      const { base } = slab;
      const late = timesOf(28 * day, { fresh: 29 * day, early: 0, stale: 0, confirmed: 1e9 });
      const begun = performance.now();
      slab.setTimes(7, late);
      shortest = Math.min(shortest, performance.now() - begun);
      expect(slab.base).toBeGreaterThan(base);
      for (const slot of [0, 8, 999_999]) {
        const kept = slab.times(slot);
        if (times.until > 13 * day) compare(kept, times);
        for (const name of ['until', 'freshUntil', 'confirmedUntil', 'staleUntil'] as const)
          expect(kept[name], name).toBeLessThanOrEqual(Math.max(13 * day, times[name]));
      }
    }
    expect(shortest).toBeLessThan(5);
  });

  test('at the ends of what is told from one base: the first moment beyond it, and what was due long before', () => {
    const slab = new EntrySlab();
    take(slab, timesOf(0, { fresh: 1000, early: 0, stale: 0, confirmed: 1e9 }));
    // 49.7 days, less those 15 that lie before the first entry.
    const beyond = 2 ** 32 - 15 * day;
    for (const end of [beyond - 1, beyond, beyond + 1]) {
      const times = timesOf(end - 10 * day, { fresh: 10 * day, early: 0, stale: 0, confirmed: 1e9 });
      compare(slab.times(take(slab, times)), times);
    }
    const old = timesOf(-20 * day, { fresh: 29 * day, early: 28 * day, stale: 1000, confirmed: 20 * day });
    const another = new EntrySlab();
    take(another, timesOf(0, { fresh: 1000, early: 0, stale: 0, confirmed: 1e9 }));
    const late = another.times(take(another, old));
    expect(late.until).toBeLessThan(-14 * day);
    expect(late.freshUntil).toBeLessThanOrEqual(old.freshUntil);
    expect(late.freshUntil).toBeGreaterThan(old.freshUntil - 0.0005 * 25 * day);
    expect(late.staleUntil - old.staleUntil).toBe(late.freshUntil - old.freshUntil);
  });

  test('of many stale spans are never later, and cost a sixth at most, however many there have been', () => {
    const slab = new EntrySlab();
    const slots: number[] = [];
    const spanOf = (number: number): number => 1000 + number * 137;
    for (let number = 0; number < 1000; number++) {
      const freshUntil = 100_000 + number;
      const times = timesOf(90_000, {
        fresh: freshUntil - 90_000,
        early: 0,
        stale: spanOf(number),
        confirmed: 1e9,
      });
      slots.push(take(slab, times, number));
    }
    let exact = 0;
    for (const [number, slot] of slots.entries()) {
      const kept = slab.staleUntil(slot) - slab.freshUntil(slot);
      expect(kept).toBeLessThanOrEqual(spanOf(number));
      expect(kept).toBeGreaterThan((spanOf(number) * 5) / 6);
      if (kept === spanOf(number)) exact++;
    }
    expect(exact).toBeGreaterThanOrEqual(100);
  });

  test('a stale span that is longer than all before is not cut to theirs', () => {
    const slab = new EntrySlab();
    for (let number = 0; number < 5000; number++)
      take(slab, timesOf(0, { fresh: 100, early: 0, stale: number % 500, confirmed: 1e9 }), number);
    for (const stale of [1000, 60_000, 3_600_000, day, 30 * day]) {
      const slot = take(slab, timesOf(0, { fresh: 100, early: 0, stale, confirmed: 1e9 }));
      expect(slab.staleUntil(slot) - 100).toBeLessThanOrEqual(stale);
      expect(slab.staleUntil(slot) - 100).toBeGreaterThan((stale * 5) / 6);
    }
  });

  test('confirmedUntil is infinite until one is not, and stays what it was for the others', () => {
    const slab = new EntrySlab();
    const life = { fresh: 1000, early: 0, stale: 0 };
    const endless = Array.from({ length: 300 }, (_, number) =>
      take(slab, timesOf(5, { ...life, confirmed: Number.POSITIVE_INFINITY }), number),
    );
    const finite = take(slab, timesOf(5, { ...life, confirmed: 700 }));
    const more = Array.from({ length: 300 }, (_, number) =>
      take(
        slab,
        timesOf(5, { ...life, confirmed: number % 2 === 0 ? Number.POSITIVE_INFINITY : 500 }),
        number,
      ),
    );
    for (const slot of endless) expect(slab.confirmedUntil(slot)).toBe(Number.POSITIVE_INFINITY);
    expect(slab.confirmedUntil(finite)).toBe(705);
    for (const [number, slot] of more.entries())
      expect(slab.confirmedUntil(slot)).toBe(number % 2 === 0 ? Number.POSITIVE_INFINITY : 505);
  });
});

describe('slots', () => {
  test('keep their columns while those grow, and beyond the last one whose references lie in one piece', () => {
    const slab = new EntrySlab();
    const count = evenSlots + 20_000;
    /** All exact: what each column has of an entry. */
    const columns = (number: number): unknown[] => [
      `key ${number}`,
      number * 3,
      number % 4000,
      1 + (number % mostOwners),
      number + 2000,
      number + 2000 + (number % 1000),
      number + 2000 + (number % 777),
      number + 2000 + (number % 1000) + (number % 100),
      number,
      ...Object.values(flags).map((_, flag) => flag === number % 4),
    ];
    for (let number = 0; number < count; number++) {
      const [key, hash, weight, owner, until, freshUntil, confirmedUntil, staleUntil, loadedAt] = columns(
        number,
      ) as [string, ...number[]];
      const slot = slab.take(key, hash!, { number }, weight!, owner!);
      if (slot !== number) expect(slot).toBe(number);
      // At first there is no remote tier.
      const confirmed = number < 1000 ? Number.POSITIVE_INFINITY : confirmedUntil!;
      slab.setTimes(slot, {
        until: until!,
        freshUntil: freshUntil!,
        confirmedUntil: confirmed,
        staleUntil: staleUntil!,
        loadedAt: loadedAt!,
      });
      slab.flag(slot, 1 << (number % 4));
    }
    expect(slab.end).toBe(count);
    for (const slots of Object.values(slab.reserved)) expect(slots).toBeLessThanOrEqual(1.13 * count);
    for (let slot = 0; slot < count; slot++) {
      const { until, freshUntil, confirmedUntil, staleUntil, loadedAt } = slab.times(slot);
      const found = [
        slab.keyOf(slot),
        slab.hashOf(slot),
        slab.weightOf(slot),
        slab.ownerOf(slot),
        until,
        freshUntil,
        confirmedUntil,
        staleUntil,
        loadedAt,
        ...Object.values(flags).map((flag) => slab.has(slot, flag)),
      ];
      const wanted = columns(slot);
      if (slot < 1000) wanted[6] = Number.POSITIVE_INFINITY;
      if (found.join() !== wanted.join()) expect(found).toEqual(wanted);
    }
  });

  test('few take little', () => {
    const slab = new EntrySlab();
    for (let number = 0; number < 1000; number++) {
      slab.take(number, number, 'value', 1, 1);
      for (const slots of Object.values(slab.reserved))
        expect(slots).toBeLessThanOrEqual(Math.max(128, 1.3 * (number + 1)));
    }
  });

  test('have memory for all that are expected once there are many, and not before', () => {
    const slab = new EntrySlab(() => 100_000);
    const sizes = new Set<number>();
    for (let number = 0; number < 100_000; number++) {
      slab.take(number, number, 'value', 1, 1);
      sizes.add(slab.reserved.hot);
    }
    const [last, before] = [...sizes].reverse();
    expect(last).toBe(100_000);
    expect(before).toBeLessThan(20_000);
    slab.take('key', 1, 'value', 1, 1);
    expect(slab.reserved.hot).toBeGreaterThan(110_000);
  });

  test('that were freed are used again, the last one first, and hold nothing of what was there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(-1), fc.nat(40)), { maxLength: 300, size: 'max' }),
        (steps) => {
          const slab = new EntrySlab();
          const live: number[] = [];
          const free: number[] = [];
          let most = 0;
          for (const step of steps) {
            if (step < 0 || live.length === 0) {
              const slot = slab.take('key', 7, 'value', 50, 3);
              expect(slot).toBe(free.pop() ?? most++);
              expect([slab.markOf(slot) & 0xf, slab.ownerOf(slot), slab.valueOf(slot)]).toEqual([
                0,
                3,
                'value',
              ]);
              slab.flag(slot, flags.hot | flags.crowded);
              live.push(slot);
            } else {
              const [slot] = live.splice(step % live.length, 1) as [number];
              expect(slab.free(slot)).toBe(50);
              expect([slab.ownerOf(slot), slab.markOf(slot), slab.valueOf(slot)]).toEqual([0, 0, undefined]);
              free.push(slot);
            }
            expect(slab.end).toBe(most);
          }
        },
      ),
    );
  });

  test('a replaced value has no flags of the old one but the index’s, and its own weight', () => {
    const slab = new EntrySlab();
    const slot = slab.take('key', 7, 'old', 50, 3);
    for (const flag of Object.values(flags)) slab.flag(slot, flag);
    slab.replace(slot, 'new', 60);
    expect([slab.keyOf(slot), slab.valueOf(slot), slab.weightOf(slot)]).toEqual(['key', 'new', 60]);
    expect([slab.ownerOf(slot), slab.hashOf(slot)]).toEqual([3, 7]);
    const left = Object.entries(flags).filter(([, flag]) => slab.has(slot, flag));
    expect(left).toEqual([['crowded', flags.crowded]]);
  });

  test('after clear there are none', () => {
    const slab = new EntrySlab();
    for (let number = 0; number < 1000; number++)
      take(slab, timesOf(5, { fresh: 10, early: 0, stale: 0, confirmed: 9 }));
    slab.free(17);
    slab.clear();
    expect(slab.end).toBe(0);
    for (const slots of Object.values(slab.reserved)) expect(slots).toBeLessThanOrEqual(128);
    expect(slab.take('key', 1, 'value', 1, 1)).toBe(0);
  });
});

test('weights are kept rounded up, by 0.05 % at most, and what is kept is kept as it is', () => {
  const slab = new EntrySlab();
  fc.assert(
    fc.property(
      fc.oneof(fc.nat(5000), fc.nat(1e7), fc.nat(1e12), fc.double({ min: 0, max: 1e6, noNaN: true })),
      (weight) => {
        const kept = keptWeight(weight);
        expect(kept).toBeGreaterThanOrEqual(weight);
        expect(kept).toBeLessThanOrEqual(weight <= 4095 ? Math.ceil(weight) : weight * 1.0005 + 1);
        expect(keptWeight(kept)).toBe(kept);
        const slot = slab.take('key', 1, 'value', kept, 1);
        expect(slab.weightOf(slot)).toBe(kept);
        expect(slab.free(slot)).toBe(kept);
      },
    ),
  );
});
