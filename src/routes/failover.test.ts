import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, type Asked, said, setOf, type Wire, world } from '../../test/routes/wire.ts';
import type { HitReply, MissReply, Reply } from '../core/store.ts';
import { memory } from '../stores/memory/memory.ts';
import { failover, type FailoverOptions } from './failover.ts';

routeContract('failover', 2, (parts) => failover(parts));

interface Rig {
  readonly wires: readonly [Wire, Wire, Wire];
  readonly tell: (operation: Asked) => Promise<Reply>;
}

function rig(options: FailoverOptions = {}): Rig {
  const { runtime, wires } = world(3);
  const store = failover(wires, options);
  return {
    wires: wires as unknown as Rig['wires'],
    tell: async (operation) => await ask(runtime, store, operation),
  };
}

const get: Asked = { kind: 'get', key: 'k' };
const lease: Asked = { kind: 'get', key: 'k', lease: 5000 };

describe('failover', () => {
  test('a get is asked in the next part while those before it fail, each of them once', async () => {
    const { wires, tell } = rig();
    const [a, b, c] = wires;
    expect((await tell(get)).kind).toBe('miss');
    expect([a.kinds(), b.kinds(), c.kinds()]).toEqual([['get'], [], []]);
    a.down();
    b.down();
    expect((await tell(get)).kind).toBe('miss');
    expect([a.kinds(), b.kinds(), c.kinds()]).toEqual([['get'], ['get'], ['get']]);
    c.fate = () => 'lost';
    expect(await tell(get)).toMatchObject({ kind: 'failed', applied: 'no' });
  });

  test('what a part gave a lease for is filled there, and removed from the others', async () => {
    const { wires, tell } = rig();
    const [a, b, c] = wires;
    a.down();
    const { cas } = (await tell(lease)) as MissReply;
    a.up();
    expect((await tell(setOf('k', 'v', { cas }))).kind).toBe('stored');
    expect((await tell(get)).kind).toBe('miss');
    a.down();
    expect(said(await tell(get))).toBe('v');
    a.up();
    for (const wire of wires) wire.kinds();
    const filled = (await tell(lease)) as MissReply;
    expect((await tell(setOf('k', 'w', { cas: filled.cas }))).kind).toBe('stored');
    expect([a.kinds(), b.kinds(), c.kinds()]).toEqual([['get', 'set'], ['delete'], ['delete']]);
    a.down();
    expect((await tell(get)).kind).toBe('miss');
  });

  test.each<[string, Asked]>([
    ['a delete', { kind: 'delete', key: 'k' }],
    ['a mark of staleness', { kind: 'delete', key: 'k', staleFor: 1000 }],
    ['a touch', { kind: 'touch', key: 'k', life: { freshFor: 10, staleFor: 0 } }],
  ])('%s goes to every part, and is confirmed by all or not at all', async (_what, operation) => {
    const { wires, tell } = rig();
    const [a, b, c] = wires;
    expect((await tell(operation)).kind).toBe('notFound');
    expect([a.kinds(), b.kinds(), c.kinds()]).toEqual([[operation.kind], [operation.kind], [operation.kind]]);
    b.down();
    c.fate = () => 'lost';
    expect(await tell(operation)).toMatchObject({ kind: 'failed', applied: 'unknown' });
    c.up();
    expect(await tell(operation)).toMatchObject({ kind: 'failed', applied: 'no' });
  });

  test.each<[string, Asked]>([
    ['set', setOf('k', 'new')],
    ['add', setOf('k', 'new', { mode: 'add' })],
    [
      'count',
      { kind: 'count', key: 'k', delta: 1n, initial: { value: 1n, life: { freshFor: 9, staleFor: 0 } } },
    ],
  ])('a plain %s that fails fails, and leaves nothing older elsewhere', async (_what, operation) => {
    const { wires, tell } = rig();
    const [a] = wires;
    a.down();
    const { cas } = (await tell(lease)) as MissReply;
    await tell(setOf('k', 'old', { cas }));
    expect((await tell(operation)).kind).toBe('failed');
    expect((await tell(get)).kind).toBe('miss');
  });

  test('with writes it is made in the next part that has nothing older any more', async () => {
    const { wires, tell } = rig({ writes: true });
    const [a, b, c] = wires;
    a.down();
    b.down();
    expect((await tell(setOf('k', 'new'))).kind).toBe('stored');
    expect([a.kinds(), b.kinds(), c.kinds()]).toEqual([['set'], ['delete'], ['delete', 'set']]);
    expect(said(await tell(get))).toBe('new');
    const { cas } = (await tell(get)) as HitReply;
    b.up();
    c.down();
    expect((await tell(setOf('k', 'newer', { cas }))).kind).toBe('failed');
    expect((await tell(get)).kind).toBe('miss');
    for (const wire of wires) wire.down();
    expect((await tell(setOf('k', 'new'))).kind).toBe('failed');
  });

  test('an operation that is wrong in itself is tried once', async () => {
    const { wires, tell } = rig({ writes: true });
    expect((await tell({ kind: 'get', key: 'a b' })).kind).toBe('failed');
    expect((await tell({ kind: 'get', key: 'k', lease: -1 })).kind).toBe('failed');
    expect(wires.map((wire) => wire.kinds())).toEqual([['get', 'get'], [], []]);
  });

  test('the copies of a record are spread over the parts, and each is there alone', async () => {
    const { wires, tell } = rig();
    for (const copy of [0, 1, 2, 4])
      expect((await tell({ ...setOf('k', 'v'), copy } as Asked)).kind).toBe('stored');
    expect(wires.map((wire) => wire.asked.map((operation) => operation.copy))).toEqual([[0], [0, 1], [0]]);
    const { cas } = (await tell({ ...get, copy: 1 })) as HitReply;
    expect((await tell({ ...setOf('k', 'w', { cas }), copy: 1 } as Asked)).kind).toBe('stored');
    expect((await tell({ kind: 'delete', key: 'k', copy: 2 })).kind).toBe('stored');
    wires[0].down();
    expect((await tell({ ...get, copy: 0 })).kind).toBe('failed');
    expect(said(await tell({ ...get, copy: 1 }))).toBe('w');
    expect(wires.map((wire) => wire.kinds())).toEqual([
      ['set', 'get'],
      ['set', 'set', 'get', 'set', 'get'],
      ['set', 'delete'],
    ]);
  });

  test('one part is itself; options are checked', () => {
    const store = memory();
    expect(failover([store])).toBe(store);
    const wrong = (make: () => unknown): void =>
      expect(make).toThrow(expect.objectContaining({ code: 'CISTERN_OPTION' }) as Error);
    wrong(() => failover([]));
    wrong(() => failover([store, store]));
    wrong(() => failover([store], { writes: 1 } as unknown as FailoverOptions));
    wrong(() => failover([store], { write: true } as FailoverOptions));
    wrong(() => failover([store], { name: '' }));
  });
});
