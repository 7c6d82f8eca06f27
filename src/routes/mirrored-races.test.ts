import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Actor, link, Pool, Truth } from '../../test/routes/races.ts';
import { mirrored, type MirroredOptions } from './mirrored.ts';

const step = fc.record({
  process: fc.integer({ min: 0, max: 2 }),
  what: fc.constantFrom('read', 'read', 'read', 'reload', 'write', 'expire', 'store', 'restart'),
});
const fates = fc.infiniteStream(
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom('unsent' as const, 'lost' as const) },
  ),
);

interface Options {
  readonly pools: number;
  readonly writes: MirroredOptions['writes'];
  readonly faults: boolean;
}

/** Three processes, each in the zone of one of the pools, do these things at the same time, in an order that the scheduler draws. */
function neverStale({ pools: count, writes, faults }: Options): fc.IAsyncProperty<unknown> {
  return fc.asyncProperty(
    fc.scheduler(),
    fc.array(step, { minLength: 2, maxLength: 7 }),
    fates,
    async (scheduler, steps, stream) => {
      const pools = Array.from({ length: count }, (_, index) => new Pool(`pool ${index}`));
      const truth = new Truth(scheduler);
      let settled = false;
      const fate = (): 'unsent' | 'lost' | undefined =>
        faults && !settled ? stream.next().value : undefined;
      const actors = Array.from({ length: 3 }, (_, index) => {
        const links = pools.map((pool) => link(scheduler, `process ${index}`, pool, fate));
        const store = mirrored(links, { readFrom: index % count, writes: writes ?? 'all' });
        return new Actor(store, truth, `process ${index}`);
      });
      // Something to be old.
      for (const pool of pools) pool.apply(oldEntry);
      const done = steps.map(async ({ process, what }, index) => {
        await scheduler.schedule(Promise.resolve(), `start ${what}`);
        const actor = actors[process]!;
        if (what === 'read') await actor.read();
        else if (what === 'reload') await actor.read({ lease: 30_000, recache: 100_000_000 });
        else if (what === 'write') await truth.alone(() => actor.write());
        else if (what === 'expire') await truth.alone(() => actor.write({ staleFor: 60_000 }));
        else if (what === 'store') await truth.alone(() => actor.store());
        else pools[index % count]!.restart();
      });
      await scheduler.waitIdle();
      await Promise.all(done);
      settled = true;
      expect(truth.stale).toEqual([]);
      // A mark tells that it is old: what is left must be marked, or as new as what was confirmed.
      for (const pool of pools) {
        const left = pool.apply({ kind: 'get', key: 'k', deadline: Number.MAX_VALUE });
        if (left.kind === 'hit' && !left.marked)
          expect(pool.version, pool.name).toBeGreaterThanOrEqual(truth.confirmed);
      }
    },
  );
}

const oldEntry = {
  kind: 'set',
  mode: 'set',
  key: 'k',
  value: Buffer.from('0'),
  flags: 0,
  life: { freshFor: 3_600_000, staleFor: 3_600_000 },
  deadline: Number.MAX_VALUE,
} as const;

test.each<Options>([
  { pools: 2, writes: 'all', faults: false },
  { pools: 2, writes: 'all', faults: true },
  { pools: 3, writes: 'all', faults: true },
])('no schedule of readers, writers and restarts leaves an old value in any pool: %j', async (options) => {
  await fc.assert(neverStale(options), { numRuns: 1000 });
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
    { numRuns: 500 },
  );
});
