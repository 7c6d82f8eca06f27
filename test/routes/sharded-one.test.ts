import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { sharded } from '../../src/routes/sharded.ts';
import { abc, type Changing, changing, deadline, get, keys, partOf } from './changing-pool.ts';
import { GivenList, memberOf } from './fleet/fleet.ts';
import { ask, said, setOf, world } from './wire.ts';

/** Where a get is really sent, which is where `destinations` says that it goes. */
async function servedBy(pool: Changing, key: string, how: object = {}): Promise<string> {
  for (const wire of pool.made) wire.asked.length = 0;
  await ask(pool.runtime, pool.store, get(key, how));
  const asked = pool.made.filter((wire) => wire.asked.length > 0).map((wire) => wire.name);
  expect(asked).toEqual([partOf(pool.store, get(key, how))]);
  return asked[0]!;
}

const spans = 61_000;

describe('a list of one server', () => {
  test.each([
    {},
    { salt: 'salt' },
    { placement: 'ketama' },
    { routingKey: (key: string) => key.slice(0, 4) },
  ] as const)('%o: everything goes to it, whatever it was before and after', async (options) => {
    const pool = changing([abc[0]!], options);
    const steps = [['a'], ['a', 'b', 'c'], ['c'], ['b'], ['b', 'd'], ['d'], ['a']];
    for (const waits of [true, false])
      for (const ids of steps) {
        pool.list.set(ids.map((id) => memberOf(id)));
        if (waits) await pool.runtime.advance(spans);
        const ways = [{}, { copy: 0 }, { copy: 1 }, { copy: 7 }, { routingKey: 'r' }];
        const served = new Set<string>();
        for (const how of ways)
          for (const key of keys.slice(0, 20)) served.add(await servedBy(pool, key, how));
        expect([...served].toSorted()).toEqual(ids);
      }
    await pool.runtime.until(pool.store.close());
  });

  test('a CAS that one server gave names nothing on the one that took its place', async () => {
    const pool = changing([abc[0]!]);
    const { runtime, store, list } = pool;
    await ask(runtime, store, setOf('k', 'first'));
    const found = await ask(runtime, store, get('k'));
    if (found.kind !== 'hit') throw new Error(found.kind);
    list.set([abc[1]!]);
    await ask(runtime, store, setOf('k', 'second'));
    const late = { ...setOf('k', 'third', { cas: found.cas }), deadline };
    expect((await ask(runtime, store, late)).kind).toBe('conflict');
    expect(said(await ask(runtime, store, get('k')))).toBe('second');
  });

  test('one that throws costs a failed reply', async () => {
    const { runtime } = world(0);
    const bad: Store = {
      name: 'bad',
      parts: [],
      execute: () => {
        throw new Error('thrown');
      },
      close: async () => undefined,
    };
    const store = sharded({ servers: new GivenList([abc[0]!]), make: () => bad, runtime });
    expect(await ask(runtime, store, get('k'))).toMatchObject({ kind: 'failed', applied: 'unknown' });
    expect(await ask(runtime, store, undefined as never)).toMatchObject({ kind: 'failed' });
    expect((await store.execute(undefined as never)).kind).toBe('failed');
  });
});
