import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { abc, bcd, changing, deadline, get, keys, partOf } from '../../test/routes/changing-pool.ts';
import { GivenList, memberOf } from '../../test/routes/fleet/fleet.ts';
import { ask, said, setOf, Wire, world } from '../../test/routes/wire.ts';
import type { Events } from '../core/events.ts';
import type { Store } from '../core/store.ts';
import { nothing } from '../stores/nothing.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import { sharded } from './sharded.ts';
import type { Member } from './server-list/server-list.ts';

let told: Events['servers'][] = [];
const listener = (message: unknown): void => void told.push(message as Events['servers']);
afterEach(() => {
  unsubscribe('cistern:servers', listener);
  told = [];
});

describe('a list that changes', () => {
  test('moves the keys of those who go and come, and makes stores for them alone', async () => {
    const { store, list, made, runtime } = changing(abc);
    const before = keys.map((key) => partOf(store, get(key)));
    for (const key of keys) await ask(runtime, store, setOf(key, key));
    list.set(bcd);
    const after = keys.map((key) => partOf(store, get(key)));
    expect(made.map((wire) => wire.name)).toEqual(['a', 'b', 'c', 'd']);
    expect(store.parts.map((part) => part.name)).toEqual(['b', 'c', 'd']);
    for (const [index, key] of keys.entries()) {
      const moved = before[index] !== after[index];
      if (moved) expect(before[index] === 'a' || after[index] === 'd').toBe(true);
      expect(said(await ask(runtime, store, get(key)))).toBe(moved ? 'miss' : key);
    }
  });

  test('drops no request: what is pending at one that leaves is answered, and then it is closed', async () => {
    const { store, list, made, runtime } = changing(abc, { drain: '2s' });
    const answers = keys.map((key) => store.execute({ ...get(key), deadline: runtime.clock.read() + 1000 }));
    list.set(bcd);
    for (const answer of answers) expect((await runtime.until(answer)).kind).toBe('miss');
    const [a] = made;
    await runtime.advance(1990);
    expect(a!.closed).toBe(0);
    await runtime.advance(20);
    expect(made.map((wire) => wire.closed)).toEqual([1, 0, 0, 0]);
    await runtime.until(store.close());
    expect(made.map((wire) => wire.closed)).toEqual([1, 1, 1, 1]);
  });

  test('one that comes back before it is closed gets a new store, and its place', async () => {
    const { store, list, made, runtime } = changing(abc);
    const before = keys.map((key) => partOf(store, get(key)));
    list.set(bcd);
    list.set(abc);
    expect(keys.map((key) => partOf(store, get(key)))).toEqual(before);
    expect(made.map((wire) => wire.name)).toEqual(['a', 'b', 'c', 'd', 'a']);
    await runtime.until(store.close());
    expect(made.map((wire) => wire.closed)).toEqual([1, 1, 1, 1, 1]);
    await runtime.until(store.close());
    expect(runtime.timers).toBe(0);
  });

  test('another address is another store in the same place; another weight the same store', () => {
    const { store, list, made } = changing(abc);
    const before = keys.map((key) => partOf(store, get(key)));
    list.set([abc[0]!, { ...abc[1]!, address: 'elsewhere:1' }, abc[2]!]);
    expect(keys.map((key) => partOf(store, get(key)))).toEqual(before);
    expect(made.map((wire) => wire.name)).toEqual(['a', 'b', 'c', 'b']);
    expect(store.parts[1]).toBe(made[3]);
    list.set([{ ...abc[0]!, weight: 3 }, { ...abc[1]!, address: 'elsewhere:1' }, abc[2]!]);
    expect(made.length).toBe(4);
    expect(keys.filter((key) => partOf(store, get(key)) === 'a').length).toBeGreaterThan(90);
  });

  test('a member for which no store can be made leaves everything as it was', async () => {
    subscribe('cistern:servers', listener);
    const made: Wire[] = [];
    const { wires, runtime } = world(3);
    const list = new GivenList(abc);
    const make = ({ id }: Member): Store => {
      if (id === 'x') throw new Error('no such address');
      const wire = wires.find((each) => each.name === id) ?? new Wire(id, nothing());
      made.push(wire);
      return wire;
    };
    const store = sharded({ servers: list, make, runtime });
    const before = keys.map((key) => partOf(store, get(key)));
    list.set([...bcd, memberOf('x')]);
    expect(keys.map((key) => partOf(store, get(key)))).toEqual(before);
    expect(made.map((wire) => [wire.name, wire.closed])).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 0],
      ['d', 1],
    ]);
    expect(told.at(-1)).toMatchObject({ servers: ['a', 'b', 'c'], error: { message: 'no such address' } });
    list.set(bcd);
    expect(store.parts.map((part) => part.name)).toEqual(['b', 'c', 'd']);
    await runtime.until(store.close());
  });

  test('before it is known, operations fail, and what they invalidated is deleted then', async () => {
    const { store, list, runtime } = changing([]);
    const part = changing(abc, {}).store;
    expect(store.parts).toEqual([]);
    expect(store.destinations!(get('k'))).toEqual([]);
    for (const operation of [get('k'), setOf('k', 'v'), { kind: 'delete' as const, key: 'k' }])
      expect(await ask(runtime, store, operation as never)).toMatchObject({
        kind: 'failed',
        applied: 'no',
        error: { code: 'CISTERN_UNAVAILABLE' },
      });
    list.set(abc);
    await runtime.advance(1);
    const asked = store.parts.flatMap((each) => (each as Wire).asked);
    expect(asked).toEqual([{ kind: 'delete', key: 'k', deadline }]);
    expect(said(await ask(runtime, store, get('k')))).toBe('miss');
    await Promise.all([runtime.until(store.close()), part.close()]);
  });

  test('closed before it was ever known', async () => {
    const { store, list, runtime } = changing([]);
    await runtime.until(store.close());
    expect(await store.execute(get('k'))).toMatchObject({
      kind: 'failed',
      error: { code: 'CISTERN_CLOSED' },
    });
    list.set(abc);
    expect(store.parts).toEqual([]);
  });
});

/** A key of the server that leaves, and one that does not move. */
function movedKey(before: Store, after: Store): { moved: string; kept: string } {
  const moved = keys.find((key) => partOf(before, get(key)) === 'a');
  const kept = keys.find((key) => partOf(before, get(key)) === partOf(after, get(key)));
  return { moved: moved!, kept: kept! };
}

async function leaseOf(runtime: FakeRuntime, store: Store, key: string): Promise<string> {
  const reply = await ask(runtime, store, { kind: 'get', key, lease: 30_000 });
  expect(reply).toMatchObject({ kind: 'miss', lease: 'won' });
  return (reply as { cas: string }).cas;
}

describe('rights that were won before a change', () => {
  const { moved, kept } = movedKey(changing(abc).store, changing(bcd).store);

  test('name nothing on the server that a key has moved to, though the numbers are the same', async () => {
    const { store, list, runtime } = changing(abc);
    const old = await leaseOf(runtime, store, moved);
    const oldKept = await leaseOf(runtime, store, kept);
    list.set(bcd);
    const young = await leaseOf(runtime, store, moved);
    const number = (cas: string): string => cas.slice(cas.indexOf('@') + 1);
    expect(number(young)).toBe(number(old));
    for (const operation of [
      setOf(moved, 'old', { cas: old }),
      { kind: 'delete' as const, key: moved, cas: old },
      { kind: 'release' as const, key: moved, right: 'lease' as const, cas: old },
    ])
      expect(said(await ask(runtime, store, operation))).toBe('conflict');
    expect(said(await ask(runtime, store, setOf(moved, 'new', { cas: young })))).toBe('stored');
    expect(said(await ask(runtime, store, setOf(kept, 'kept', { cas: oldKept })))).toBe('stored');
    expect(said(await ask(runtime, store, get(moved)))).toBe('new');
  });

  test('and back again', async () => {
    const { store, list, runtime } = changing(abc);
    const first = await leaseOf(runtime, store, moved);
    list.set(bcd);
    const second = await leaseOf(runtime, store, moved);
    list.set(abc);
    expect(said(await ask(runtime, store, setOf(moved, 'v', { cas: second })))).toBe('conflict');
    // The same server, but by another store: nobody knows what became of it meanwhile.
    expect(said(await ask(runtime, store, setOf(moved, 'v', { cas: first })))).toBe('conflict');
  });

  test('are marked for a minute, and handed on as they are after that', async () => {
    const { store, list, runtime } = changing(abc);
    list.set(bcd);
    await runtime.advance(59_000);
    expect(await leaseOf(runtime, store, moved)).toMatch(/@\d+$/);
    expect(await leaseOf(runtime, store, kept)).toMatch(/^\d+$/);
    await runtime.advance(40_000);
    expect(await leaseOf(runtime, store, moved)).toMatch(/^\d+$/);
    await runtime.until(store.close());
  });

  test('any mark that somebody makes up names nothing', async () => {
    const { store, list, runtime } = changing(abc);
    list.set(bcd);
    const cas = await leaseOf(runtime, store, moved);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.constantFrom(cas.slice(1), `${cas} `, cas.replace('@', '@0'), `1:${cas}`)),
        async (wrong) => {
          fc.pre(wrong !== cas);
          const reply = await ask(runtime, store, {
            kind: 'release',
            key: moved,
            right: 'lease',
            cas: wrong,
          });
          expect(said(reply)).toBe('conflict');
        },
      ),
      { numRuns: 50 },
    );
  });
});
