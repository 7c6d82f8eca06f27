import fc from 'fast-check';
import { expect, test } from 'vitest';
import { migrating } from '../../src/routes/migrating/migrating.ts';
import { conditions, MigrationWorld, steps } from './migration-world.ts';

const runs = Number(process.env['RACES'] ?? 1000);
const seed = process.env['SEED'] === undefined ? Date.now() % 2 ** 31 : Number(process.env['SEED']);

test(`whatever the stages and clocks of the processes: no read is older than what was confirmed before it, and none is in the end (seed ${seed})`, async () => {
  const total = { hits: 0, copied: 0, twinFills: 0 };
  await fc.assert(
    fc.asyncProperty(conditions, steps, async (given, all) => {
      const world = new MigrationWorld(migrating, given);
      await world.run(all);
      total.hits += world.hits;
      total.copied += world.copied;
      total.twinFills += world.twinFills;
      expect(world.wrong).toEqual([]);
    }),
    { numRuns: runs, seed },
  );
  expect(total.hits).toBeGreaterThan(runs);
  expect(total.copied).toBeGreaterThan(runs / 10);
  expect(total.twinFills).toBeGreaterThan(runs / 4);
});
