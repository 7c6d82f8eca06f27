import fc from 'fast-check';
import { expect, test } from 'vitest';
import { link, neverStale, Pool, type Race } from '../../test/routes/races.ts';
import { mirrored } from './mirrored.ts';

test.each<Omit<Race, 'make'>>([
  { pools: 2, faults: false },
  { pools: 3, faults: true },
  { pools: 2, faults: false, steps: ['read', 'write'], most: 3 },
  { pools: 2, faults: false, steps: ['read', 'reload', 'store'], most: 3 },
  { pools: 2, faults: false, steps: ['read', 'store', 'restart'], most: 4 },
])('no schedule of readers, writers and restarts leaves an old value in any pool: %j', async (race) => {
  const make: Race['make'] = (links, index) => mirrored(links, { readFrom: index % race.pools });
  await fc.assert(neverStale({ ...race, make }), { numRuns: race.most === undefined ? 600 : 1500 });
});

test('of readers in all zones that find nothing at the same time exactly one may load', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 6 }), async (scheduler, readers) => {
      const pools = Array.from({ length: 3 }, (_, index) => new Pool(`pool ${index}`));
      const replies = Array.from({ length: readers }, async (_, index) => {
        const links = pools.map((pool) => link(scheduler, `process ${index}`, pool, () => undefined));
        const store = mirrored(links, { readFrom: index % 3 });
        return await store.execute({ kind: 'get', key: 'k', lease: 30_000, deadline: Number.MAX_VALUE });
      });
      await scheduler.waitIdle();
      const claims = (await Promise.all(replies)).map((reply) => reply.kind === 'miss' && reply.lease);
      expect(claims.filter((claim) => claim === 'won')).toHaveLength(1);
      expect(claims.filter((claim) => claim === 'lost')).toHaveLength(readers - 1);
    }),
    { numRuns: 300 },
  );
});
