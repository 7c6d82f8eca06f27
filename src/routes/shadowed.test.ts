import { channel } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, type Asked, said, setOf, type Wire, world } from '../../test/routes/wire.ts';
import type { HitReply, MissReply, Reply, Store } from '../core/store.ts';
import { reliable } from '../core/reliable.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import { memory } from '../stores/memory/memory.ts';
import { shadowed, type ShadowedOptions, type ShadowedStore } from './shadowed.ts';

routeContract('shadowed', 2, ([store, shadow], runtime) =>
  shadowed(store!, shadow!, { share: 1, compare: true, runtime }),
);

interface Rig {
  readonly runtime: FakeRuntime;
  readonly main: Wire;
  readonly shadow: Wire;
  readonly shadows: Store;
  readonly store: ShadowedStore;
  readonly tell: (operation: Asked) => Promise<Reply>;
}

function rig(options: Partial<ShadowedOptions> = {}): Rig {
  const { runtime, wires, stores } = world(2);
  const [main, shadow] = wires as [Wire, Wire];
  const store = shadowed(main, shadow, { share: 1, runtime, ...options });
  const tell: Rig['tell'] = async (operation) => {
    const reply = await ask(runtime, store, operation);
    await runtime.settle();
    return reply;
  };
  return { runtime, main, shadow, shadows: stores[1]!, store, tell };
}

const get: Asked = { kind: 'get', key: 'k' };

describe('shadowed', () => {
  test('the shadow sees the traffic without rights of its own: a fill by CAS is a plain set there', async () => {
    const { runtime, shadow, shadows, store, tell } = rig();
    const { cas } = (await tell({ kind: 'get', key: 'k', lease: 5000, recache: 10 })) as MissReply;
    await tell(setOf('k', 'v', { cas }));
    const hit = (await tell(get)) as HitReply;
    await tell({ kind: 'release', key: 'k', right: 'recache', cas: hit.cas });
    expect(said(await ask(runtime, shadows, get))).toBe('v');
    await tell({ kind: 'delete', key: 'k', cas: hit.cas });
    const deadline = expect.any(Number) as number;
    expect(shadow.asked).toEqual([
      { kind: 'get', key: 'k', deadline },
      { ...setOf('k', 'v'), value: Uint8Array.from([118]), deadline },
      { kind: 'get', key: 'k', deadline },
      { kind: 'delete', key: 'k', deadline },
    ]);
    expect(store.stats()).toMatchObject({ copied: 4, dropped: 0 });
  });

  test('a shadow that fails, hangs or has other values changes no answer, and nobody waits for it', async () => {
    const { main, shadow, store, runtime } = rig();
    shadow.fate = () => 'lost';
    expect((await ask(runtime, store, get)).kind).toBe('miss');
    shadow.execute = async () => await new Promise(() => undefined);
    expect((await ask(runtime, store, setOf('k', 'v'))).kind).toBe('stored');
    expect(said(await ask(runtime, store, get))).toBe('v');
    main.down();
    expect((await ask(runtime, store, get)).kind).toBe('failed');
  });

  test('by key all operations of the chosen keys are copied, and about so many keys are chosen', async () => {
    const { shadow, tell } = rig({ share: 0.3 });
    for (let number = 0; number < 300; number++)
      for (let again = 0; again < 2; again++) await tell({ kind: 'get', key: `user:${number}` });
    const times = new Map<string, number>();
    for (const { key } of shadow.asked) times.set(key, (times.get(key) ?? 0) + 1);
    expect([...times.values()].every((count) => count === 2)).toBe(true);
    expect(times.size).toBeGreaterThan(60);
    expect(times.size).toBeLessThan(120);
  });

  test('by request about so many requests are copied, of any key', async () => {
    const { shadow, tell } = rig({ share: 0.3, by: 'request' });
    for (let number = 0; number < 500; number++) await tell(get);
    expect(shadow.asked.length).toBeGreaterThan(100);
    expect(shadow.asked.length).toBeLessThan(200);
  });

  test('no more copies are under way than allowed: beyond, none is made', async () => {
    const { runtime, store } = rig({ outstanding: 3 });
    const asked = Array.from(
      { length: 10 },
      async () => await store.execute({ ...get, deadline: 1e15 } as never),
    );
    await runtime.until(Promise.all(asked));
    expect(store.stats()).toMatchObject({ copied: 3, dropped: 7 });
    await runtime.settle();
    await ask(runtime, store, get);
    expect(store.stats()).toMatchObject({ copied: 4, dropped: 7 });
  });

  test('the writer may use its buffer again, however slow the shadow is', async () => {
    const { runtime, stores } = world(2);
    let go: () => void = () => undefined;
    const slow: Store = {
      name: 'slow',
      parts: [],
      execute: async (operation) => {
        await new Promise<void>((resolve) => (go = resolve));
        return await stores[1]!.execute(operation);
      },
      close: async () => undefined,
    };
    const store = shadowed(stores[0]!, slow, { share: 1, runtime });
    const value = Buffer.from('mine');
    await ask(runtime, store, { ...setOf('k', ''), value } as Asked);
    value.fill('!');
    go();
    await runtime.settle();
    expect(said(await ask(runtime, stores[1]!, get))).toBe('mine');
  });

  test('answers are compared: the kind, the value and the flags; a difference is told', async () => {
    const told: unknown[] = [];
    const hear = (message: unknown): void => void told.push(message);
    const { runtime, main, shadows, store, tell } = rig({ compare: true, name: 'trial' });
    channel('cistern:shadow-differs').subscribe(hear);
    try {
      await tell(setOf('k', 'v'));
      // The bytes are the reader's, who may change them before the shadow has answered.
      const read = store.execute({ ...get, deadline: 1e15 } as never);
      await runtime.until(read.then((hit) => (hit as HitReply).value.fill(0)));
      await runtime.settle();
      await tell({ kind: 'get', key: 'nothing' });
      expect([store.stats(), told]).toEqual([{ copied: 3, dropped: 0, compared: 2, different: 0 }, []]);
      await ask(runtime, shadows, setOf('k', 'w'));
      await tell(get);
      await ask(runtime, shadows, setOf('k', 'v', { flags: 1 }));
      await tell(get);
      await ask(runtime, shadows, { kind: 'delete', key: 'k' });
      await tell(get);
      main.down();
      await tell(get);
    } finally {
      channel('cistern:shadow-differs').unsubscribe(hear);
    }
    expect(store.stats()).toMatchObject({ compared: 5, different: 3 });
    expect(told).toEqual([
      { store: 'trial', key: 'k', main: 'hit', shadow: 'hit' },
      { store: 'trial', key: 'k', main: 'hit', shadow: 'hit' },
      { store: 'trial', key: 'k', main: 'hit', shadow: 'miss' },
    ]);
  });

  test('the promise of a store that keeps the contract is handed on', () => {
    const promise = Promise.resolve({ kind: 'notFound' } as const);
    const inner = reliable({ name: 'x', parts: [], execute: () => promise, close: async () => undefined });
    const store = shadowed(inner, memory(), { share: 1, compare: true });
    expect(store.execute({ kind: 'get', key: 'k', deadline: 1 })).toBe(promise);
  });

  test.each<[object, RegExp]>([
    [{}, /'share' is undefined/],
    [{ share: 1.5 }, /'share' is 1.5/],
    [{ share: 1, by: 'server' }, /'by' is 'server'/],
    [{ share: 1, by: 'request', compare: true }, /'by' is 'request', but must be one of 'key'/],
    [{ share: 1, outstanding: 0 }, /'outstanding' is 0/],
  ])('%j is refused', (options, saying) => {
    expect(() => shadowed(memory(), memory(), options as ShadowedOptions)).toThrow(saying);
  });
});
