import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TraceBuilder } from './trace-builder.ts';
import { type Operation, read, remove, unknownSize, unknownTime, write } from './trace-format.ts';

interface Step {
  readonly key: string;
  readonly operation: Operation;
  readonly size: number;
  readonly time: number;
}

const steps = fc.array(
  fc.record({
    key: fc.nat(30).map((key) => `k${key}`),
    operation: fc.constantFrom<Operation>(read, read, read, write, remove),
    size: fc.constantFrom(unknownSize, unknownSize, 0, 5, 100, 2 ** 40),
    time: fc.constantFrom(unknownTime, 1000, 2000, 5000),
  }),
  { maxLength: 200, size: 'max' },
);

function built(script: readonly Step[], options: ConstructorParameters<typeof TraceBuilder>[0] = {}) {
  const builder = new TraceBuilder(options);
  for (const { key, operation, size, time } of script) builder.request(key, operation, size, time);
  return builder.build('test');
}

test('a trace says what the requests said', () => {
  fc.assert(
    fc.property(steps, (script) => {
      const trace = built(script, { times: true });
      const numbers = new Map<string, number>();
      for (const { key } of script) if (!numbers.has(key)) numbers.set(key, numbers.size);
      const keys = [...numbers.keys()];
      expect([...trace.requests]).toEqual(script.map(({ key }) => numbers.get(key)));
      if (script.some(({ operation }) => operation !== read))
        expect([...trace.operations!]).toEqual(script.map(({ operation }) => operation));
      else expect(trace.operations).toBeUndefined();
      const first = script.find(({ time }) => !Number.isNaN(time))?.time;
      if (first === undefined) expect(trace.times).toBeUndefined();
      const of = (operation: Operation, key?: string): number =>
        script.filter((step) => step.operation === operation && (key === undefined || step.key === key))
          .length;
      expect(trace.total).toMatchObject({ reads: of(read), writes: of(write), removals: of(remove) });
      expect([...trace.readsOf]).toEqual(keys.map((key) => of(read, key)));
      expect(trace.total.onceKeys).toBe(keys.filter((key) => of(read, key) === 1).length);
      expect(trace.total.readKeys).toBe(keys.filter((key) => of(read, key) > 0).length);
      expect(trace.total.keys).toBe(keys.filter((key) => of(read, key) + of(write, key) > 0).length);
      // The largest size of each key that has one; the mean for the others.
      const largest = keys.map((key) =>
        Math.max(...script.filter((step) => step.key === key).map(({ size }) => size)),
      );
      const known = largest
        .filter((size) => size !== unknownSize)
        .map((size) => Math.min(2 ** 31 - 1, Math.max(1, size)));
      if (known.length === 0) {
        expect(trace.sizes).toBeUndefined();
      } else {
        const mean = Math.max(1, Math.round(known.reduce((sum, size) => sum + size) / known.length));
        expect([...trace.sizes!]).toEqual(
          largest.map((size) => (size === unknownSize ? mean : Math.min(2 ** 31 - 1, Math.max(1, size)))),
        );
        expect(trace.total.unsizedShare).toBeCloseTo(1 - known.length / keys.length, 10);
      }
    }),
  );
});

test('times count from the first that is known', () => {
  const trace = built(
    [5000, unknownTime, 7000].map((time) => ({ key: 'a', operation: read, size: unknownSize, time })),
    { times: true },
  );
  expect([...trace.times!]).toEqual([0, Number.NaN, 2000]);
  expect(trace.total.milliseconds).toBe(2000);
  expect(built([{ key: 'a', operation: read, size: unknownSize, time: 5 }]).times).toBeUndefined();
});

test('beyond its memory it keeps whole keys, fewer of them, and knows the totals', () => {
  const options = { memory: 1 << 20, times: true, label: (key: string) => Number(key.slice(1)) % 7 };
  const builder = new TraceBuilder(options);
  const requests = 200_000;
  let most = 0;
  for (let at = 0; at < requests; at++) {
    const key = (at * 7919) % 20_000;
    builder.request(`k${key}`, at % 11 === 0 ? write : read, 100 + key, at);
    most = Math.max(most, builder.bytes);
  }
  const trace = builder.build('long');
  expect(most).toBeLessThanOrEqual((1 << 20) + 200);
  expect(trace.rate).toBeLessThanOrEqual(0.5);
  expect(Math.log2(trace.rate) % 1).toBeCloseTo(0, 6);
  expect(builder.seen).toBe(requests);
  expect(trace.total.reads + trace.total.writes).toBe(requests);
  expect(trace.total.keys / 20_000).toBeCloseTo(1, 1);
  expect(trace.total.bytes! / (20_000 * 10_100)).toBeCloseTo(1, 1);
  // Each key that stayed has all of its ten requests.
  const counts = new Int32Array(trace.hashes.length);
  for (const key of trace.requests) counts[key]!++;
  expect(new Set(counts)).toEqual(new Set([10]));
  for (const hash of trace.sampleHashes) expect(hash >>> 0).toBeLessThan(trace.rate * 2 ** 32);
  expect(trace.labels).toHaveLength(trace.hashes.length);
  // Sizes and labels belong to the same keys as before.
  for (const [key, size] of trace.sizes!.entries()) expect(trace.labels![key]).toBe((size - 100) % 7);
  for (let at = 1; at < trace.times!.length; at++)
    expect(trace.times![at]!).toBeGreaterThan(trace.times![at - 1]!);
  expect(trace.operations).toHaveLength(trace.requests.length);
});

test('a rate takes that share of the keys from the start', () => {
  const script = Array.from({ length: 20_000 }, (_, at) => ({
    key: `k${at}`,
    operation: read,
    size: 1,
    time: 0,
  }));
  const trace = built(script as Step[], { rate: 0.1 });
  expect(trace.requests.length / 2000).toBeCloseTo(1, 1);
  expect(trace.total.keys / 20_000).toBeCloseTo(1, 1);
});
