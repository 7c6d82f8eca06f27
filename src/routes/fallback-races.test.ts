import fc from 'fast-check';
import { expect, test } from 'vitest';
import { neverStale, type Race } from '../../test/routes/races.ts';
import { failover } from './failover.ts';
import { gutter } from './gutter.ts';
import { missFailover } from './miss-failover.ts';
import { warming } from './warming.ts';

const assert = async (race: Race): Promise<void> => {
  await expect(fc.assert(neverStale(race), { numRuns: 1000 })).resolves.toBeUndefined();
};

test.each([false, true])(
  'warming never brings back what is old in the warm pool, faults %s',
  async (faults) => {
    await assert({ pools: 2, faults, make: ([cold, warm]) => warming(cold!, warm!), old: [1] });
  },
);

test.each([false, true])('failover never serves what is old in a part, faults %s', async (faults) => {
  await assert({ pools: 3, faults, make: (parts) => failover(parts) });
});

test.each([false, true])('missFailover never serves what is old in a part, faults %s', async (faults) => {
  await assert({ pools: 2, faults, make: (parts) => missFailover(parts) });
});

// What `cache.set` stores in the main pool leaves the gutter as it is, for its ceiling at most: that is not tried here.
test('a gutter never serves what was invalidated', async () => {
  const make: Race['make'] = ([main, spare]) => gutter(main!, spare!);
  await assert({
    pools: 2,
    faults: true,
    make,
    steps: ['read', 'read', 'reload', 'write', 'expire', 'restart'],
  });
});
