import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PolicyMaker } from './simulated-policy.ts';
import { simulate } from './simulation.ts';
import { HitRatioCurve, withHeadroom } from './sizing.ts';
import { TraceBuilder } from './trace-builder.ts';
import { read, unknownSize, unknownTime } from './trace-format.ts';

function traceOf(keys: readonly number[], memory = 2 ** 30) {
  const builder = new TraceBuilder({ memory });
  for (const key of keys) builder.request(String(key), read, unknownSize, unknownTime);
  return builder.build('test');
}

const keyLists = fc.array(fc.nat(50), { minLength: 1, maxLength: 400, size: 'max' });

test('the curve is what LRU does at each size', () => {
  fc.assert(
    fc.property(keyLists, (keys) => {
      const trace = traceOf(keys);
      const curve = new HitRatioCurve(trace);
      expect(curve.exact).toBe(true);
      expect(curve.largest).toBe(new Set(keys).size);
      for (const entries of [1, 2, 5, 20, 60]) {
        const { hitRatio } = simulate(trace, new PolicyMaker(trace), {
          policy: 'lru',
          capacity: entries,
          now: () => 0,
        });
        expect(curve.hitRatio(entries)).toBeCloseTo(hitRatio, 10);
      }
      expect(curve.reachable).toBeCloseTo(1 - new Set(keys).size / keys.length, 10);
    }),
    { numRuns: 50 },
  );
});

test('the size for a hit ratio is the smallest that has it', () => {
  fc.assert(
    fc.property(keyLists, fc.double({ min: 0.01, max: 1, noNaN: true }), (keys, wanted) => {
      const curve = new HitRatioCurve(traceOf(keys));
      const entries = curve.entriesFor(wanted);
      if (entries === undefined) {
        expect(curve.reachable).toBeLessThan(wanted);
      } else {
        expect(curve.hitRatio(entries)).toBeGreaterThanOrEqual(wanted);
        if (entries > 1) expect(curve.hitRatio(entries - 1)).toBeLessThan(wanted);
      }
    }),
  );
});

test('the knee of keys that are popular and keys that are not lies where the popular ones end', () => {
  // Nine of ten requests go round 100 keys, the others round 10,000.
  const keys = Array.from({ length: 200_000 }, (_, at) =>
    at % 10 === 0 ? 1000 + ((at / 10) % 10_000) : at % 100,
  );
  const { knee } = new HitRatioCurve(traceOf(keys));
  expect(knee.entries).toBeGreaterThan(90);
  expect(knee.entries).toBeLessThan(140);
  expect(knee.hitRatio).toBeGreaterThan(0.85);
});

test('of a sampled trace the curve is an estimate', () => {
  const keys = Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 30_000);
  const curve = new HitRatioCurve(traceOf(keys, 2 << 20));
  expect(curve.exact).toBe(false);
  expect(curve.largest / 30_000).toBeCloseTo(1, 1);
  expect(curve.hitRatio(26_000)).toBeLessThan(0.05);
  expect(curve.hitRatio(34_000)).toBeCloseTo(0.9, 1);
});

test('headroom is 30 %', () => {
  expect(withHeadroom(1000)).toBe(1300);
  expect(withHeadroom(1)).toBe(2);
});
