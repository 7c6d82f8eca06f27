import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { KeyPart } from '../../core/key.ts';
import { seal, isUnstorable } from '../seal/seal.ts';
import { NearTier } from './near-tier.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const row = (number: number): unknown =>
  JSON.parse(
    `{"id":${number},"name":"product ${number}","price":${number}.25,"stock":${number % 90},` +
      `"tags":["t${number}","sale"],"seller":{"id":${number % 7},"city":"Zürich ${number}"},"text":"${'x'.repeat(number % 300)}"}`,
  );

const cases: readonly [
  string,
  number,
  (number: number) => KeyPart,
  ((number: number) => unknown) | undefined,
][] = [
  ['integers, no value', 20_000, (number) => number, undefined],
  ['texts, no value', 20_000, (number) => `user:${number}`, undefined],
  ['texts of any alphabet, no value', 20_000, (number) => `ключ ${number}`, undefined],
  ['fractions, no value', 40_000, (number) => number + 0.5, undefined],
  ['bigints, no value', 20_000, (number) => BigInt(number) << 40n, undefined],
  ['texts, rows', 20_000, (number) => `user:${number}`, row],
  ['integers, buffers', 5000, (number) => number, (number) => Buffer.alloc(100 + (number % 1000), number)],
];

// Once more if it fails: on a busy machine memory of the test runner's own comes back between the two readings.
test.each(cases)(
  'the bytes counted are within 25 % of the heap: %s',
  { retry: 2 },
  (name, count, key, value) => {
    const tier = new NearTier({ maxBytes: Number.MAX_SAFE_INTEGER });
    const index = tier.index('a');
    const put = (number: number): void => {
      const sealed = seal(value?.(number), 'frozen');
      if (isUnstorable(sealed)) throw new Error(sealed.problem);
      const entry = index.put(key(number), sealed.value, sealed.bytes)!;
      const now = performance.now();
      entry.until = now + 1000.5;
      entry.freshUntil = now + 2000.5;
      entry.confirmedUntil = now;
      entry.staleUntil = now + 3000.5;
      entry.loadedAt = now;
      entry.loadMilliseconds = 12.5;
    };
    for (let number = 0; number < 2000; number++) put(count + number);
    const before = heapBytes();
    const counted = tier.bytes;
    for (let number = 0; number < count; number++) put(number);
    const real = heapBytes() - before;
    const ratio = (tier.bytes - counted) / real;
    console.log(`${name}: ${(real / count).toFixed(0)} bytes per entry, counted ${ratio.toFixed(2)} of it`);
    expect(index.size).toBe(count + 2000);
    expect(ratio).toBeGreaterThan(0.75);
    expect(ratio).toBeLessThan(1.25);
  },
);
