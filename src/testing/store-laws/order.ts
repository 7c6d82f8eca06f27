import { strict as assert } from 'node:assert';
import { expectKind, setOf, textOf } from '../store-trial.ts';
import { law, type Law } from './law.ts';

/** What was asked together. */
export const orderLaws: readonly Law[] = [
  law('operations of one turn on one key happen in the order in which they were asked', async (trial) => {
    const key = trial.key();
    const replies = await trial.askAll([
      { kind: 'get', key },
      setOf(key, 'a'),
      setOf(key, 'b', { mode: 'append' }),
      { kind: 'get', key },
      setOf(key, 'z', { mode: 'add' }),
      { kind: 'delete', key },
      { kind: 'get', key },
      setOf(key, 'c', { mode: 'add' }),
      setOf(key, '0', { mode: 'prepend' }),
      { kind: 'get', key },
    ]);
    const kinds = replies.map((reply) => (reply.kind === 'hit' ? textOf(reply) : reply.kind));
    assert.deepEqual(kinds, [
      'miss',
      'stored',
      'stored',
      'ab',
      'notStored',
      'stored',
      'miss',
      'stored',
      'stored',
      '0c',
    ]);
  }),

  law('answers settle in the order in which they were asked', async (trial) => {
    const settled: number[] = [];
    const key = trial.key();
    const deadline = trial.clock.read() + 10_000;
    const answers = Array.from({ length: 50 }, async (_, index) => {
      await trial.store.execute({ kind: 'get', key, deadline });
      settled.push(index);
    });
    await trial.wait(Promise.all(answers));
    assert.deepEqual(
      settled,
      [...settled].sort((left, right) => left - right),
    );
  }),

  law('no answer is ever given to another asker: 500 keys read and written in one turn', async (trial) => {
    const keys = Array.from({ length: 500 }, () => trial.key());
    const values = keys.map((key, index) => `${key}=${'v'.repeat(index % 97)}`);
    const first = await trial.askAll(
      keys.flatMap((key, index) => [setOf(key, values[index]!), { kind: 'get' as const, key }]),
    );
    for (const [index, value] of values.entries()) {
      expectKind(first[2 * index]!, 'stored');
      assert.equal(textOf(first[2 * index + 1]!), value);
    }
    const second = await trial.askAll(keys.toReversed().map((key) => ({ kind: 'get', key })));
    assert.deepEqual(second.map(textOf), values.toReversed());
  }),
];
