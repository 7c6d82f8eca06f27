import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ShardedOptions } from '../../../src/routes/sharded.ts';
import type { Faults } from './fenced-link.ts';
import { LeafFleet } from './leaf-fleet.ts';
import { staleAfter, stories, type Way } from './stale-reads.ts';

const full = process.env['CISTERN_FULL'] !== undefined;
const numRuns = full ? 1500 : 60;
const timeout = full ? 600_000 : 60_000;

const rings: readonly (readonly [string, Partial<ShardedOptions>, boolean])[] = [
  ['rendezvous', {}, false],
  ['rendezvous with weights', {}, true],
  ['uhashring', { placement: 'uhashring' }, true],
  ['ketama', { placement: 'ketama' }, true],
  ['modulo', { placement: 'modulo' }, false],
  ['jump', { placement: 'jump' }, false],
];

const ways: readonly Way[] = ['lists', 'deploys'];

describe.each(ways)(
  'servers that come, go and come back, by %s that reach processes at different times',
  (way) => {
    test.each(rings)('%s: once all is quiet, nobody is told an old version', async (_, options, weights) => {
      await fc.assert(
        fc.asyncProperty(stories(way, weights), async (story) => {
          expect(await staleAfter(story, {}, options)).toEqual([]);
        }),
        { numRuns },
      );
    });
  },
);

describe.each(ways)('the same with real leaves, fences and journals, by %s', (way) => {
  test.each(rings.slice(0, 3))(
    '%s',
    async (_, options, weights) => {
      await fc.assert(
        fc.asyncProperty(stories(way, weights), async (story) => {
          expect(await staleAfter(story, {}, options, (given) => new LeafFleet(given))).toEqual([]);
        }),
        { numRuns: full ? 500 : 15 },
      );
    },
    timeout,
  );
});

describe('the model notices', () => {
  // The seeds are those with which it is seen soonest.
  test.each<[string, Way, Faults, number]>([
    ['keys without tokens of departures', 'lists', { noTokens: true }, 5],
    ['keys without tokens of departures', 'deploys', { noTokens: true }, 1],
    ['servers that join without a new incarnation', 'lists', { noRenewals: true }, 5],
    ['servers that join without a new incarnation', 'deploys', { noRenewals: true }, 1],
    ['answers by names that had changed', 'lists', { noDoubts: true }, 7],
  ])('%s (%s)', async (_, way, faults, seed) => {
    const found = await fc.check(
      fc.asyncProperty(stories(way, false), async (story) => {
        expect(await staleAfter(story, faults)).toEqual([]);
      }),
      { seed, numRuns: 3000, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  });
});
