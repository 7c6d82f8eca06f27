import { strict as assert } from 'node:assert';
import type { GetOperation } from '../../core/store.ts';
import { expectKind, expectOneOf, grain, longLife, textOf, type Trial } from '../store-trial.ts';
import { law, type Law, slowLaw } from './law.ts';

const lease = 30_000;

/** Takes the lease of a missing key, and answers the CAS that fills it. */
async function win(trial: Trial, key: string, time = lease): Promise<string> {
  const miss = await trial.miss(key, { lease: time });
  assert.equal(miss.lease, 'won');
  assert.notEqual(miss.cas, '');
  return miss.cas;
}

/**
 * The right to fill a missing entry.
 *
 * Source: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1.
 */
export const leaseLaws: readonly Law[] = [
  law('the first who asks for a lease wins it, the next lose it and are told the same CAS', async (trial) => {
    const key = trial.key();
    const cas = await win(trial, key);
    for (let asker = 0; asker < 3; asker++)
      assert.deepEqual(await trial.get(key, { lease }), { kind: 'miss', lease: 'lost', cas });
  }),

  law('of 100 askers of one cold key in one turn exactly one wins', async (trial) => {
    const key = trial.key();
    const ask: Omit<GetOperation, 'deadline'> = { kind: 'get', key, lease };
    const replies = await trial.askAll(Array.from({ length: 100 }, () => ask));
    const misses = replies.map((reply) => expectKind(reply, 'miss'));
    assert.equal(misses.filter((miss) => miss.lease === 'won').length, 1);
    assert.equal(misses.filter((miss) => miss.lease === 'lost').length, 99);
    assert.equal(new Set(misses.map((miss) => miss.cas)).size, 1);
  }),

  law('a placeholder is a miss for those who want no lease', async (trial) => {
    const key = trial.key();
    await win(trial, key);
    assert.equal((await trial.miss(key)).lease, 'none');
    assert.equal((await trial.miss(key, { recache: 3_000_000 })).lease, 'none');
  }),

  law('a placeholder is no entry for a touch', async (trial) => {
    const key = trial.key();
    const cas = await win(trial, key);
    expectKind(await trial.touch(key, longLife), 'notFound');
    assert.equal((await trial.miss(key, { lease })).lease, 'lost');
    expectKind(await trial.set(key, 'loaded', { cas }), 'stored');
  }),

  law('a fill with the CAS of the win is stored, and is a clean entry for everybody', async (trial) => {
    for (const value of ['loaded', '']) {
      const key = trial.key();
      const cas = await win(trial, key);
      await trial.get(key, { lease });
      expectKind(await trial.set(key, value, { cas, flags: 5 }), 'stored');
      const hit = await trial.hit(key, { lease });
      assert.equal(textOf(hit), value);
      assert.deepEqual([hit.claim, hit.marked, hit.flags], ['none', false, 5]);
      assert.ok(hit.expiresIn > 1_000_000);
    }
  }),

  law('a delete destroys the lease: the fill is refused, and the next asker wins', async (trial) => {
    const key = trial.key();
    const cas = await win(trial, key);
    expectKind(await trial.remove(key), 'stored');
    expectKind(await trial.set(key, 'old', { cas }), 'notFound');
    await trial.miss(key);
    const next = await win(trial, key);
    assert.notEqual(next, cas);
    expectKind(await trial.set(key, 'old', { cas }), 'conflict');
    await trial.miss(key);
    expectKind(await trial.set(key, 'new', { cas: next }), 'stored');
  }),

  law('a delete that marks stale destroys the lease too', async (trial) => {
    const key = trial.key();
    const cas = await win(trial, key);
    expectOneOf(await trial.remove(key, { staleFor: 30_000 }), 'stored', 'notFound');
    expectOneOf(await trial.set(key, 'old', { cas }), 'conflict', 'notFound');
    const next = await win(trial, key);
    expectKind(await trial.set(key, 'new', { cas: next }), 'stored');
    assert.equal((await trial.hit(key)).marked, false);
  }),

  law('a plain set destroys the lease: the late fill is a conflict', async (trial) => {
    const key = trial.key();
    const cas = await win(trial, key);
    expectKind(await trial.set(key, 'written'), 'stored');
    expectKind(await trial.set(key, 'loaded before', { cas }), 'conflict');
    assert.equal(textOf(await trial.get(key)), 'written');
  }),

  law('a lease that is given back is won by the next asker at once', async (trial) => {
    const key = trial.key();
    const cas = await win(trial, key);
    expectKind(await trial.release(key, 'lease', cas), 'stored');
    await trial.miss(key);
    await win(trial, key);
  }),

  law('a loser may give back a dead winner’s lease by its CAS: the late fill is refused', async (trial) => {
    const key = trial.key();
    const dead = await win(trial, key);
    const told = await trial.miss(key, { lease });
    expectKind(await trial.release(key, 'lease', told.cas), 'stored');
    expectKind(await trial.release(key, 'lease', told.cas), 'notFound');
    const next = await win(trial, key);
    expectKind(await trial.release(key, 'lease', told.cas), 'conflict');
    expectKind(await trial.set(key, 'late', { cas: dead }), 'conflict');
    expectKind(await trial.set(key, 'new', { cas: next }), 'stored');
  }),

  law('giving back a lease that has been filled removes nothing', async (trial) => {
    const key = trial.key();
    const cas = await win(trial, key);
    await trial.set(key, 'loaded', { cas });
    expectKind(await trial.release(key, 'lease', cas), 'conflict');
    assert.equal(textOf(await trial.get(key)), 'loaded');
  }),

  slowLaw('a lease ends after its time: the next asker wins, and the late fill is refused', async (trial) => {
    const key = trial.key();
    const cas = await win(trial, key, 1000);
    await trial.advance(1000 + grain + 100);
    const next = await win(trial, key);
    expectKind(await trial.set(key, 'late', { cas }), 'conflict');
    expectKind(await trial.set(key, 'new', { cas: next }), 'stored');
  }),

  slowLaw('a lease lasts for its time', async (trial) => {
    const key = trial.key();
    const end = trial.clock.read() + 4000;
    await win(trial, key, 4000);
    await trial.advance(3000);
    const next = await trial.miss(key, { lease });
    // A busy machine may have slept for longer.
    if (trial.clock.read() < end) assert.equal(next.lease, 'lost');
  }),
];
