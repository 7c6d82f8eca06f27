import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, type Asked, life, said, setOf, world } from '../../test/routes/wire.ts';
import type { HitReply, Operation, Store } from '../core/store.ts';
import { memory } from '../stores/memory/memory.ts';
import { byOperation } from './by-operation.ts';

// With reads and writes in different stores hardly a law could hold: these two are ways to the same one.
routeContract(
  'byOperation',
  1,
  ([store]) => {
    const view: Store = {
      name: 'view',
      parts: [store!],
      execute: async (operation) => await store!.execute(operation),
      close: async () => undefined,
    };
    return byOperation({ get: view }, store!);
  },
  {
    'a CAS that a stored reply tells is that of the entry':
      'it names the store that wrote, and the one that reads names itself',
  },
);

describe('byOperation', () => {
  test('each kind goes to its store, the rest to the other', async () => {
    const kinds: readonly Operation['kind'][] = ['get', 'set', 'delete', 'touch', 'count'];
    const asked: Readonly<Record<string, Asked>> = {
      get: { kind: 'get', key: 'k' },
      set: setOf('k', 'v'),
      delete: { kind: 'delete', key: 'k' },
      touch: { kind: 'touch', key: 'k', life },
      count: { kind: 'count', key: 'k', delta: 1n },
    };
    for (const chosen of kinds) {
      const { runtime, wires } = world(2);
      const [own, otherwise] = wires;
      const store = byOperation({ [chosen]: own! }, otherwise!);
      for (const kind of kinds) await ask(runtime, store, asked[kind]!);
      expect(own!.kinds()).toEqual([chosen]);
      expect(otherwise!.kinds()).toEqual(kinds.filter((kind) => kind !== chosen));
    }
  });

  test('what goes by a CAS goes to the store that gave it', async () => {
    const { runtime, wires, stores } = world(2);
    const [reads, otherwise] = wires;
    const store = byOperation({ get: reads! }, otherwise!);
    await ask(runtime, stores[0]!, setOf('k', 'old'));
    const { cas } = (await ask(runtime, store, { kind: 'get', key: 'k' })) as HitReply;
    expect((await ask(runtime, store, setOf('k', 'new', { cas }))).kind).toBe('stored');
    expect(said(await ask(runtime, store, { kind: 'get', key: 'k' }))).toBe('new');
    expect((await ask(runtime, store, { kind: 'release', key: 'k', right: 'stale', cas })).kind).toBe(
      'conflict',
    );
    expect(otherwise!.asked).toEqual([]);
    expect((await ask(runtime, store, setOf('k', 'new', { cas: '7:1' }))).kind).toBe('conflict');
  });

  test.each<[string, () => unknown, RegExp]>([
    ['no object', () => byOperation(7 as never, memory()), /'stores' is 7/],
    [
      'an unknown kind',
      () => byOperation({ fetch: memory() } as never, memory()),
      /'fetch' .* left out: operations are get/,
    ],
    ['no store', () => byOperation({ get: 7 as unknown as Store }, memory()), /'get' is 7/],
    ['no other', () => byOperation({}, undefined as unknown as Store), /'otherwise' is undefined/],
  ])('%s is refused', (_what, make, said_) => {
    expect(make).toThrow(said_);
  });

  test('without kinds there is no route, nor where all go to one store', () => {
    const store = memory();
    expect([byOperation({}, store), byOperation({ get: store }, store)]).toEqual([store, store]);
  });
});
