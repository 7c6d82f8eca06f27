import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GivenList } from '../../../test/routes/fleet/fleet.ts';
import { withoutMemcached } from '../../../test/servers/real-memcached.ts';
import { realRuntime } from '../../core/runtime.ts';
import type { Operation, Reply, Store } from '../../core/store.ts';
import type { Member } from '../../routes/server-list/server-list.ts';
import { type MemcachedServer, startMemcached } from '../../testing/memcached-server.ts';
import { storeContract } from '../../testing/store-contract.ts';
import { memcached, type MemcachedOptions } from './memcached.ts';

const timeout = '5s';
const life = { freshFor: 600_000, staleFor: 0 };

describe.skipIf(withoutMemcached)('several servers', () => {
  let servers: readonly MemcachedServer[] = [];
  beforeAll(async () => {
    servers = await Promise.all(Array.from({ length: 4 }, async () => await startMemcached()));
  });
  afterAll(async () => {
    await Promise.all(servers.map(async (server) => await server.stop()));
  });
  const addresses = (): string[] => servers.map(({ address }) => address);

  const journaled = {
    'an operation whose deadline has passed fails, and nothing is changed':
      'a set that was not sent is a lost invalidation: what it should have replaced is removed',
  };
  const pools: readonly (readonly [string, Partial<MemcachedOptions>, Record<string, string>])[] = [
    ['with fence and journal', {}, journaled],
    ['as other clients use them', { fence: false, journal: false, placement: 'uhashring' }, {}],
  ];
  for (const [name, options, deviations] of pools)
    storeContract(
      { describe, test },
      {
        name: `memcached of four, ${name}`,
        deviations,
        make: async () => ({
          store: memcached({ servers: addresses(), timeout, poolName: 'contract', ...options }),
          clock: realRuntime.clock,
          advance: async (milliseconds) =>
            await new Promise((resolve) => void setTimeout(resolve, milliseconds)),
          dispose: async () => undefined,
        }),
      },
    );

  const keys = Array.from({ length: 60 }, (_, index) => `key:${index}`);
  const ask = async (store: Store, operation: object): Promise<Reply> =>
    await store.execute({ deadline: realRuntime.clock.read() + 5000, ...operation } as Operation);
  const set = async (store: Store, key: string, value: string): Promise<Reply> =>
    await ask(store, { kind: 'set', mode: 'set', key, value: Buffer.from(value), flags: 0, life });
  const get = async (store: Store, key: string): Promise<string> => {
    const reply = await ask(store, { kind: 'get', key });
    return reply.kind === 'hit' ? Buffer.from(reply.value).toString() : reply.kind;
  };
  const memberOf = (index: number, id = `m${index}`): Member => ({
    id,
    address: addresses()[index]!,
    weight: 1,
  });

  test('every key has one server, and each server some', async () => {
    const store = memcached({ servers: addresses(), timeout, poolName: 'spread' });
    await Promise.all(keys.map(async (key) => await set(store, key, key)));
    for (const key of keys) expect(await get(store, key)).toBe(key);
    const leaves = store.parts[0]!.parts;
    expect(leaves.map((leaf) => leaf.name)).toEqual(addresses().map((address) => `memcached ${address}`));
    const used = keys.map(
      (key) => store.parts[0]!.destinations!({ kind: 'get', key, deadline: 1 })[0]!.store,
    );
    expect(new Set(used).size).toBe(4);
    await store.close();
  });

  /** Changes the ring of a running process, and waits until what has to be written down is. */
  async function change(list: GivenList, store: Store, members: readonly Member[]): Promise<void> {
    list.set(members);
    for (let attempt = 0; attempt < 500; attempt++) {
      const replies = await Promise.all(keys.map(async (key) => await get(store, key)));
      if (!replies.includes('failed')) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error('the change is not confirmed');
  }

  test.each(['rendezvous', 'ketama', 'modulo'] as const)(
    '%s: a server that comes back does not answer what it kept, nor do those who had its keys before',
    async (placement) => {
      const [a, b, c] = [memberOf(0), memberOf(1), memberOf(2)];
      const list = new GivenList([a, b, c]);
      const store = memcached({ servers: list, timeout, placement, poolName: `back-${placement}` });
      const settled = async (value: string): Promise<void> => {
        const replies = await Promise.all(keys.map(async (key) => await set(store, key, value)));
        expect(replies.every((reply) => reply.kind === 'stored')).toBe(true);
      };
      await settled('three');
      await change(list, store, [a, b]);
      for (const key of keys) expect(['three', 'miss']).toContain(await get(store, key));
      await settled('two');
      await change(list, store, [a, b, c]);
      for (const key of keys) expect(['two', 'miss']).toContain(await get(store, key));
      await settled('three again');
      await change(list, store, [a, b]);
      for (const key of keys) expect(['three again', 'miss']).toContain(await get(store, key));
      await store.close();
    },
  );

  test('a change costs the keys that it moves, and no others', async () => {
    const all = [0, 1, 2, 3].map((index) => memberOf(index));
    const list = new GivenList(all);
    const store = memcached({ servers: list, timeout, poolName: 'cost' });
    const owners = keys.map(
      (key) => store.parts[0]!.destinations!({ kind: 'get', key, deadline: 1 })[0]!.store.name,
    );
    await Promise.all(keys.map(async (key) => await set(store, key, 'v')));
    const left = owners.filter((owner) => owner.endsWith(all[3]!.address)).length;
    await change(list, store, all.slice(0, 3));
    const misses = async (): Promise<number> =>
      (await Promise.all(keys.map(async (key) => await get(store, key)))).filter((each) => each === 'miss')
        .length;
    expect(await misses()).toBe(left);
    await Promise.all(keys.map(async (key) => await set(store, key, 'v')));
    await change(list, store, all);
    expect(await misses()).toBe(left);
    await store.close();
  });

  test('a process that starts with another list than the one before does what a change does', async () => {
    const [a, b, c] = [memberOf(0), memberOf(1), memberOf(2)];
    const run = async (
      members: readonly Member[],
      value: string,
      before: readonly string[],
    ): Promise<void> => {
      const list = new GivenList(members);
      const store = memcached({ servers: list, timeout, poolName: 'restarts' });
      await change(list, store, members);
      for (const key of keys) expect(before).toContain(await get(store, key));
      await Promise.all(keys.map(async (key) => await set(store, key, value)));
      for (const key of keys) expect(await get(store, key)).toBe(value);
      await store.close();
    };
    await run([a, b, c], '1', ['miss']);
    await run([a, b], '2', ['1', 'miss']);
    await run([a, b, c], '3', ['2', 'miss']);
    await run([b, c], '4', ['3', 'miss']);
    await run([a, b], '5', ['4', 'miss']);
    await run([a, b, c], '6', ['5', 'miss']);
    // Nothing has changed: nothing is lost.
    await run([a, b, c], '7', ['6']);
  });

  test('a list that has not been read yet, servers that are refused, and closing', async () => {
    const list = new GivenList([]);
    const store = memcached({ servers: list, timeout, poolName: 'late' });
    expect(await get(store, 'k')).toBe('failed');
    list.set([memberOf(0), { id: 'x', address: 'nowhere', weight: 1 }]);
    expect(await get(store, 'k')).toBe('failed');
    list.set([memberOf(0), memberOf(1)]);
    expect(await get(store, 'k')).toBe('miss');
    await store.close();
    expect(await ask(store, { kind: 'get', key: 'k' })).toMatchObject({ error: { code: 'CISTERN_CLOSED' } });
  });
});
