import { strict as assert } from 'node:assert';
import { longestLife } from '../../core/store.ts';
import { expectBetween, expectKind, grain, textOf } from '../store-trial.ts';
import { law, type Law, slowLaw } from './law.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

/** How long entries live, told by the store's own clock; true to within a second of grain and one of rounding. */
/** How much later than each second a server may count it, in milliseconds. */
const lateTick = 250;

export const lifeLaws: readonly Law[] = [
  law('a hit tells the freshness and the life that are left', async (trial) => {
    for (const [freshFor, staleFor] of [
      [10 * minute, 5 * minute],
      [minute, 0],
      [90_500, 30_500],
      [minute, 7 * day],
    ] as const) {
      const key = trial.key();
      await trial.set(key, 'x', { life: { freshFor, staleFor } });
      const hit = await trial.hit(key);
      expectBetween(hit.freshFor, freshFor - grain, freshFor + grain);
      expectBetween(hit.expiresIn, freshFor + staleFor - grain, freshFor + staleFor + grain);
    }
  }),

  law('an entry may be aged from the start', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x', { life: { freshFor: 0, staleFor: minute } });
    const hit = await trial.hit(key);
    assert.ok(hit.freshFor <= grain);
    assert.equal(hit.marked, false);
    expectBetween(hit.expiresIn, minute - grain, minute + grain);
  }),

  law('no entry lives longer than 30 days: the ceiling clamps both shares', async (trial) => {
    for (const [freshFor, staleFor] of [
      [longestLife, 0],
      [60 * day, 0],
      [60 * day, 60 * day],
      [day, 60 * day],
      [0, longestLife],
      [longestLife - 1, 0],
    ] as const) {
      const key = trial.key();
      expectKind(await trial.set(key, 'x', { life: { freshFor, staleFor } }), 'stored');
      const hit = await trial.hit(key);
      expectBetween(hit.expiresIn, longestLife - grain, longestLife + grain);
      const fresh = Math.min(freshFor, longestLife);
      expectBetween(hit.freshFor, fresh - grain, fresh + grain);
    }
  }),

  law('the ceiling holds for touches, leases, marks and counts too', async (trial) => {
    const life = { freshFor: 60 * day, staleFor: 0 };
    const key = trial.key();
    await trial.set(key, 'x', { life: { freshFor: minute, staleFor: 0 } });
    expectKind(await trial.touch(key, life), 'stored');
    expectBetween((await trial.hit(key)).expiresIn, longestLife - grain, longestLife + grain);
    await trial.touch(key, { freshFor: minute, staleFor: 0 });
    await trial.hit(key, { touch: life });
    expectBetween((await trial.hit(key)).expiresIn, longestLife - grain, longestLife + grain);
    await trial.remove(key, { staleFor: 60 * day });
    expectBetween((await trial.hit(key)).expiresIn, longestLife - grain, longestLife + grain);

    const leased = trial.key();
    assert.equal((await trial.miss(leased, { lease: 60 * day })).lease, 'won');
    assert.equal((await trial.miss(leased, { lease: minute })).lease, 'lost');

    const counted = trial.key();
    await trial.count(counted, 1n, { value: 5n, life });
    assert.equal(textOf(await trial.get(counted)), '5');
  }),

  law('touch gives another whole life; the stale share stays what was stored', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x', { life: { freshFor: minute, staleFor: minute } });
    expectKind(await trial.touch(key, { freshFor: 5 * minute, staleFor: 5 * minute }), 'stored');
    const longer = await trial.hit(key);
    expectBetween(longer.expiresIn, 10 * minute - grain, 10 * minute + grain);
    expectBetween(longer.freshFor, 9 * minute - grain, 9 * minute + grain);
    expectKind(await trial.touch(key, { freshFor: 30_000, staleFor: 0 }), 'stored');
    const shorter = await trial.hit(key);
    expectBetween(shorter.expiresIn, 30_000 - grain, 30_000 + grain);
    assert.ok(shorter.freshFor <= 0);
  }),

  law('a get with touch answers the value, and gives another whole life', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x', { life: { freshFor: minute, staleFor: minute }, flags: 4 });
    const touching = await trial.hit(key, { touch: { freshFor: 9 * minute, staleFor: minute } });
    assert.deepEqual([textOf(touching), touching.flags], ['x', 4]);
    const hit = await trial.hit(key);
    expectBetween(hit.expiresIn, 10 * minute - grain, 10 * minute + grain);
    expectBetween(hit.freshFor, 9 * minute - grain, 9 * minute + grain);
  }),

  law('a recache is decided by the life before the touch of the same get', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x', { life: { freshFor: minute, staleFor: 0 } });
    const touch = { freshFor: 60 * minute, staleFor: 0 };
    assert.equal((await trial.hit(key, { recache: 10 * minute, touch })).claim, 'won');
    expectBetween((await trial.hit(key)).expiresIn, 60 * minute - grain, 60 * minute + grain);
  }),

  law('a get that wins a lease and touches gives the placeholder the time of the lease', async (trial) => {
    const key = trial.key();
    const won = await trial.miss(key, { lease: minute, touch: { freshFor: day, staleFor: 0 } });
    assert.equal(won.lease, 'won');
    expectKind(await trial.set(key, 'x', { cas: won.cas }), 'stored');
    expectBetween((await trial.hit(key)).expiresIn, 20 * minute - grain, 20 * minute + grain);
  }),

  law('touch of a missing entry is notFound', async (trial) => {
    const key = trial.key();
    expectKind(await trial.touch(key, { freshFor: minute, staleFor: 0 }), 'notFound');
    await trial.miss(key, { touch: { freshFor: minute, staleFor: 0 } });
  }),

  slowLaw(
    'an entry ages after its fresh time, is served stale, and is gone after its stale time',
    async (trial) => {
      const key = trial.key();
      await trial.set(key, 'x', { life: { freshFor: 2000, staleFor: 4000 } });
      assert.ok((await trial.hit(key)).freshFor > 0);
      await trial.advance(2000 + grain);
      const aged = await trial.hit(key);
      assert.ok(aged.freshFor <= 0, `freshFor is ${aged.freshFor}`);
      assert.deepEqual([textOf(aged), aged.marked, aged.claim], ['x', false, 'none']);
      await trial.advance(4100);
      await trial.miss(key);
    },
  ),

  slowLaw('an entry lives at least as long as it was told', async (trial) => {
    const written: (readonly [key: string, end: number])[] = [];
    for (let entry = 0; entry < 10; entry++) {
      const key = trial.key();
      written.push([key, trial.clock.read() + 4000]);
      await trial.set(key, 'x', { life: { freshFor: 2500, staleFor: 1500 } });
      await trial.advance(97);
    }
    await trial.advance(2700);
    const replies = await trial.askAll(written.map(([key]) => ({ kind: 'get', key })));
    const now = trial.clock.read();
    for (const [index, [, end]] of written.entries()) {
      // A busy machine may have slept for longer, and the clock of a busy server ticks late.
      if (now < end - lateTick) assert.equal(textOf(replies[index]!), 'x');
    }
  }),

  slowLaw('a touch saves an entry from its end', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x', { life: { freshFor: 1000, staleFor: 0 } });
    await trial.touch(key, { freshFor: minute, staleFor: 0 });
    await trial.advance(1000 + grain + 100);
    assert.equal(textOf(await trial.get(key)), 'x');
  }),

  slowLaw('a recache is won when less than the threshold is left', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x', { life: { freshFor: 8000, staleFor: 0 } });
    assert.equal((await trial.hit(key, { recache: 6000 })).claim, 'none');
    await trial.advance(2000 + grain + 100);
    assert.equal((await trial.hit(key, { recache: 6000 })).claim, 'won');
    assert.equal((await trial.hit(key, { recache: 6000 })).claim, 'lost');
  }),
];
