import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jittered, pollDelay, refreshTime } from './freshness.ts';

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const lifetime = fc.double({ min: 1, max: 2_592_000_000, noNaN: true });

test('jitter only shortens, by at most its share, to whole milliseconds and never to nothing', () => {
  fc.assert(
    fc.property(lifetime, fc.double({ min: 0, max: 0.9, noNaN: true }), chance, (life, jitter, drawn) => {
      const spread = jittered(life, jitter, drawn);
      expect(Number.isInteger(spread)).toBe(true);
      expect(spread).toBeGreaterThanOrEqual(Math.max(1, Math.round(life * (1 - jitter)) - 1));
      expect(spread).toBeLessThanOrEqual(Math.round(life));
    }),
  );
});

test('a reload never begins after the end, earlier for slow loads and eager caches, and at the end with beta 0', () => {
  fc.assert(
    fc.property(lifetime, fc.nat(10_000), fc.nat(100), chance, (end, load, beta, drawn) => {
      const begin = refreshTime(end, load, beta, drawn);
      expect(begin).toBeLessThanOrEqual(end);
      expect(refreshTime(end, load * 2, beta, drawn)).toBeLessThanOrEqual(begin);
      expect(refreshTime(end, load, beta + 1, drawn)).toBeLessThanOrEqual(begin);
      expect(refreshTime(end, load, 0, drawn)).toBe(end);
    }),
  );
});

test('losers poll every 2 ms at first, and then after a tenth of the time waited at most', () => {
  fc.assert(
    fc.property(fc.nat(60_000), chance, (waited, drawn) => {
      const base = Math.max(2, waited / 10);
      expect(pollDelay(waited, drawn)).toBeGreaterThanOrEqual(base * 0.6);
      expect(pollDelay(waited, drawn)).toBeLessThanOrEqual(base);
    }),
  );
});
