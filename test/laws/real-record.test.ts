import { afterEach, expect, test } from 'vitest';
import { type Cache, cistern, type Cistern, type Store } from '../../src/index.ts';
import { memcached } from '../../src/memcached.ts';
import type { Operation } from '../../src/core/store.ts';
import type { Member, ServerList } from '../../src/routes/server-list/server-list.ts';
import { type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';

const wait = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

const open: { close(): Promise<unknown> }[] = [];
const running: MemcachedServer[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  await Promise.all(running.splice(0).map(async (server) => await server.stop()));
});

/** A list that the test changes. */
class Members implements ServerList {
  readonly name = 'test';
  members: readonly Member[];
  readonly #changed = new Set<() => void>();

  constructor(addresses: readonly string[]) {
    this.members = addresses.map((address) => ({ id: address, address, weight: 1 }));
  }

  watch(changed: () => void): () => void {
    this.#changed.add(changed);
    return () => void this.#changed.delete(changed);
  }

  look(): void {}

  change(members: readonly Member[]): void {
    this.members = members;
    for (const each of this.#changed) each();
  }
}

class World {
  readonly members: Members;
  loads = 0;
  version = 1;
  readonly ids = Array.from({ length: 300 }, (_, index) => `id${index}`);

  private constructor(servers: readonly MemcachedServer[]) {
    this.members = new Members(servers.map(({ address }) => address));
  }

  static async start(count: number): Promise<World> {
    for (let index = 0; index < count; index++) running.push(await startMemcached());
    return new World(running);
  }

  join(): { readonly shop: Cistern; readonly remote: Store; readonly users: Cache<string, string> } {
    const remote = memcached({ servers: this.members, timeout: '250ms' });
    const shop = cistern({ name: 'shop', remote, remoteTimeout: '1s', closeTimeout: 500 });
    open.push(shop, remote);
    const users = shop.define('user', {
      load: async (id: string) => {
        this.loads++;
        return await Promise.resolve(`${id} ${this.version}`);
      },
      ttl: '5m',
      near: false,
    });
    return { shop, remote, users };
  }

  /** Until all entries are where they belong: on a busy machine the first connections take their time. */
  async fill(users: Cache<string, string>): Promise<void> {
    for (let attempt = 0; attempt < 20; attempt++) {
      this.loads = 0;
      await users.getMany(this.ids);
      await wait(400);
      if (this.loads === 0) return;
    }
    throw new Error('the servers do not keep what is stored');
  }

  /** The server that has a copy of the record. */
  holder(remote: Store, copy: number): MemcachedServer {
    const operation: Operation = { kind: 'get', key: 'shop:~record', copy, deadline: 0 };
    let at = remote;
    while (at.parts.length > 0)
      at = at.destinations === undefined ? at.parts[0]! : at.destinations(operation)[0]!.store;
    return running.find(({ address }) => at.name.includes(address))!;
  }
}

test.skipIf(withoutMemcached)(
  'five real servers: any that has the record may be frozen or killed, and no key of the others is loaded again',
  async () => {
    const world = await World.start(5);
    const { remote, users } = world.join();
    await world.fill(users);
    for (let copy = 0; copy < 3; copy++) {
      const holder = world.holder(remote, copy);
      for (const how of ['frozen', 'thawed'] as const) {
        holder[how]();
        world.loads = 0;
        for (const process of [users, world.join().users]) {
          await process.getMany(world.ids);
          // A fifth of the keys is there, more or less, and is loaded while it is frozen.
          expect(world.loads, `copy ${copy}, ${how}`).toBeLessThan(2 * 150);
        }
        await wait(how === 'frozen' ? 100 : 1500);
      }
    }
    world.loads = 0;
    await users.getMany(world.ids);
    expect(world.loads).toBeLessThan(150);
    // Now the law itself: a clear that cannot be written everywhere says so, and is seen all the same.
    const holder = world.holder(remote, 1);
    await holder.stop();
    world.version = 2;
    expect(await users.clear()).toEqual({ confirmed: false });
    const other = world.join().users;
    const values = await other.getMany(world.ids);
    expect([...values.values()].filter((value) => value.endsWith(' 1'))).toEqual([]);
    running[running.indexOf(holder)] = await startMemcached({ port: holder.port });
    await wait(3000);
    await users.getMany(world.ids);
    expect(await users.clear()).toEqual({ confirmed: true });
  },
);

test.skipIf(withoutMemcached)(
  'five real servers: whichever leaves the list, the others keep what they have',
  async () => {
    const world = await World.start(5);
    const { remote, users } = world.join();
    await world.fill(users);
    const all = world.members.members;
    for (let copy = 0; copy < 3; copy++) {
      const holder = world.holder(remote, copy);
      world.members.change(all.filter(({ address }) => address !== holder.address));
      await wait(400);
      world.loads = 0;
      await users.getMany(world.ids);
      expect(world.loads, `without the server of copy ${copy}`).toBeLessThan(130);
      await wait(400);
      world.members.change(all);
      await wait(600);
      await world.fill(users);
    }
  },
);
test.skipIf(withoutMemcached)(
  'eight real servers: when the first of the record leaves, and then the next, and the next, the others keep what they have',
  async () => {
    const world = await World.start(8);
    const { remote, users } = world.join();
    await world.fill(users);
    for (let round = 0; round < 5; round++) {
      const holder = world.holder(remote, 0);
      const before = world.members.members;
      world.members.change(before.filter(({ address }) => address !== holder.address));
      await wait(400);
      world.loads = 0;
      await users.getMany(world.ids);
      const share = world.loads / world.ids.length;
      expect(share, `${before.length} servers, one left`).toBeLessThan(1.8 / before.length);
      await world.fill(users);
    }
  },
);
