import { strict as assert } from 'node:assert';
import { expectKind, setOf, textOf, type Trial } from '../store-trial.ts';
import { law, type Law } from './law.ts';

const life = { freshFor: 60_000, staleFor: 60_000 };

/** Above the whole life of the entries here: everybody may win. */
const recache = 1_000_000;

async function win(trial: Trial, key: string): Promise<string> {
  const hit = await trial.hit(key, { recache });
  assert.equal(hit.claim, 'won');
  return hit.cas;
}

/** The right to reload an entry before it is gone. */
export const recacheLaws: readonly Law[] = [
  law('nobody wins a recache while more than the threshold is left of the whole life', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x', { life });
    for (const threshold of [1, 1000, 110_000])
      assert.equal((await trial.hit(key, { recache: threshold })).claim, 'none');
  }),

  law(
    'below the threshold exactly one of 100 askers in one turn wins, and all get the value',
    async (trial) => {
      const key = trial.key();
      await trial.set(key, 'x', { life });
      const replies = await trial.askAll(Array.from({ length: 100 }, () => ({ kind: 'get', key, recache })));
      const claims = replies.map((reply) => expectKind(reply, 'hit').claim);
      assert.equal(claims.filter((claim) => claim === 'won').length, 1);
      assert.equal(claims.filter((claim) => claim === 'lost').length, 99);
      assert.ok(replies.every((reply) => textOf(reply) === 'x'));
    },
  ),

  law('who asks for no recache wins none', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x', { life });
    assert.equal((await trial.hit(key)).claim, 'none');
    await win(trial, key);
  }),

  law('the winner’s fill by CAS leaves a clean entry, which can be won again', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'old', { life });
    const cas = await win(trial, key);
    expectKind(await trial.set(key, 'new', { cas, life }), 'stored');
    const hit = await trial.hit(key);
    assert.deepEqual([textOf(hit), hit.claim, hit.marked], ['new', 'none', false]);
    await win(trial, key);
  }),

  law(
    'any store clears the right: the next asker wins, the first winner’s fill is a conflict',
    async (trial) => {
      for (const mode of ['set', 'replace', 'append', 'prepend'] as const) {
        const key = trial.key();
        await trial.set(key, 'x', { life });
        const cas = await win(trial, key);
        expectKind(await trial.ask(setOf(key, 'y', { mode, life })), 'stored');
        expectKind(await trial.set(key, 'z', { cas }), 'conflict');
        await win(trial, key);
      }
    },
  ),

  law('neither a get nor a touch gives the right back', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x', { life });
    await win(trial, key);
    await trial.get(key);
    await trial.get(key, { touch: life });
    await trial.touch(key, life);
    assert.equal((await trial.hit(key, { recache })).claim, 'lost');
  }),

  law(
    'a recache that is given back keeps value, flags and life, and is won by the next asker at once',
    async (trial) => {
      const key = trial.key();
      await trial.set(key, 'x', { life, flags: 301 });
      const cas = await win(trial, key);
      const lost = await trial.hit(key, { recache });
      assert.deepEqual([lost.claim, lost.cas], ['lost', cas]);
      expectKind(await trial.release(key, 'recache', cas), 'stored');
      const hit = await trial.hit(key);
      assert.deepEqual([textOf(hit), hit.flags, hit.marked], ['x', 301, false]);
      assert.ok(hit.expiresIn > 110_000 && hit.expiresIn <= 122_000 && hit.freshFor > 50_000);
      await win(trial, key);
    },
  ),

  law('a recache of an empty value is given back without turning it into a placeholder', async (trial) => {
    const key = trial.key();
    await trial.set(key, '', { life });
    const cas = await win(trial, key);
    expectKind(await trial.release(key, 'recache', cas), 'stored');
    assert.equal((await trial.hit(key, { recache })).claim, 'won');
    assert.equal((await trial.hit(key)).value.length, 0);
  }),

  law('a recache is given back only while the entry has the CAS of the win', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x', { life });
    const cas = await win(trial, key);
    await trial.set(key, 'y', { life });
    await win(trial, key);
    expectKind(await trial.release(key, 'recache', cas), 'conflict');
    assert.equal((await trial.hit(key, { recache })).claim, 'lost');
    await trial.remove(key);
    expectKind(await trial.release(key, 'recache', cas), 'notFound');
    await trial.miss(key);
  }),

  law('a delete destroys the right: the winner’s fill is refused', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x', { life });
    const cas = await win(trial, key);
    await trial.remove(key);
    expectKind(await trial.set(key, 'old', { cas }), 'notFound');
    await trial.miss(key);
  }),
];
