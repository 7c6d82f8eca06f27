import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { KeyPart } from '../../core/key.ts';
import { type PolicyName, policyNames } from '../../policies/policy-by-name.ts';
import { seededRandom } from '../../testing/seeded-random.ts';
import { seal, isUnstorable } from '../seal/seal.ts';
import type { IndexName } from './entry-weight.ts';
import type { NearIndex } from './near-index.ts';
import { NearTier } from './near-tier.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const nature = {
  until: 1000.5,
  freshUntil: 2000.5,
  confirmedUntil: 1000.5,
  staleUntil: 3000.5,
  loadedAt: 1,
  negative: false,
  copied: false,
};

const row = (number: number): unknown =>
  JSON.parse(
    `{"id":${number},"name":"product ${number}","price":${number}.25,"stock":${number % 90},` +
      `"tags":["t${number}","sale"],"seller":{"id":${number % 7},"city":"Zürich ${number}"},"text":"${'x'.repeat(number % 300)}"}`,
  );

const text = (number: number): string => `user:${number}`;
const nothing = undefined;
const cases: readonly (readonly [
  string,
  number,
  PolicyName,
  IndexName,
  (number: number) => KeyPart,
  ((number: number) => unknown) | undefined,
])[] = [
  ...policyNames.map(
    (policy) => [`texts, no value, ${policy}`, 40_000, policy, 'hash', text, nothing] as const,
  ),
  ['texts, no value, map', 40_000, 'w-tinylfu', 'map', text, nothing],
  ['integers, no value', 40_000, 'w-tinylfu', 'hash', (number) => number, nothing],
  ['texts of any alphabet, no value', 40_000, 'w-tinylfu', 'hash', (number) => `ключ ${number}`, nothing],
  ['fractions, no value', 40_000, 'w-tinylfu', 'hash', (number) => number + 0.5, nothing],
  ['bigints, no value', 40_000, 'w-tinylfu', 'hash', (number) => BigInt(number) << 40n, nothing],
  ['texts, rows', 20_000, 'w-tinylfu', 'hash', text, row],
  [
    'integers, buffers',
    8000,
    'w-tinylfu',
    'hash',
    (number) => number,
    (number) => Buffer.alloc(100 + (number % 1000), number),
  ],
];

// Once more if it fails: on a busy machine memory of the test runner's own comes back between the two readings.
test.each(cases)(
  'the bytes counted for a full tier are within 25 % of the heap: %s',
  { retry: 2 },
  (name, count, policy, indexName, key, value) => {
    // A tier in which entries have come and gone for a while: tables have holes, and policies remember who has left.
    const fill = (index: NearIndex): void => {
      const random = seededRandom(1);
      for (let request = 0; request < 6 * count; request++) {
        // Some come back, others never.
        const number = request % 2 === 0 ? Math.floor(random() * 1.5 * count) : 2 * count + request;
        if (index.get(key(number)) >= 0) continue;
        const sealed = seal(value?.(number), 'frozen');
        if (isUnstorable(sealed)) throw new Error(sealed.problem);
        index.put(key(number), sealed.value, sealed.bytes, nature, 1);
      }
    };
    // What has a constant size is there before.
    const options = { maxBytes: 1e9, maxEntries: count, policy, index: indexName, seed: 1 };
    const tier = new NearTier(options);
    const index = tier.index('a');
    // And so is what the test itself and the compiler need.
    const other = new NearTier({ ...options, maxEntries: 1000 });
    fill(other.index('b'));
    other.close();
    const before = heapBytes();
    fill(index);
    const real = heapBytes() - before;
    const ratio = tier.bytes / real;
    console.log(`${name}: ${(real / count).toFixed(0)} bytes per entry, counted ${ratio.toFixed(2)} of it`);
    expect(index.size).toBe(count);
    expect(ratio).toBeGreaterThan(0.75);
    expect(ratio).toBeLessThan(1.25);
  },
);
