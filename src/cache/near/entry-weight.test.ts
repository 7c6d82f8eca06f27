import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { KeyPart } from '../../core/key.ts';
import type { PolicyName } from '../../policies/policy-by-name.ts';
import { seal, isUnstorable } from '../seal/seal.ts';
import type { IndexName } from './entry-weight.ts';
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

const nothing = undefined;
const cases: readonly [
  string,
  number,
  PolicyName,
  IndexName,
  (number: number) => KeyPart,
  ((number: number) => unknown) | undefined,
][] = [
  ['integers, no value', 40_000, 'w-tinylfu', 'hash', (number) => number, nothing],
  ['texts, no value', 40_000, 'w-tinylfu', 'hash', (number) => `user:${number}`, nothing],
  ['texts, no value, lru', 40_000, 'lru', 'hash', (number) => `user:${number}`, nothing],
  ['texts, no value, s3-fifo', 40_000, 's3-fifo', 'hash', (number) => `user:${number}`, nothing],
  ['texts, no value, map', 40_000, 'w-tinylfu', 'map', (number) => `user:${number}`, nothing],
  ['texts of any alphabet, no value', 40_000, 'w-tinylfu', 'hash', (number) => `ключ ${number}`, nothing],
  ['fractions, no value', 40_000, 'w-tinylfu', 'hash', (number) => number + 0.5, nothing],
  ['bigints, no value', 40_000, 'w-tinylfu', 'hash', (number) => BigInt(number) << 40n, nothing],
  ['texts, rows', 20_000, 'w-tinylfu', 'hash', (number) => `user:${number}`, row],
  [
    'integers, buffers',
    5000,
    'w-tinylfu',
    'hash',
    (number) => number,
    (number) => Buffer.alloc(100 + (number % 1000), number),
  ],
];

// Once more if it fails: on a busy machine memory of the test runner's own comes back between the two readings.
test.each(cases)(
  'the bytes counted are within 25 % of the heap: %s',
  { retry: 2 },
  (name, count, policy, indexName, key, value) => {
    const tier = new NearTier({ maxBytes: Number.MAX_SAFE_INTEGER, policy, index: indexName });
    const index = tier.index('a');
    const put = (number: number): void => {
      const sealed = seal(value?.(number), 'frozen');
      if (isUnstorable(sealed)) throw new Error(sealed.problem);
      const nature = {
        until: 1000.5,
        freshUntil: 2000.5,
        confirmedUntil: 1000.5,
        staleUntil: 3000.5,
        loadedAt: 1,
        negative: false,
        copied: false,
      };
      index.put(key(number), sealed.value, sealed.bytes, nature, 1);
    };
    // Enough that what has a constant size, or grows in large pieces, is there before.
    const first = 20_000;
    for (let number = 0; number < first; number++) put(count + number);
    const before = heapBytes();
    const counted = tier.bytes;
    for (let number = 0; number < count; number++) put(number);
    const real = heapBytes() - before;
    const ratio = (tier.bytes - counted) / real;
    console.log(`${name}: ${(real / count).toFixed(0)} bytes per entry, counted ${ratio.toFixed(2)} of it`);
    expect(index.size).toBe(count + first);
    expect(ratio).toBeGreaterThan(0.75);
    expect(ratio).toBeLessThan(1.25);
  },
);
