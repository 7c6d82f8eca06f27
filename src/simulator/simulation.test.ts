import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../testing/seeded-random.ts';
import { plain } from './formats/plain.ts';
import { LineReader } from './line-reader.ts';
import { PolicyMaker, type SimulatedPolicy, simulatedPolicies } from './simulated-policy.ts';
import { simulate, type SimulationOptions } from './simulation.ts';
import type { Trace } from './trace.ts';
import { TraceBuilder } from './trace-builder.ts';
import { type Operation, read, remove, unknownSize, unknownTime, write } from './trace-format.ts';

interface Step {
  readonly key: number;
  readonly operation: Operation;
  readonly time: number;
}

const sizeOf = (key: number): number => 1 + ((key * 7) % 13);

function traceOf(steps: readonly Partial<Step>[], options: { sized?: boolean; memory?: number } = {}): Trace {
  const builder = new TraceBuilder({
    times: true,
    ...(options.memory !== undefined && { memory: options.memory }),
  });
  for (const { key = 0, operation = read, time = unknownTime } of steps)
    builder.request(String(key), operation, options.sized === true ? sizeOf(key) : unknownSize, time);
  return builder.build('test');
}

function run(trace: Trace, options: Omit<SimulationOptions, 'now'>) {
  return simulate(trace, new PolicyMaker(trace), { ...options, now: () => 0 });
}

/** LRU over a list of keys, with everything that a simulation can have. */
function naive(
  steps: readonly Step[],
  capacity: number,
  bytes: boolean,
  ttl: number,
): { hits: number; hitBytes: number } {
  const inside: { key: number; death: number }[] = [];
  const weightOf = (key: number): number => (bytes ? sizeOf(key) : 1);
  let [hits, hitBytes] = [0, 0];
  for (const { key, operation, time } of steps) {
    const at = inside.findIndex((entry) => entry.key === key);
    const found = at < 0 ? undefined : inside.splice(at, 1)[0]!;
    if (operation === remove) continue;
    const hit = found !== undefined && found.death > time;
    if (hit && operation === read) {
      hits++;
      hitBytes += sizeOf(key);
    }
    if (weightOf(key) > capacity) continue;
    if (!hit) {
      const room = (): number => inside.reduce((sum, entry) => sum + weightOf(entry.key), weightOf(key));
      while (room() > capacity) inside.shift();
    }
    inside.push({ key, death: hit && operation === read ? found.death : time + ttl });
  }
  return { hits, hitBytes };
}

const scripts = fc
  .array(
    fc.record({
      key: fc.nat(20),
      operation: fc.constantFrom<Operation>(read, read, read, read, write, remove),
      pause: fc.nat(5),
    }),
    { minLength: 1, maxLength: 300, size: 'max' },
  )
  .map((steps) => {
    let time = 0;
    return steps.map(({ key, operation, pause }): Step => ({ key, operation, time: (time += pause) }));
  });

test('LRU with writes, removals, lives and sizes does as a list does', () => {
  fc.assert(
    fc.property(
      scripts,
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      fc.option(fc.integer({ min: 1, max: 100 })),
      (steps, capacity, bytes, ttl) => {
        const trace = traceOf(steps, { sized: true });
        const result = run(trace, {
          policy: 'lru',
          capacity,
          unit: bytes ? 'bytes' : 'entries',
          ...(ttl !== null && { ttl }),
        });
        const expected = naive(steps, capacity, bytes, ttl ?? Number.POSITIVE_INFINITY);
        const reads = steps.filter(({ operation }) => operation === read);
        expect(result.hitRatio).toBeCloseTo(expected.hits / Math.max(1, reads.length), 10);
        const readBytes = reads.reduce((sum, { key }) => sum + sizeOf(key), 0);
        if (readBytes > 0) expect(result.byteHitRatio).toBeCloseTo(expected.hitBytes / readBytes, 10);
      },
    ),
    { numRuns: 300 },
  );
});

test('the short way for plain reads gives what the long way gives, for every policy', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(60), { minLength: 1, maxLength: 500, size: 'max' }),
      fc.integer({ min: 1, max: 70 }),
      (keys, capacity) => {
        const trace = traceOf(keys.map((key) => ({ key })));
        for (const policy of simulatedPolicies) {
          const short = run(trace, { policy, capacity }).hitRatio;
          const long = run(
            { ...trace, times: new Float64Array(keys.length) },
            { policy, capacity, ttl: 1 },
          ).hitRatio;
          expect(long, policy).toBe(short);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('nothing beats the optimum, with removals, too', () => {
  fc.assert(
    fc.property(scripts, fc.integer({ min: 1, max: 20 }), (steps, capacity) => {
      // A write is a use that the optimum keeps room for, though it is no hit.
      const trace = traceOf(steps.filter(({ operation }) => operation !== write));
      const best = run(trace, { policy: 'belady', capacity }).hitRatio;
      for (const policy of simulatedPolicies)
        expect(run(trace, { policy, capacity }).hitRatio, policy).toBeLessThanOrEqual(best + 1e-9);
    }),
    { numRuns: 100 },
  );
});

test('a write that does not fit is no read that does not fit', () => {
  const trace = traceOf([{ key: 1, operation: write }, { key: 1 }], { sized: true });
  expect(run(trace, { policy: 'lru', capacity: sizeOf(1) - 1, unit: 'bytes' }).tooLarge).toBe(1);
});

test('values that do not fit at all are misses that change nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 200, size: 'max' }), (keys) => {
      const capacity = 8;
      const fitting = keys.filter((key) => sizeOf(key) <= capacity);
      const traces = [keys, fitting].map((each) =>
        traceOf(
          each.map((key) => ({ key })),
          { sized: true },
        ),
      );
      for (const policy of ['lru', 's3-fifo', 'belady'] as const) {
        const [all, small] = traces.map((trace) => run(trace, { policy, capacity, unit: 'bytes' }));
        expect(all!.tooLarge).toBe(keys.length - fitting.length);
        expect(all!.hitRatio * keys.length, policy).toBeCloseTo(small!.hitRatio * fitting.length, 6);
      }
    }),
  );
});

test('a life by requests per second where the trace has no times', () => {
  const trace = traceOf(Array.from({ length: 100 }, () => ({ key: 1 })));
  // One request in 100 ms, lives of a second: the eleventh comes too late.
  expect(run(trace, { policy: 'lru', capacity: 5, ttl: 1000, requestsPerSecond: 10 }).hitRatio).toBe(0.9);
});

test('the cost of a request comes from the clock that is given', () => {
  const trace = traceOf(Array.from({ length: 1000 }, (_, key) => ({ key })));
  let now = 0;
  const result = simulate(trace, new PolicyMaker(trace), {
    policy: 'lru',
    capacity: 5,
    now: () => (now += 2),
  });
  expect(result.nsPerRequest).toBe(2000);
});

describe('a miniature of a long trace', () => {
  // Popularity falls with rank; every fourth request scans.
  const random = seededRandom(7);
  const requests = Array.from({ length: 400_000 }, (_, at) => ({
    key: at % 4 === 0 ? 1_000_000 + at : Math.floor(60_000 * random() ** 2),
  }));
  const whole = traceOf(requests);
  const mini = traceOf(requests, { memory: 4 << 20 });

  test.each(simulatedPolicies.map((policy) => [policy]))(
    '%s is within two and a half points',
    (policy: SimulatedPolicy) => {
      expect(mini.rate).toBeLessThan(0.5);
      for (const capacity of [1000, 5000, 20_000]) {
        const exact = run(whole, { policy, capacity }).hitRatio;
        expect(Math.abs(run(mini, { policy, capacity }).hitRatio - exact)).toBeLessThan(0.025);
      }
    },
  );
});

const shared = join(import.meta.dirname, '../../../shared/traces');

describe.skipIf(!existsSync(shared))('published traces', () => {
  test.each(['cache2k-web12', 'lirs-multi3', 'lirs-sprite'])(
    '%s: LRU, FIFO and the optimum as libCacheSim has them',
    (name) => {
      const builder = new TraceBuilder();
      const reader = new LineReader(plain.parser({}), builder);
      reader.push(gunzipSync(readFileSync(join(shared, `${name}.trace.gz`))).toString('latin1'));
      reader.end();
      const trace = builder.build(name);
      const rows = readFileSync(join(shared, 'reference.csv'), 'utf8')
        .split('\n')
        .map((line) => line.split(','));
      const policies = { LRU: 'lru', FIFO: 'fifo', Belady: 'belady' } as const;
      let compared = 0;
      for (const [traceName, size, policyName, ratio] of rows) {
        if (traceName !== name || !(policyName! in policies)) continue;
        const policy = policies[policyName as keyof typeof policies];
        expect(run(trace, { policy, capacity: Number(size) }).hitRatio).toBeCloseTo(Number(ratio), 5);
        compared++;
      }
      expect(compared).toBeGreaterThan(10);
    },
  );
});
