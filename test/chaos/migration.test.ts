import { expect, test } from 'vitest';
import { withoutMemcached } from '../servers/real-memcached.ts';
import { scenario } from './migration.ts';

test.skipIf(withoutMemcached)(
  'real servers, processes whose clocks differ, one of them killed: nothing is old, and the pool stays warm',
  async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
    const said: string[] = [`seed ${seed}`];
    const outcome = await scenario.run({ quick: true, seed, say: (line) => said.push(line) });
    expect(
      outcome.figures.filter((figure) => !figure.met),
      said.join('\n'),
    ).toEqual([]);
    expect(outcome.operations).toBeGreaterThan(5000);
    expect(outcome.details['changes']).toBeGreaterThan(50);
    expect(outcome.details['copied']).toBeGreaterThan(200);
  },
);
