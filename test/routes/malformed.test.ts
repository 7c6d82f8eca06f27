import { describe, expect, test } from 'vitest';
import type { Operation, Reply } from '../../src/core/store.ts';
import { everyRoute } from './every-route.ts';
import { life, setOf, world } from './wire.ts';

/** Good operations of every kind; one field of each is spoilt at a time. */
const good: readonly Readonly<Record<string, unknown>>[] = [
  { kind: 'get', key: 'k', lease: 1000, recache: 10, touch: life, routingKey: 'r' },
  { ...setOf('k', 'v'), routingKey: 'r' },
  { ...setOf('k', 'v', { mode: 'add' }) },
  { ...setOf('k', 'v', { mode: 'prepend' }) },
  { ...setOf('k', 'v', { cas: '1:7' }) },
  { ...setOf('k', 'v'.repeat(5000)) },
  { kind: 'delete', key: 'k', staleFor: 1000, copy: 1 },
  { kind: 'delete', key: 'k', cas: '7' },
  { kind: 'touch', key: 'k', life },
  { kind: 'count', key: 'k', delta: 1n, initial: { value: 1n, life } },
  { kind: 'release', key: 'k', right: 'lease', cas: '7' },
];

const junk: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -1,
  1.5,
  Number.POSITIVE_INFINITY,
  'x',
  '',
  5n,
  true,
  Symbol('junk'),
  {},
  [],
  { freshFor: Symbol('junk'), staleFor: 1 },
  () => undefined,
  new Proxy({}, { get: () => trap() }),
];

function trap(): never {
  throw new Error('looked at');
}

const kinds = ['hit', 'miss', 'stored', 'notStored', 'conflict', 'notFound', 'failed'];

/** Callers in plain JavaScript do hand over anything. */
describe.each(everyRoute)('$name', ({ parts, make }) => {
  test('answers whatever it is asked, and neither throws nor rejects', async () => {
    const { runtime, wires } = world(parts);
    const store = make(wires, runtime);
    // Something to be read and written over, in every form.
    for (const each of good) await runtime.until(store.execute({ deadline: Infinity, ...each } as never));
    const answers: Promise<Reply>[] = [];
    for (const operation of good) {
      const deadline = runtime.clock.read() + 1000;
      for (const field of [...Object.keys(operation), 'deadline', 'copy', 'routingKey'])
        for (const value of junk) {
          const spoilt = { deadline, ...operation, [field]: value };
          expect(() => answers.push(store.execute(spoilt as unknown as Operation)), field).not.toThrow();
        }
    }
    for (const value of junk) expect(() => answers.push(store.execute(value as Operation))).not.toThrow();
    const settled = await runtime.until(Promise.allSettled(answers));
    expect(settled.filter(({ status }) => status === 'rejected')).toEqual([]);
    for (const each of settled)
      expect(kinds).toContain((each as { readonly value: Reply | undefined }).value?.kind);
    await runtime.until(store.close());
  });
});
