import fc from 'fast-check';
import { test } from 'vitest';
import { neverStale, type Race } from '../../test/routes/races.ts';
import { failover } from './failover.ts';
import { gutter } from './gutter.ts';
import { missFailover } from './miss-failover.ts';
import { warming } from './warming.ts';

type Weather = Pick<Race, 'faults' | 'steps' | 'most'>;

const weathers: readonly Weather[] = [
  { faults: false },
  { faults: true },
  { faults: true, steps: ['read', 'write'], most: 3 },
  { faults: true, steps: ['read', 'store'], most: 3 },
];

async function assertNeverStale(race: Race): Promise<void> {
  await fc.assert(neverStale(race), { numRuns: race.most === undefined ? 400 : 1200 });
}

test.each(weathers)('warming never brings back what is old in the warm pool: %j', async (weather) => {
  await assertNeverStale({ ...weather, pools: 2, make: ([cold, warm]) => warming(cold!, warm!), old: [1] });
});

test.each(weathers)('failover never serves what is old in a part: %j', async (weather) => {
  await assertNeverStale({ ...weather, pools: 3, make: (parts) => failover(parts) });
});

test.each(weathers)('missFailover never serves what is old in a part: %j', async (weather) => {
  await assertNeverStale({ ...weather, pools: 2, make: (parts) => missFailover(parts) });
});

// What `cache.set` stores in the main pool leaves the gutter as it is, for its ceiling at most: that is not tried here.
test.each<Weather>([
  { faults: true, steps: ['read', 'read', 'reload', 'write', 'expire', 'restart'] },
  { faults: true, steps: ['read', 'write'], most: 3 },
])('a gutter never serves what was invalidated: %j', async (weather) => {
  await assertNeverStale({ ...weather, pools: 2, make: ([main, spare]) => gutter(main!, spare!) });
});
