import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, type Asked, said, setOf, type Wire, world } from '../../test/routes/wire.ts';
import type { HitReply, MissReply, Reply, Store } from '../core/store.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import { memory } from '../stores/memory/memory.ts';
import { missFailover } from './miss-failover.ts';

routeContract('missFailover', 2, (parts) => missFailover(parts));

interface Rig {
  readonly runtime: FakeRuntime;
  readonly small: Wire;
  readonly large: Wire;
  readonly stores: readonly Store[];
  readonly tell: (operation: Asked) => Promise<Reply>;
}

function rig(): Rig {
  const { runtime, wires, stores } = world(2);
  const [small, large] = wires as [Wire, Wire];
  const store = missFailover([small, large]);
  return { runtime, small, large, stores, tell: async (operation) => await ask(runtime, store, operation) };
}

const get: Asked = { kind: 'get', key: 'k' };
const lease: Asked = { kind: 'get', key: 'k', lease: 5000 };

describe('missFailover', () => {
  test('a miss is looked for in the next part, and a lease won before is given back', async () => {
    const { runtime, small, large, stores, tell } = rig();
    await ask(runtime, stores[1]!, setOf('k', 'large'));
    const hit = (await tell(lease)) as HitReply;
    expect([said(hit), hit.cas]).toEqual(['large', expect.stringMatching(/^1:/) as string]);
    await runtime.settle();
    expect([small.kinds(), large.kinds()]).toEqual([['get', 'release'], ['get']]);
    expect(await ask(runtime, stores[0]!, lease)).toMatchObject({ lease: 'won' });
  });

  test('where no part has it, the first miss is the answer, and its lease is filled there', async () => {
    const { small, large, tell } = rig();
    const won = (await tell(lease)) as MissReply;
    expect(won.lease).toBe('won');
    expect(large.asked).toEqual([expect.not.objectContaining({ lease: 5000 })]);
    expect((await tell(lease)) as MissReply).toMatchObject({ lease: 'lost', cas: won.cas });
    expect((await tell(setOf('k', 'v', { cas: won.cas }))).kind).toBe('stored');
    expect(small.kinds()).toEqual(['get', 'get', 'set']);
    expect(large.kinds()).toEqual(['get', 'get', 'delete']);
    expect(said(await tell(get))).toBe('v');
    expect(large.asked).toEqual([]);
  });

  test('a failure leads to the next part, too, with the lease', async () => {
    const { small, tell } = rig();
    small.down();
    const { lease: claim, cas } = (await tell(lease)) as MissReply;
    expect([claim, cas]).toEqual(['won', expect.stringMatching(/^1:/) as string]);
    expect((await tell(setOf('k', 'v', { cas }))).kind).toBe('failed');
    small.up();
    expect(said(await tell(get))).toBe('v');
  });

  test('a miss with the rest failed is a miss; all failed is the first failure', async () => {
    const { small, large, tell } = rig();
    large.down();
    expect(await tell(lease)).toMatchObject({ kind: 'miss', lease: 'won' });
    small.fate = () => 'lost';
    expect(await tell(get)).toMatchObject({ kind: 'failed', applied: 'unknown' });
  });

  test('what was behind never comes back when the front has lost its entry', async () => {
    const { runtime, stores, tell } = rig();
    for (const write of [
      setOf('k', 'new'),
      { kind: 'delete', key: 'k' } as const,
      { kind: 'count', key: 'k', delta: 1n } as const,
    ]) {
      await ask(runtime, stores[0]!, setOf('k', '1'));
      await ask(runtime, stores[1]!, setOf('k', 'old'));
      await tell(write);
      await ask(runtime, stores[0]!, { kind: 'delete', key: 'k' });
      expect((await tell(get)).kind).toBe('miss');
    }
    await ask(runtime, stores[0]!, setOf('k', 'front'));
    await ask(runtime, stores[1]!, setOf('k', 'old'));
    const { cas } = (await tell(get)) as HitReply;
    expect((await tell(setOf('k', 'new', { cas }))).kind).toBe('stored');
    await ask(runtime, stores[0]!, { kind: 'delete', key: 'k' });
    expect((await tell(get)).kind).toBe('miss');
  });

  test('one part is itself; options are checked', () => {
    const store = memory();
    expect(missFailover([store])).toBe(store);
    expect(() => missFailover([])).toThrow(/'parts' is \[\]/);
    expect(() => missFailover([store], { writes: true } as object)).toThrow(/'writes' is true/);
  });
});
