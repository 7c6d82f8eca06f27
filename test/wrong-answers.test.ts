import { expect, test } from 'vitest';
import { type Count, fuzzKeys, run } from '../bench/wrong-answers.ts';
import { withoutMemcached } from './servers/real-memcached.ts';

/** In CI the whole count; by hand as much as one waits for. `npm run bench -- wrong-answers --responses 5e6` is the same by itself. */
const responses = process.env['CI'] ? 5_000_000 : 60_000;
const keys = process.env['CI'] ? 1_000_000 : 20_000;
const patience = 600_000;

const drawn = Math.floor(Math.random() * 2 ** 31);

function numberOf(counts: readonly Count[], name: string): number {
  return counts.find((count) => count.name === name)!.median;
}

test.skipIf(withoutMemcached)(
  'no answer goes to another request: cancels, timeouts, cuts, odd chunks, hangs, SIGSTOP',
  async () => {
    const told: string[] = [];
    const counts = await run({ responses, seed: drawn, progress: (text) => void told.push(text) });
    expect(numberOf(counts, 'responses')).toBeGreaterThanOrEqual(responses);
    const story = told.join('; ');
    expect(numberOf(counts, 'wrong'), story).toBe(0);
    expect(numberOf(counts, 'failed CISTERN_TIMEOUT'), `seed ${drawn}`).toBeGreaterThan(100);
    expect(counts.find(({ name }) => name === 'failed CISTERN_PROTOCOL')).toBeUndefined();
  },
  patience,
);

test.skipIf(withoutMemcached)(
  'the same test catches a client that drops the slot of a request that was given up',
  async () => {
    const counts = await run({ responses: 20_000, mutant: true, seed: drawn });
    expect(numberOf(counts, 'wrong'), `seed ${drawn}`).toBeGreaterThan(0);
  },
);

test.skipIf(withoutMemcached)(
  'random byte keys: the server sees exactly one command for each',
  async () => {
    const counts = await fuzzKeys(keys, drawn);
    expect(
      counts.slice(1).map((count) => count.median),
      `seed ${drawn}`,
    ).toEqual([0, 0, 0]);
  },
  patience,
);
