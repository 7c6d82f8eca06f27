import { describe, expect, test } from 'vitest';
import type { Operation, Reply, Store } from '../../src/core/store.ts';
import { everyRoute } from './every-route.ts';
import { type Asked, life, setOf, Wire, world } from './wire.ts';

const asked: readonly Asked[] = [
  { kind: 'get', key: 'k' },
  { kind: 'get', key: 'k', lease: 1000, recache: 500, touch: life },
  setOf('k', 'v'),
  setOf('k', 'v', { mode: 'add' }),
  setOf('k', 'v', { mode: 'append' }),
  setOf('k', 'v', { cas: '7' }),
  setOf('k', 'v', { cas: '1:7' }),
  setOf('big', 'v'.repeat(5000)),
  { kind: 'delete', key: 'k' },
  { kind: 'delete', key: 'k', staleFor: 1000 },
  { kind: 'delete', key: 'k', cas: '7' },
  { kind: 'touch', key: 'k', life },
  { kind: 'count', key: 'k', delta: 1n, initial: { value: 1n, life } },
  { kind: 'release', key: 'k', right: 'lease', cas: '7' },
];

/** Stores that do not keep the contract, as users may write them. */
const bad: Readonly<Record<string, (operation: Operation) => unknown>> = {
  throws: () => {
    throw new Error('thrown');
  },
  'throws nothing': () => {
    throw undefined as unknown as Error;
  },
  rejects: async () => await Promise.reject(new Error('rejected')),
  'rejects with nothing': async () => await Promise.reject(undefined),
  'answers nothing': async () => undefined,
  'answers null': async () => null,
  'answers what is no reply': async () => ({ value: 'v' }),
  'answers no promise': () => ({ kind: 'miss', lease: 'none', cas: '' }),
};

const kinds = ['hit', 'miss', 'stored', 'notStored', 'conflict', 'notFound', 'failed'];

function badStore(name: string, execute: (operation: Operation) => unknown): Store {
  return {
    name,
    parts: [],
    execute: execute as Store['execute'],
    close: () => {
      throw new Error('cannot close');
    },
  };
}

describe.each(everyRoute)('$name', ({ parts, make }) => {
  test.each(Object.entries(bad))('never throws nor rejects, whichever part %s', async (how, execute) => {
    for (let broken = -1; broken < parts; broken++) {
      const { runtime, wires } = world(parts);
      const mixed = wires.map((wire, index) =>
        broken < 0 || index === broken ? badStore(`bad ${index}`, execute) : wire,
      );
      const store = make(mixed, runtime);
      for (const each of asked) {
        const operation = { deadline: runtime.clock.read() + 1000, ...each } as Operation;
        let answer: Promise<Reply> | undefined;
        expect(() => (answer = store.execute(operation))).not.toThrow();
        const reply = await runtime.until(answer!);
        expect(kinds, `${how}: ${operation.kind}`).toContain((reply as Reply | undefined)?.kind);
        // Where every part is broken there is nothing else to say.
        if (broken < 0 && reply.kind !== 'conflict')
          expect(reply).toMatchObject({
            kind: 'failed',
            // A value in chunks is none before its index is written.
            applied: operation.key === 'big' ? (expect.any(String) as string) : 'unknown',
            error: { code: 'CISTERN_UNAVAILABLE' },
          });
      }
      await runtime.until(store.close());
    }
  });

  test('closes every part once, also when it is closed twice, and lets the process end', async () => {
    const { runtime, wires } = world(parts);
    const store = make(wires, runtime);
    await runtime.until(store.execute({ kind: 'get', key: 'k', deadline: runtime.clock.read() + 1000 }));
    await runtime.until(Promise.all([store.close(), store.close()]));
    await runtime.until(store.close());
    expect(wires.map((wire) => wire.closed)).toEqual(wires.map(() => 1));
    expect(runtime.timers).toBe(0);
  });

  test('lists the parts that it was given', () => {
    const { runtime, wires } = world(parts);
    const listed = (store: Store): readonly Store[] =>
      store instanceof Wire ? [store] : store.parts.flatMap(listed);
    const ends = listed(make(wires, runtime));
    for (const wire of wires) expect(ends.includes(wire)).toBe(true);
  });
});
