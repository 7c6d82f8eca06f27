import { strict as assert } from 'node:assert';
import { expectBetween, expectKind, grain, longLife, textOf } from '../store-trial.ts';
import { law, type Law } from './law.ts';

const largest = 2n ** 64n - 1n;

/** Numbers of 64 bits that are counted in place. */
export const countLaws: readonly Law[] = [
  law('a count adds and subtracts, and answers the digits', async (trial) => {
    const key = trial.key();
    await trial.set(key, '100');
    assert.equal(textOf(await trial.count(key, 5n)), '105');
    assert.equal(textOf(await trial.count(key, -6n)), '99');
    assert.equal(textOf(await trial.count(key, 0n)), '99');
    // memcached counts in place and fills a number that got shorter with spaces.
    assert.equal(textOf(await trial.get(key)).trim(), '99');
  }),

  law('below zero a count stops at zero', async (trial) => {
    const key = trial.key();
    await trial.set(key, '3');
    assert.equal(textOf(await trial.count(key, -10n)), '0');
    assert.equal(textOf(await trial.count(key, 1n)), '1');
  }),

  law('above 2^64 - 1 a count wraps', async (trial) => {
    const key = trial.key();
    await trial.set(key, '1');
    assert.equal(textOf(await trial.count(key, largest - 1n)), String(largest));
    assert.equal(textOf(await trial.count(key, 3n)), '2');
  }),

  law(
    'a missing number is notFound, or is made with the initial value and life; the delta is not applied',
    async (trial) => {
      const key = trial.key();
      expectKind(await trial.count(key, 1n), 'notFound');
      await trial.miss(key);
      const initial = { value: 10n, life: { freshFor: 60_000, staleFor: 0 } };
      assert.equal(textOf(await trial.count(key, 1n, initial)), '10');
      assert.equal(textOf(await trial.count(key, 1n, initial)), '11');
      const hit = await trial.hit(key);
      assert.equal(textOf(hit), '11');
      expectBetween(hit.expiresIn, 60_000 - grain, 60_000 + grain);
      assert.equal(textOf(await trial.count(trial.key(), 1n, { value: 0n, life: longLife })), '0');
    },
  ),

  law('a count of what is no number fails and changes nothing', async (trial) => {
    for (const value of ['text', '', '-1', '18446744073709551616']) {
      const key = trial.key();
      await trial.set(key, value);
      assert.equal(expectKind(await trial.count(key, 1n), 'failed').applied, 'no');
      assert.equal(textOf(await trial.get(key)), value);
    }
  }),

  law('a count keeps life and flags', async (trial) => {
    const key = trial.key();
    await trial.set(key, '7', { flags: 12, life: { freshFor: 60_000, staleFor: 60_000 } });
    await trial.count(key, 1n);
    const hit = await trial.hit(key);
    assert.equal(hit.flags, 12);
    expectBetween(hit.expiresIn, 120_000 - grain, 120_000 + grain);
    expectBetween(hit.freshFor, 60_000 - grain, 60_000 + grain);
  }),

  law('100 counts in one turn are 100 different numbers', async (trial) => {
    const key = trial.key();
    await trial.set(key, '0');
    const replies = await trial.askAll(
      Array.from({ length: 100 }, () => ({ kind: 'count' as const, key, delta: 1n })),
    );
    assert.deepEqual(
      replies.map(textOf),
      Array.from({ length: 100 }, (_, index) => String(index + 1)),
    );
  }),
];
