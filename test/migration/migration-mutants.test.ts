import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { conditions, MigrationWorld, steps } from './migration-world.ts';
import { mutant, removeMutants } from './mutant.ts';
import { focus, mutants } from './mutants.ts';

const runs = Number(process.env['RACES'] ?? 10_000);
const seed = Number(process.env['SEED'] ?? 1);

afterAll(removeMutants);

describe(`the model finds old values (seed ${seed})`, () => {
  test.each(Object.entries(mutants))('if %s', async (name, edits) => {
    const migrating = await mutant(name, edits);
    const found = await fc.check(
      fc.asyncProperty(conditions, focus[name]?.steps ?? steps, async (given, all) => {
        const world = new MigrationWorld(migrating, { ...given, ...focus[name] });
        await world.run(all);
        return world.wrong.length === 0;
      }),
      { numRuns: runs, seed, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  });
});
