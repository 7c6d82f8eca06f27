import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GivenList } from '../../../test/routes/fleet/fleet.ts';
import { withoutMemcached } from '../../../test/servers/real-memcached.ts';
import { realRuntime } from '../../core/runtime.ts';
import type { Operation, Reply, Store } from '../../core/store.ts';
import type { Member } from '../../routes/server-list/server-list.ts';
import { type MemcachedServer, startMemcached } from '../../testing/memcached-server.ts';
import { memcached } from './memcached.ts';

describe.skipIf(withoutMemcached)('the journal, and a list that changes', () => {
  let servers: readonly MemcachedServer[] = [];
  beforeAll(async () => {
    servers = await Promise.all(Array.from({ length: 3 }, async () => await startMemcached()));
  });
  afterAll(async () => {
    await Promise.all(servers.map(async (server) => await server.stop()));
  });
  const member = (id: string, at: number): Member => ({ id, address: servers[at]!.address, weight: 1 });
  const pause = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void setTimeout(resolve, milliseconds));
  const removed = async (store: Store, key: string): Promise<Reply> =>
    await store.execute({ kind: 'delete', key, deadline: realRuntime.clock.read() + 2000 } as Operation);

  test.each([
    ['that left and came back', 1],
    ['whose address changed', 2],
  ] as const)('a server %s is still repaired once its former store is closed', async (_, place) => {
    const list = new GivenList([member('a', 0), member('b', 1)]);
    const store = memcached({ servers: list, timeout: '100ms', drain: '50ms', poolName: `again-${place}` });
    const key = ownedBy(store, servers[1]!.address);
    while ((await removed(store, key)).kind === 'failed') await pause(10);
    if (place === 1) list.set([member('a', 0)]);
    list.set([member('a', 0), member('b', place)]);
    while ((await removed(store, key)).kind === 'failed') await pause(10);
    // The former store is closed.
    await pause(200);
    servers[place]!.frozen();
    await pause(50);
    expect(await removed(store, key)).toMatchObject({ kind: 'failed' });
    servers[place]!.thawed();
    await expect.poll(() => store.journal()!.pending, { timeout: 5000 }).toBe(0);
    await store.close();
  });
});

/** A key that is placed on the server with this address. */
function ownedBy(store: Store, address: string): string {
  for (let index = 0; ; index++) {
    const operation: Operation = { kind: 'get', key: `k${index}`, deadline: 1 };
    const [owner] = store.parts[0]!.destinations!(operation);
    if (owner!.store.name.endsWith(address)) return operation.key;
  }
}
