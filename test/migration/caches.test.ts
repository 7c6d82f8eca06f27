import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cacheConditions, type CacheStep, cacheSteps, CachesWorld, times } from './caches-world.ts';

const runs = Number(process.env['RACES'] ?? 150);
const seed = process.env['SEED'] === undefined ? Date.now() % 2 ** 31 : Number(process.env['SEED']);

test(`caches of several processes, with generations in their keys: what is confirmed holds on both sides of every switch (seed ${seed})`, async () => {
  let reads = 0;
  await fc.assert(
    fc.asyncProperty(cacheConditions, cacheSteps, async (given, all) => {
      const world = new CachesWorld(given);
      await world.run(all);
      reads += world.reads;
      expect(world.wrong).toEqual([]);
    }),
    { numRuns: runs, seed },
  );
  expect(reads).toBeGreaterThan(runs);
});

const busy: readonly CacheStep[] = Array.from({ length: 250 }, (_, index) => ({
  pause: 40,
  process: index,
  key: index % 3 === 0 ? 'a' : 'b',
  kind: 'get',
}));

test.each([
  ['are copied', 1, 2],
  // Each of the two is loaded once more, in the new pool.
  ['are not', 1e-9, 4],
])('the generations of the caches move with a pool whose entries %s', async (_what, share, loads) => {
  const begin = times.populate + 500;
  const world = new CachesWorld({ seed: 1, delay: 4, clocks: [0, 1], begin, share });
  await world.run(busy);
  expect(world.wrong).toEqual([]);
  expect(world.reads).toBeGreaterThan(200);
  expect(world.loads).toBe(loads);
});
