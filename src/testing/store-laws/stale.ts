import { strict as assert } from 'node:assert';
import { expectBetween, expectKind, grain, longLife, textOf, type Trial } from '../store-trial.ts';
import { law, type Law, slowLaw } from './law.ts';

const staleFor = 60_000;

async function setAndMark(trial: Trial): Promise<string> {
  const key = trial.key();
  await trial.set(key, 'old', { flags: 17 });
  expectKind(await trial.remove(key, { staleFor }), 'stored');
  return key;
}

/** Entries that are marked stale instead of removed. */
export const staleLaws: readonly Law[] = [
  law('a marked entry keeps value and flags, is aged, and ends after the stale time', async (trial) => {
    for (const life of [longLife, { freshFor: 600_000, staleFor: 0 }]) {
      const key = trial.key();
      await trial.set(key, 'old', { flags: 17, life });
      expectKind(await trial.remove(key, { staleFor }), 'stored');
      const hit = await trial.hit(key);
      assert.deepEqual([textOf(hit), hit.flags, hit.marked], ['old', 17, true]);
      assert.ok(hit.freshFor <= 0, `freshFor is ${hit.freshFor}`);
      expectBetween(hit.expiresIn, staleFor - grain, staleFor + grain);
    }
  }),

  law('of 100 askers of a marked entry in one turn exactly one wins', async (trial) => {
    const key = await setAndMark(trial);
    const replies = await trial.askAll(Array.from({ length: 100 }, () => ({ kind: 'get', key })));
    const hits = replies.map((reply) => expectKind(reply, 'hit'));
    assert.equal(hits.filter((hit) => hit.claim === 'won').length, 1);
    assert.equal(hits.filter((hit) => hit.claim === 'lost').length, 99);
    assert.ok(hits.every((hit) => hit.marked && textOf(hit) === 'old' && hit.cas === hits[0]!.cas));
  }),

  law('asking for a lease or a recache as well changes nothing of that', async (trial) => {
    const key = await setAndMark(trial);
    assert.equal((await trial.hit(key, { lease: 30_000, recache: 3_000_000 })).claim, 'won');
    assert.equal((await trial.hit(key, { lease: 30_000, recache: 3_000_000 })).claim, 'lost');
  }),

  law('the winner’s fill by CAS clears the mark', async (trial) => {
    const key = await setAndMark(trial);
    const { cas } = await trial.hit(key);
    expectKind(await trial.set(key, 'new', { cas }), 'stored');
    const hit = await trial.hit(key);
    assert.deepEqual([textOf(hit), hit.marked, hit.claim], ['new', false, 'none']);
    assert.ok(hit.freshFor > 0);
  }),

  law('a plain set clears the mark, and the winner’s fill is a conflict', async (trial) => {
    const key = await setAndMark(trial);
    const { cas } = await trial.hit(key);
    expectKind(await trial.set(key, 'written'), 'stored');
    expectKind(await trial.set(key, 'loaded before', { cas }), 'conflict');
    assert.deepEqual([textOf(await trial.get(key)), (await trial.hit(key)).marked], ['written', false]);
  }),

  law('a write of any mode that succeeds leaves no mark and no right', async (trial) => {
    for (const mode of ['set', 'replace', 'append', 'prepend'] as const) {
      const key = await setAndMark(trial);
      assert.equal((await trial.hit(key)).claim, 'won');
      expectKind(await trial.set(key, 'new', { mode }), 'stored');
      const hit = await trial.hit(key);
      assert.deepEqual([hit.marked, hit.claim], [false, 'none']);
    }
  }),

  law('marking destroys the rights that were out: a fill with an older CAS is a conflict', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x');
    const recache = await trial.hit(key, { recache: 3_000_000 });
    assert.equal(recache.claim, 'won');
    await trial.remove(key, { staleFor });
    expectKind(await trial.set(key, 'old', { cas: recache.cas }), 'conflict');
    const first = await trial.hit(key);
    assert.equal(first.claim, 'won');
    await trial.remove(key, { staleFor });
    expectKind(await trial.set(key, 'old', { cas: first.cas }), 'conflict');
    assert.equal((await trial.hit(key)).claim, 'won');
  }),

  law(
    'a stale right that is given back is won by the next asker at once; mark, value and life stay',
    async (trial) => {
      const key = await setAndMark(trial);
      const won = await trial.hit(key);
      assert.equal((await trial.hit(key)).claim, 'lost');
      expectKind(await trial.release(key, 'stale', won.cas), 'stored');
      const next = await trial.hit(key);
      assert.deepEqual([next.claim, next.marked, textOf(next), next.flags], ['won', true, 'old', 17]);
      expectBetween(next.expiresIn, staleFor - grain, staleFor + grain);
      expectKind(await trial.release(key, 'stale', won.cas), 'conflict');
      assert.equal((await trial.hit(key)).claim, 'lost');
    },
  ),

  law('giving a stale right back after a fill leaves the new value unmarked', async (trial) => {
    const key = await setAndMark(trial);
    const { cas } = await trial.hit(key);
    await trial.set(key, 'new', { cas });
    expectKind(await trial.release(key, 'stale', cas), 'conflict');
    assert.equal((await trial.hit(key)).marked, false);
    await trial.remove(key);
    expectKind(await trial.release(key, 'stale', cas), 'notFound');
  }),

  law('marking a missing entry is notFound, and leaves nothing', async (trial) => {
    const key = trial.key();
    expectKind(await trial.remove(key, { staleFor }), 'notFound');
    await trial.miss(key);
  }),

  law('a delete without a stale time removes a marked entry', async (trial) => {
    const key = await setAndMark(trial);
    expectKind(await trial.remove(key), 'stored');
    await trial.miss(key);
  }),

  law('an empty value can be marked', async (trial) => {
    const key = trial.key();
    await trial.set(key, '');
    await trial.remove(key, { staleFor });
    const hit = await trial.hit(key);
    assert.deepEqual([hit.value.length, hit.marked, hit.claim], [0, true, 'won']);
    assert.equal((await trial.hit(key)).claim, 'lost');
  }),

  law('the stale time replaces the life, also a shorter one', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x', { life: { freshFor: 10_000, staleFor: 0 } });
    await trial.remove(key, { staleFor });
    expectBetween((await trial.hit(key)).expiresIn, staleFor - grain, staleFor + grain);
  }),

  slowLaw('a marked entry is gone after its stale time', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x');
    await trial.remove(key, { staleFor: 1000 });
    await trial.advance(1000 + grain + 100);
    await trial.miss(key);
  }),

  slowLaw('a stale time of zero is refused, or keeps nothing', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x');
    const reply = await trial.remove(key, { staleFor: 0 });
    if (reply.kind === 'failed') {
      assert.equal(reply.applied, 'no');
      return;
    }
    expectKind(reply, 'stored');
    await trial.advance(grain + 100);
    await trial.miss(key);
  }),
];
