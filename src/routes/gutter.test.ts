import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, type Asked, said, setOf, type Wire, world } from '../../test/routes/wire.ts';
import type { HitReply, MissReply, Reply, Store } from '../core/store.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import { gutter, type GutterOptions } from './gutter.ts';

routeContract('gutter', 2, ([main, spare]) => gutter(main!, spare!));

interface Rig {
  readonly runtime: FakeRuntime;
  readonly main: Wire;
  readonly spare: Wire;
  readonly store: Store;
  readonly tell: (operation: Asked) => Promise<Reply>;
}

function rig(options: GutterOptions = {}): Rig {
  const { runtime, wires } = world(2);
  const [main, spare] = wires as [Wire, Wire];
  const store = gutter(main, spare, options);
  return { runtime, main, spare, store, tell: async (operation) => await ask(runtime, store, operation) };
}

const lease = { kind: 'get', key: 'k', lease: 5000 } as const;

/** Fills the gutter, while the main pool is down, as a cache does: by the lease that it gave. */
async function fill({ main, tell }: Rig, value: string): Promise<void> {
  main.down();
  const { cas } = (await tell(lease)) as MissReply;
  expect(await tell(setOf('k', value, { cas }))).toMatchObject({ kind: 'stored' });
  main.up();
}

describe('gutter', () => {
  test('a miss of the main pool is an answer: the gutter is not asked', async () => {
    const { spare, tell } = rig();
    expect(await tell(lease)).toMatchObject({ kind: 'miss', lease: 'won' });
    expect(spare.asked).toEqual([]);
  });

  test('a failed get is asked in the gutter, and what it gave a lease for is filled there alone', async () => {
    const { main, spare, tell } = rig();
    main.down();
    const won = (await tell(lease)) as MissReply;
    expect(won).toMatchObject({ kind: 'miss', lease: 'won', cas: expect.stringMatching(/^1:/) as string });
    expect(await tell(lease)).toEqual({ kind: 'miss', lease: 'lost', cas: won.cas });
    main.kinds();
    expect((await tell(setOf('k', 'loaded', { cas: won.cas }))).kind).toBe('stored');
    expect(main.kinds()).toEqual([]);
    expect(said(await tell(lease))).toBe('loaded');
    main.up();
    expect((await tell(lease)).kind).toBe('miss');
    expect(spare.kinds()).toEqual(['get', 'get', 'set', 'get']);
  });

  test('a lease of the main pool is never filled in the gutter, even if the pool has failed since', async () => {
    const { main, spare, tell } = rig();
    const { cas } = (await tell(lease)) as MissReply;
    main.down();
    expect((await tell(setOf('k', 'v', { cas }))).kind).toBe('failed');
    expect((await tell({ kind: 'release', key: 'k', right: 'lease', cas })).kind).toBe('failed');
    expect(spare.asked).toEqual([]);
  });

  test('no entry of the gutter lives longer than the ceiling, whatever is asked for', async () => {
    const own = rig({ ttl: '4s' });
    await fill(own, 'v');
    own.main.down();
    const hit = (await own.tell({ kind: 'get', key: 'k' })) as HitReply;
    expect(hit).toMatchObject({ freshFor: 4000, expiresIn: 4000 });
    // Neither a get that touches nor a touch lengthens it.
    await own.runtime.advance(3000);
    expect(said(await own.tell({ kind: 'get', key: 'k', touch: { freshFor: 60_000, staleFor: 0 } }))).toBe(
      'v',
    );
    const touch: Asked = { kind: 'touch', key: 'k', life: { freshFor: 60_000, staleFor: 0 } };
    expect((await own.tell(touch)).kind).toBe('failed');
    await own.runtime.advance(1000);
    expect((await own.tell({ kind: 'get', key: 'k' })).kind).toBe('miss');
  });

  test('a threshold above the ceiling does not reload an entry without end', async () => {
    const own = rig({ ttl: '10s' });
    await fill(own, 'v');
    own.main.down();
    const recache: Asked = { kind: 'get', key: 'k', recache: 3_600_000 };
    expect(await own.tell(recache)).toMatchObject({ kind: 'hit', claim: 'none' });
    await own.runtime.advance(9100);
    expect(await own.tell(recache)).toMatchObject({ kind: 'hit', claim: 'won' });
    expect(await own.tell(recache)).toMatchObject({ kind: 'hit', claim: 'lost' });
  });

  test.each<[string, Asked]>([
    ['a delete', { kind: 'delete', key: 'k' }],
    ['a plain set', setOf('k', 'new')],
    ['an add', setOf('k', 'new', { mode: 'add' })],
    ['a count', { kind: 'count', key: 'k', delta: 1n }],
    [
      'a touch to a shorter life than the ceiling',
      { kind: 'touch', key: 'k', life: { freshFor: 1, staleFor: 0 } },
    ],
  ])('%s removes what the gutter has of it, also when the main pool fails', async (_name, change) => {
    for (const down of [false, true]) {
      const own = rig();
      await fill(own, 'old');
      if (down) own.main.down();
      await own.tell(change);
      own.main.down();
      expect((await own.tell(lease)).kind).toBe('miss');
    }
  });

  test('a mark of staleness reaches the gutter, too, for no longer than its ceiling', async () => {
    const own = rig({ ttl: '5s' });
    await fill(own, 'old');
    await own.tell({ kind: 'delete', key: 'k', staleFor: 60_000 });
    own.main.down();
    expect(await own.tell({ kind: 'get', key: 'k' })).toMatchObject({
      marked: true,
      claim: 'won',
      expiresIn: 5000,
    });
  });

  test('a fill that was under way in the gutter is refused after a delete', async () => {
    const own = rig();
    own.main.down();
    const { cas } = (await own.tell(lease)) as MissReply;
    own.main.up();
    await own.tell({ kind: 'delete', key: 'k' });
    expect((await own.tell(setOf('k', 'old', { cas }))).kind).toBe('notFound');
  });

  test('an invalidation is confirmed by both, or not at all', async () => {
    const { main, spare, tell } = rig();
    const remove: Asked = { kind: 'delete', key: 'k' };
    expect((await tell(remove)).kind).toBe('notFound');
    spare.fate = () => 'unsent';
    expect(await tell(remove)).toMatchObject({ kind: 'failed', applied: 'unknown' });
    spare.up();
    main.down();
    expect(await tell(remove)).toMatchObject({ kind: 'failed', applied: 'no' });
  });

  test('a longer touch, a fill and a copy are none of the gutter’s business', async () => {
    const { main, spare, tell } = rig();
    await tell({ kind: 'touch', key: 'k', life: { freshFor: 60_000, staleFor: 0 } });
    const { cas } = (await tell(lease)) as MissReply;
    await tell(setOf('k', 'v', { cas }));
    await tell({ kind: 'delete', key: 'k', copy: 0 });
    main.down();
    expect((await tell({ kind: 'get', key: 'k', copy: 1 })).kind).toBe('failed');
    expect(spare.asked).toEqual([]);
  });

  test('where both fail, the answer is that of the main pool', async () => {
    const { main, spare, tell } = rig();
    main.fate = () => 'lost';
    spare.down();
    expect(await tell({ kind: 'get', key: 'k' })).toMatchObject({ kind: 'failed', applied: 'unknown' });
    expect(main.kinds()).toEqual(['get']);
    expect(spare.kinds()).toEqual(['get']);
  });

  test('options are checked: salts that do not differ, a ceiling of nothing, unknown names', () => {
    const { main, spare } = rig();
    const wrong = (make: () => unknown): void =>
      expect(make).toThrow(expect.objectContaining({ code: 'CISTERN_OPTION' }) as Error);
    main.salt = spare.salt = 'a';
    wrong(() => gutter(main, spare));
    spare.salt = 'b';
    expect(gutter(main, spare).name).toBe('gutter');
    wrong(() => gutter(main, spare, { ttl: 0 }));
    wrong(() => gutter(main, spare, { tll: 5 } as GutterOptions));
    wrong(() => gutter(main, undefined as unknown as Store));
    expect(gutter(main, spare, { name: 'spare' }).name).toBe('spare');
  });
});
