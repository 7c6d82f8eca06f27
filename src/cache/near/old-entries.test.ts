import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntrySlab } from './entry-slab.ts';

/** Whole milliseconds, some before the clock began: what was loaded elsewhere may be older than the process. */
const day = 86_400_000;
const moments = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -3_000_000, max: 10_000_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: -30 * day, max: 120 * day }) },
);
const spans = fc.oneof(fc.nat(100), fc.nat(100_000), fc.nat(3_000_000));

test('whatever else is in the slab and however old it is, nothing is served longer than was said', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(moments, spans, spans, spans), { minLength: 1, maxLength: 40 }), (all) => {
      const slab = new EntrySlab();
      const kept = all.map(([loadedAt, fresh, stale, confirmed], number) => {
        const slot = slab.take(number, number, 'value', 100, 1);
        const freshUntil = loadedAt + fresh;
        const times = {
          until: Math.min(freshUntil, loadedAt + confirmed),
          freshUntil,
          staleUntil: freshUntil + stale,
          confirmedUntil: loadedAt + confirmed,
          loadedAt,
        };
        slab.setTimes(slot, times);
        return { slot, times };
      });
      // Any moment of serving is after the last of them has come.
      const now = Math.max(...all.map(([loadedAt]) => loadedAt));
      for (const { slot, times } of kept) {
        const found = slab.times(slot);
        for (const name of ['until', 'freshUntil', 'staleUntil', 'confirmedUntil'] as const)
          expect(Math.max(now, found[name]), name).toBeLessThanOrEqual(Math.max(now, times[name]));
        expect(found.until).toBeLessThanOrEqual(found.freshUntil);
      }
      // And what was promised for long is kept, but for the rounding.
      for (const { slot, times } of kept) {
        const { freshUntil, staleUntil } = slab.times(slot);
        if (times.freshUntil > now) expect(freshUntil).toBe(times.freshUntil);
        if (times.staleUntil > now) expect(staleUntil).toBe(times.staleUntil);
      }
    }),
  );
});
