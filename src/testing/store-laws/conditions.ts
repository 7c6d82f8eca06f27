import { strict as assert } from 'node:assert';
import { expectKind, expectOneOf, longLife, textOf } from '../store-trial.ts';
import { law, type Law } from './law.ts';

/** Writes that happen on a condition: the mode, or the CAS. */
export const conditionLaws: readonly Law[] = [
  law('add stores on a missing key, and is notStored on an existing entry', async (trial) => {
    const key = trial.key();
    expectKind(await trial.set(key, 'first', { mode: 'add' }), 'stored');
    expectKind(await trial.set(key, 'second', { mode: 'add' }), 'notStored');
    assert.equal(textOf(await trial.get(key)), 'first');
  }),

  law('replace is notStored on a missing key, and stores on an existing entry', async (trial) => {
    const key = trial.key();
    expectKind(await trial.set(key, 'x', { mode: 'replace' }), 'notStored');
    await trial.miss(key);
    await trial.set(key, 'first');
    expectKind(await trial.set(key, 'second', { mode: 'replace' }), 'stored');
    assert.equal(textOf(await trial.get(key)), 'second');
  }),

  law('append and prepend join, and keep flags and life', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'b', { flags: 77 });
    const other = { flags: 3, life: { freshFor: 5000, staleFor: 0 } };
    expectKind(await trial.set(key, 'c', { mode: 'append', ...other }), 'stored');
    expectKind(await trial.set(key, 'a', { mode: 'prepend', ...other }), 'stored');
    const hit = await trial.hit(key);
    assert.equal(textOf(hit), 'abc');
    assert.equal(hit.flags, 77);
    assert.ok(hit.freshFor > 500_000 && hit.expiresIn > 1_100_000);
  }),

  law('append and prepend are notStored on a missing key', async (trial) => {
    const key = trial.key();
    expectKind(await trial.set(key, 'x', { mode: 'append' }), 'notStored');
    expectKind(await trial.set(key, 'x', { mode: 'prepend' }), 'notStored');
    await trial.miss(key);
  }),

  law('a set with a CAS stores if the entry still has it, and is a conflict otherwise', async (trial) => {
    for (const mode of ['set', 'replace', 'append', 'prepend'] as const) {
      const key = trial.key();
      const cas = await trial.setForCas(key, 'first');
      expectKind(await trial.set(key, 'second', { mode, cas }), 'stored');
      const kept = textOf(await trial.get(key));
      expectKind(await trial.set(key, 'third', { mode, cas }), 'conflict');
      assert.equal(textOf(await trial.get(key)), kept);
    }
  }),

  law('a set or replace with a CAS is notFound on a missing key, and stores nothing', async (trial) => {
    const key = trial.key();
    const cas = await trial.setForCas(key, 'x');
    await trial.remove(key);
    expectKind(await trial.set(key, 'y', { cas }), 'notFound');
    expectKind(await trial.set(key, 'y', { mode: 'replace', cas }), 'notFound');
    expectOneOf(await trial.set(key, 'y', { mode: 'append', cas }), 'notFound', 'notStored');
    await trial.miss(key);
  }),

  law('a delete with a CAS removes the entry only if it still has it', async (trial) => {
    const key = trial.key();
    const old = await trial.setForCas(key, 'first');
    const cas = await trial.setForCas(key, 'second');
    expectKind(await trial.remove(key, { cas: old }), 'conflict');
    expectKind(await trial.remove(key, { cas: old, staleFor: 10_000 }), 'conflict');
    assert.equal((await trial.hit(key)).marked, false);
    expectKind(await trial.remove(key, { cas }), 'stored');
    expectKind(await trial.remove(key, { cas }), 'notFound');
  }),

  law('the CAS stays while nothing changes: gets and touches leave it', async (trial) => {
    const key = trial.key();
    const cas = await trial.setForCas(key, 'x');
    await trial.get(key, { touch: longLife });
    await trial.touch(key, longLife);
    await trial.get(key, { recache: 3_000_000 });
    assert.equal((await trial.hit(key)).cas, cas);
  }),

  law('every change gives another CAS, and none ever comes back', async (trial) => {
    const key = trial.key();
    const seen = new Set([await trial.setForCas(key, '1')]);
    const changes = [
      async () => await trial.set(key, '2'),
      async () => await trial.set(key, '3', { mode: 'append' }),
      async () => await trial.count(key, 1n),
      async () => await trial.remove(key, { staleFor: 60_000 }),
      async () => await trial.remove(key, { staleFor: 60_000 }),
      async () => await trial.set(key, '1', { mode: 'replace' }),
      async () => {
        await trial.remove(key);
        return await trial.set(key, '1', { mode: 'add' });
      },
    ];
    for (const change of changes) {
      expectOneOf(await change(), 'stored', 'hit');
      const { cas } = await trial.hit(key);
      assert.ok(!seen.has(cas), 'the CAS was seen before');
      seen.add(cas);
    }
  }),

  law('a CAS that a stored reply tells is that of the entry', async (trial) => {
    const key = trial.key();
    const first = expectKind(await trial.set(key, 'x'), 'stored');
    const told = [first.cas, expectKind(await trial.set(key, 'y', { mode: 'append' }), 'stored').cas];
    const { cas } = await trial.hit(key);
    if (told[1] !== '') {
      assert.equal(told[1], cas);
      assert.notEqual(told[0], told[1]);
    }
  }),
];
