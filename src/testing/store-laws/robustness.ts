import { strict as assert } from 'node:assert';
import { CisternError } from '../../core/error.ts';
import type { Operation, Reply } from '../../core/store.ts';
import { expectKind, longLife, setOf, textOf, type Trial } from '../store-trial.ts';
import { law, type Law } from './law.ts';

function expectFailed(reply: Reply, code?: string): void {
  const failed = expectKind(reply, 'failed');
  assert.equal(failed.applied, 'no');
  assert.ok(failed.error instanceof Error);
  if (code !== undefined) {
    assert.ok(failed.error instanceof CisternError, `${failed.error.message} has no code`);
    assert.equal(failed.error.code, code);
  }
}

/** Hands over what the types forbid; neither a throw nor a rejection may come of it. */
async function misuse(trial: Trial, operation: unknown): Promise<Reply> {
  return await trial.wait(trial.store.execute(operation as Operation));
}

/** Failures are answers. */
export const robustnessLaws: readonly Law[] = [
  law('the store has a name and a list of parts', async (trial) => {
    assert.equal(typeof trial.store.name, 'string');
    assert.ok(trial.store.name.length > 0);
    assert.ok(Array.isArray(trial.store.parts));
    for (const part of trial.store.parts) assert.equal(typeof part.execute, 'function');
  }),

  law('an operation whose deadline has passed fails, and nothing is changed', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'kept');
    const deadline = trial.clock.read() - 1;
    const late = await trial.askAll([
      { ...setOf(key, 'late'), deadline },
      { kind: 'delete', key, deadline },
      { kind: 'get', key, deadline },
      { kind: 'count', key, delta: 1n, initial: { value: 1n, life: longLife }, deadline },
    ]);
    for (const reply of late) expectFailed(reply, 'CISTERN_TIMEOUT');
    assert.equal(textOf(await trial.get(key)), 'kept');
  }),

  law('bad keys fail, and never reach another key', async (trial) => {
    const good = trial.key();
    await trial.set(good, 'kept');
    const bad = [
      '',
      ' ',
      `${good} x`,
      `x\r\nmd ${good}`,
      'x\n',
      'tab\there',
      'caf\u00e9',
      '\ud800',
      '\0',
      'k'.repeat(10_000),
    ];
    for (const key of [...bad, undefined, null, 7, {}]) {
      const deadline = trial.clock.read() + 10_000;
      for (const operation of [
        { kind: 'get' },
        { kind: 'delete' },
        setOf('', 'v'),
        { kind: 'touch', life: longLife },
      ])
        expectFailed(await misuse(trial, { ...operation, key, deadline }));
    }
    assert.equal(textOf(await trial.get(good)), 'kept');
  }),

  law('bad operations fail, whatever they are, and the store goes on', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'kept');
    const deadline = trial.clock.read() + 10_000;
    const bad: readonly unknown[] = [
      undefined,
      null,
      7,
      'get',
      {},
      { kind: 'fetch', key, deadline },
      { kind: 'get', key, deadline: Number.NaN },
      { kind: 'get', key, deadline, lease: Number.NaN },
      { kind: 'get', key, deadline, lease: -5 },
      { kind: 'get', key, deadline, lease: 0 },
      { kind: 'get', key, deadline, recache: Number.NaN },
      { kind: 'get', key, deadline, touch: { freshFor: Number.NaN, staleFor: 0 } },
      { ...setOf(key, 'v'), deadline, flags: 512 },
      { ...setOf(key, 'v'), deadline, flags: -1 },
      { ...setOf(key, 'v'), deadline, flags: 1.5 },
      { ...setOf(key, 'v'), deadline, value: 'text' },
      { ...setOf(key, 'v'), deadline, value: undefined },
      { ...setOf(key, 'v'), deadline, mode: 'upsert' },
      { ...setOf(key, 'v'), deadline, life: undefined },
      { ...setOf(key, 'v'), deadline, life: { freshFor: Number.NaN, staleFor: 0 } },
      { ...setOf(key, 'v'), deadline, life: { freshFor: 1000, staleFor: -1 } },
      { kind: 'delete', key, deadline, staleFor: Number.NaN },
      { kind: 'delete', key, deadline, staleFor: -1 },
      { kind: 'touch', key, deadline, life: { freshFor: -1, staleFor: 0 } },
      { kind: 'count', key, deadline, delta: 1 },
      { kind: 'count', key, deadline, delta: 1n, initial: { value: -1n, life: longLife } },
      { kind: 'release', key, deadline, right: 'write', cas: '1' },
    ];
    for (const operation of bad) expectFailed(await misuse(trial, operation));
    assert.equal(textOf(await trial.get(key)), 'kept');
  }),

  law('a CAS that is none is never taken for one', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'kept');
    for (const cas of ['', '0', '-1', 'x', '1 T0', '99999999999999999999', `1\r\nmd ${key}`]) {
      for (const operation of [
        ...(['set', 'replace', 'append', 'prepend'] as const).map((mode) => setOf(key, 'v', { mode, cas })),
        { kind: 'delete' as const, key, cas },
        { kind: 'delete' as const, key, cas, staleFor: 60_000 },
        ...(['lease', 'recache', 'stale'] as const).map((right) => ({
          kind: 'release' as const,
          key,
          right,
          cas,
        })),
      ]) {
        const reply = await trial.ask(operation);
        assert.ok(
          reply.kind === 'conflict' || reply.kind === 'failed',
          `a CAS of '${cas}' gave ${reply.kind}`,
        );
      }
    }
    const hit = await trial.hit(key);
    assert.deepEqual([textOf(hit), hit.marked], ['kept', false]);
  }),

  law('close settles what is pending, and may be called twice', async (trial) => {
    const key = trial.key();
    const deadline = trial.clock.read() + 10_000;
    const pending = Array.from(
      { length: 20 },
      async () => await trial.store.execute({ kind: 'get', key, deadline }),
    );
    await trial.wait(Promise.all([trial.store.close(), trial.store.close()]));
    for (const reply of await trial.wait(Promise.all(pending)))
      assert.ok(reply.kind === 'failed' || reply.kind === 'miss');
    await trial.wait(trial.store.close());
  }),

  law('after close every operation fails with CISTERN_CLOSED', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x');
    await trial.wait(trial.store.close());
    for (const operation of [
      { kind: 'get' as const, key },
      setOf(key, 'y'),
      { kind: 'delete' as const, key },
    ])
      expectFailed(await trial.ask(operation), 'CISTERN_CLOSED');
  }),
];
