import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, type Asked, life, said, setOf, type Wire, world } from '../../test/routes/wire.ts';
import type { MissReply, Operation, Reply, Store } from '../core/store.ts';
import { fakeRuntime, type FakeRuntime } from '../testing/fake-runtime.ts';
import { memory } from '../stores/memory/memory.ts';
import { chaotic, type ChaoticOptions, type ChaoticStore } from './chaotic.ts';

routeContract('chaotic, without faults', 1, ([store], runtime) => chaotic(store!, { runtime }));

interface Rig {
  readonly runtime: FakeRuntime;
  readonly wire: Wire;
  readonly bare: Store;
  readonly store: ChaoticStore;
  /** The answer, and how many milliseconds it took. */
  readonly timed: (operation: Asked) => Promise<readonly [Reply, number]>;
}

function rig(options: ChaoticOptions = {}): Rig {
  const { runtime, wires, stores } = world(1);
  const store = chaotic(wires[0]!, { runtime, ...options });
  return {
    runtime,
    wire: wires[0]!,
    bare: stores[0]!,
    store,
    async timed(operation) {
      const began = runtime.clock.read();
      const reply = await ask(runtime, store, operation);
      return [reply, runtime.clock.read() - began];
    },
  };
}

const get: Asked = { kind: 'get', key: 'k' };
const code = (code_: string): object => expect.objectContaining({ code: code_ }) as object;

describe('chaotic', () => {
  test('fails at once, unsent', async () => {
    const { wire, timed } = rig({ faults: { fail: 1 } });
    expect(await timed(get)).toEqual([
      { kind: 'failed', applied: 'no', error: code('CISTERN_UNAVAILABLE') },
      0,
    ]);
    expect(wire.asked).toEqual([]);
  });

  test('drops: nothing is carried out, and the answer is a timeout', async () => {
    const { wire, timed } = rig({ faults: { drop: 1 }, timeout: 70 });
    const dropped = { kind: 'failed', applied: 'no', error: code('CISTERN_TIMEOUT') };
    expect(await timed(setOf('k', 'v'))).toEqual([dropped, 70]);
    expect(await timed({ ...get, deadline: 1_000_090 })).toEqual([dropped, 20]);
    expect(wire.asked).toEqual([]);
  });

  test('loses answers: a write may have been applied, a read has not', async () => {
    const { runtime, bare, timed } = rig({ faults: { lose: 1 } });
    expect(await timed(setOf('k', 'v'))).toMatchObject([{ applied: 'unknown' }, 50]);
    expect(said(await ask(runtime, bare, get))).toBe('v');
    expect((await timed(get))[0]).toMatchObject({ applied: 'no' });
    expect((await timed({ ...get, touch: life } as Asked))[0]).toMatchObject({ applied: 'unknown' });
  });

  test('delays: the store is asked after a while', async () => {
    const { timed } = rig({ faults: { delay: 1, delayBy: 200 } });
    const times: number[] = [];
    for (let time = 0; time < 50; time++) {
      const [reply, took] = await timed(get);
      expect(reply.kind).toBe('miss');
      times.push(took);
    }
    expect(Math.max(...times)).toBeGreaterThan(150);
    expect(Math.min(...times)).toBeLessThan(50);
    expect(Math.max(...times)).toBeLessThanOrEqual(201);
  });

  test('may delay a request and lose its answer', async () => {
    const { runtime, bare, timed } = rig({ faults: { delay: 1, lose: 1, delayBy: 10 } });
    const [reply, took] = await timed(setOf('k', 'v'));
    expect(reply).toMatchObject({ kind: 'failed', applied: 'unknown' });
    expect(took).toBeGreaterThan(50);
    expect(said(await ask(runtime, bare, get))).toBe('v');
  });

  test('by kind of operation, about as often as it should, and the same again from the same seed', async () => {
    const run = async (seed: number): Promise<readonly string[]> => {
      const runtime = fakeRuntime({ seed });
      const store = chaotic(memory({ runtime }), { runtime, faults: { fail: 0.2 }, operations: { get: {} } });
      const kinds: string[] = [];
      for (let time = 0; time < 300; time++) {
        kinds.push((await ask(runtime, store, setOf('k', 'v'))).kind);
        expect((await ask(runtime, store, get)).kind).not.toBe('failed');
      }
      return kinds;
    };
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    const failed = first.filter((kind) => kind === 'failed').length;
    expect(failed).toBeGreaterThan(35);
    expect(failed).toBeLessThan(85);
  });

  test('is down, silent or stale as a whole, and normal again', async () => {
    const { runtime, bare, store, timed, wire } = rig();
    await timed(setOf('k', 'old'));
    store.mode = 'down';
    expect(await timed(get)).toMatchObject([{ kind: 'failed', applied: 'no' }, 0]);
    store.mode = 'silent';
    expect(await timed(get)).toMatchObject([{ kind: 'failed', applied: 'no' }, 50]);
    store.mode = 'stale';
    wire.kinds();
    for (const write of [
      { kind: 'delete', key: 'k' },
      { kind: 'touch', key: 'k', life },
      setOf('k', 'new'),
    ] as Asked[])
      expect((await timed(write))[0]).toEqual({ kind: 'stored', cas: '' });
    expect(wire.kinds()).toEqual([]);
    expect(said((await timed(get))[0])).toBe('old');
    const [won] = await timed({ kind: 'get', key: 'other', lease: 1000 });
    expect((await timed(setOf('other', 'v', { cas: (won as MissReply).cas })))[0].kind).toBe('stored');
    store.mode = 'normal';
    await timed({ kind: 'delete', key: 'k' });
    expect((await ask(runtime, bare, get)).kind).toBe('miss');
  });

  test('faults may be changed while it runs', async () => {
    const { store, timed } = rig({ faults: { fail: 1 } });
    store.suffer({});
    expect((await timed(get))[0].kind).toBe('miss');
    store.suffer({}, { delete: { fail: 1 } });
    expect((await timed({ kind: 'delete', key: 'k' }))[0].kind).toBe('failed');
    expect(() => store.suffer({ fail: 2 })).toThrow(/'fail' is 2/);
    expect((await timed({ kind: 'delete', key: 'k' }))[0].kind).toBe('failed');
  });

  test('closing settles what was dropped or delayed', async () => {
    for (const faults of [{ drop: 1 }, { delay: 1 }, { lose: 1 }]) {
      const { runtime, store } = rig({ faults, timeout: '10s' });
      const answer = store.execute({ ...get, deadline: runtime.clock.read() + 60_000 } as Operation);
      await runtime.settle();
      await runtime.until(store.close(), 10);
      expect(await answer).toMatchObject({ kind: 'failed', error: code('CISTERN_CLOSED') });
      expect(runtime.timers).toBe(0);
    }
  });

  test.each<[object, RegExp]>([
    [{ faults: { fail: 2 } }, /'fail' is 2/],
    [{ faults: { fale: 1 } }, /'fale' is 1/],
    [{ faults: { delayBy: 0 } }, /'delayBy' is 0/],
    [{ operations: { fetch: {} } }, /'operations.fetch' is .* left out: operations are get/],
    [{ mode: 'broken' }, /'mode' is 'broken'/],
    [{ timeout: 0 }, /'timeout' is 0/],
  ])('%j is refused', (options, saying) => {
    expect(() => chaotic(memory(), options)).toThrow(saying);
  });
});
