import { describe, expect, test } from 'vitest';
import { cistern, type Cistern } from '../../src/index.ts';
import type { Operation, Store } from '../../src/core/store.ts';
import { copiesIn } from '../../src/cache/record/record-places.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing.ts';
import { isRecord, Source } from './fleet.ts';
import { Ring, Server, serverTimeout, type State } from './server-ring.ts';

const record = 'shop:~record';

/** Several servers, and processes with a cache that has no near tier: what is answered comes from there, or is loaded. */
class Shops {
  readonly runtime: FakeRuntime = fakeRuntime({ seed: 1 });
  readonly servers: readonly Server[];
  readonly source = new Source();

  constructor(servers: number) {
    this.servers = Array.from({ length: servers }, (_, index) => new Server(`server ${index}`, this.runtime));
  }

  join() {
    const ring = new Ring(this.servers, this.runtime);
    const shop: Cistern = cistern({ name: 'shop', runtime: this.runtime, remote: ring });
    const users = shop.define('user', { load: this.source.load, ttl: '5m', near: false, jitter: 0 });
    return { ring, shop, users };
  }

  /** The servers that have the record, the first choice first. */
  holders(ring: Ring): readonly Server[] {
    return ring
      .order(record)
      .slice(0, 3)
      .map(({ server }) => server);
  }

  async wait<T>(promise: Promise<T>): Promise<T> {
    return await this.runtime.until(promise);
  }

  async timed<T>(promise: Promise<T>): Promise<readonly [T, number]> {
    const began = this.runtime.clock.read();
    const value = await this.wait(promise);
    return [value, this.runtime.clock.read() - began];
  }

  async hasRecord(server: Server): Promise<boolean> {
    const operation: Operation = { kind: 'get', key: record, deadline: Number.MAX_VALUE };
    return (await server.memory.execute(operation)).kind === 'hit';
  }
}

/** Ids whose entries are on servers that are none of these. */
function idsBeside(ring: Ring, servers: readonly Server[]): string[] {
  const ids = Array.from({ length: 200 }, (_, index) => `id${index}`);
  const asked = (id: string): boolean =>
    ring.leaves.some(
      ({ server, asked: all }) => !servers.includes(server) && all.some(({ key }) => key.endsWith(`'${id}`)),
    );
  return ids.filter(asked);
}

async function filled(shops: Shops) {
  const process = shops.join();
  for (let index = 0; index < 200; index++) shops.source.values.set(`id${index}`, `value ${index}`);
  await shops.wait(process.users.getMany([...shops.source.values.keys()]));
  await shops.runtime.advance(300);
  return process;
}

describe('the record of a fleet of servers', () => {
  test('is in three copies, under one key, and read in one turn', async () => {
    const shops = new Shops(5);
    const { ring } = await filled(shops);
    const all = ring.leaves.flatMap((leaf) => leaf.asked.filter(isRecord));
    expect(new Set(all.map(({ key }) => key))).toEqual(new Set([record]));
    for (const server of shops.servers)
      expect(await shops.hasRecord(server)).toBe(shops.holders(ring).includes(server));
    for (const leaf of ring.leaves) leaf.asked.length = 0;
    const { users } = shops.join();
    expect(await shops.timed(users.get('id0'))).toEqual(['value 0', 0]);
  });

  for (const state of ['refused', 'hung', 'late', 'lost'] as const)
    test(`with any one server ${state}: what the others have is answered, by old and new processes`, async () => {
      for (let index = 0; index < 5; index++) {
        const shops = new Shops(5);
        const { ring, users } = await filled(shops);
        const server = shops.servers[index]!;
        const ids = idsBeside(ring, [server]);
        if (state === 'lost') server.lose();
        else server.state = state as State;
        shops.source.loads = 0;
        for (const process of [users, shops.join().users]) {
          const [values, took] = await shops.timed(process.getMany(ids));
          expect(values.size).toBe(ids.length);
          // Two copies are enough to go on: nobody waits for the one that hangs.
          expect(took).toBe(0);
          await shops.runtime.advance(300);
        }
        expect(shops.source.loads).toBe(0);
      }
    });

  test('survives the loss of all servers, one after the other, as long as it is read in between', async () => {
    const shops = new Shops(5);
    const { users } = await filled(shops);
    shops.source.loads = 0;
    for (const server of shops.servers) {
      server.lose();
      await shops.runtime.advance(300);
      const values = await shops.wait(users.getMany(shops.source.values.keys()));
      expect(values.size).toBe(200);
      await shops.runtime.advance(10);
    }
    // Each entry was lost once, and none more.
    expect(shops.source.loads).toBe(200);
  });

  test('is cold, never stale, when all copies are lost at once', async () => {
    const shops = new Shops(5);
    const { ring, users } = await filled(shops);
    const holders = shops.holders(ring);
    const ids = idsBeside(ring, holders);
    for (const [id] of shops.source.values) shops.source.values.set(id, `new ${id}`);
    for (const server of holders) server.lose();
    shops.source.loads = 0;
    await shops.runtime.advance(300);
    const values = await shops.wait(users.getMany(ids));
    expect([...values.values()].every((value) => value.startsWith('new'))).toBe(true);
    expect(shops.source.loads).toBe(ids.length);
    await shops.runtime.advance(300);
    for (const server of holders) expect(await shops.hasRecord(server)).toBe(true);
  });

  test('stays when its first server leaves, and when another comes in front', async () => {
    const shops = new Shops(6);
    const { ring, users } = await filled(shops);
    const [first] = ring.order(record);
    const ids = idsBeside(ring, [first!.server]);
    shops.source.loads = 0;
    ring.members = ring.leaves.filter((leaf) => leaf !== first);
    await shops.runtime.advance(300);
    expect(ids.length).toBeGreaterThan(50);
    await shops.wait(users.getMany(ids));
    expect(shops.source.loads).toBe(0);
    await shops.runtime.advance(300);
    // It comes back empty, as it does with a fence.
    first!.server.lose();
    ring.members = ring.leaves;
    await shops.wait(users.getMany(ids));
    await shops.runtime.advance(300);
    expect(shops.source.loads).toBe(0);
    expect(await shops.hasRecord(first!.server)).toBe(true);
  });

  test('two of three copies out of reach, and the third made anew: nobody waits for those, and nothing old comes back with them', async () => {
    const shops = new Shops(5);
    const { ring, users } = await filled(shops);
    const [one, ...others] = shops.holders(ring);
    for (const server of others) server.state = 'refused';
    one!.lose();
    await shops.runtime.advance(300);
    const ids = [...shops.source.values.keys()];
    for (const id of ids) shops.source.values.set(id, 'new');
    await shops.wait(users.getMany(ids));
    for (const id of ids) shops.source.values.set(id, 'newer');
    const deleted = await shops.wait(Promise.all(ids.map((id) => users.delete(id))));
    const sure = ids.filter((_, index) => deleted[index]!.confirmed);
    expect(sure.length).toBeGreaterThan(50);
    for (const server of others) server.state = 'up';
    for (const process of [users, shops.join().users]) {
      await shops.runtime.advance(300);
      const values = await shops.wait(process.getMany(sure));
      expect([...values.values()].every((value) => value === 'newer')).toBe(true);
    }
  });
});

describe('a clear in a fleet of servers', () => {
  for (const state of ['refused', 'hung', 'late'] as const)
    test(`while one copy is ${state}: not confirmed, noticed by others all the same, and complete when it is back`, async () => {
      const shops = new Shops(5);
      const { ring, users } = await filled(shops);
      const { users: others } = shops.join();
      await shops.wait(others.get('id1'));
      const [server] = shops.holders(ring);
      const id = idsBeside(ring, [server!])[0]!;
      server!.state = state;
      shops.source.values.set(id, 'new');
      const [answer, took] = await shops.timed(users.clear());
      expect(answer).toEqual({ confirmed: false });
      expect(took).toBeLessThanOrEqual(2 * serverTimeout);
      await shops.runtime.advance(251);
      expect(await shops.wait(others.get(id))).toBe('new');
      server!.state = 'up';
      await shops.runtime.advance(251);
      await shops.wait(others.get(id));
      await shops.runtime.advance(10);
      // Now the copy that was behind is enough.
      for (const each of shops.holders(ring)) if (each !== server) each.state = 'refused';
      expect(await shops.wait(shops.join().users.get(id))).toBe('new');
      for (const each of shops.holders(ring)) each.state = 'up';
      expect(await shops.wait(users.clear())).toEqual({ confirmed: true });
    });

  test('that no server took is repeated by this process', async () => {
    const shops = new Shops(3);
    const { users } = await filled(shops);
    const { users: others } = shops.join();
    for (const server of shops.servers) server.state = 'refused';
    expect(await shops.timed(users.clear())).toEqual([{ confirmed: false }, 0]);
    for (const server of shops.servers) server.state = 'up';
    shops.source.values.set('id1', 'new');
    // It is not cleared before a server knows: its changes would reach nobody else.
    await shops.runtime.advance(300);
    await shops.wait(users.get('id2'));
    await shops.runtime.advance(300);
    expect(await shops.wait(others.get('id1'))).toBe('new');
    expect(await shops.wait(users.get('id1'))).toBe('new');
  });

  test('that one copy took, which is gone: changes are not confirmed before a copy has it again', async () => {
    const shops = new Shops(5);
    const { ring, users } = await filled(shops);
    const holders = shops.holders(ring);
    const [id] = idsBeside(ring, holders);
    for (const server of holders.slice(1)) server.state = 'full';
    expect(await shops.wait(users.clear())).toEqual({ confirmed: false });
    holders[0]!.state = 'refused';
    await shops.wait(users.get(id!));
    // The other copies can be read, but nobody else knows of the generation that this process would delete in.
    expect(await shops.wait(users.delete(id!))).toEqual({ confirmed: false });
    holders[1]!.state = 'up';
    expect(await shops.wait(users.delete('id1'))).toEqual({ confirmed: true });
  });

  test('that came before the record could be read is not forgotten', async () => {
    const shops = new Shops(3);
    await filled(shops);
    const { ring, users } = shops.join();
    for (const leaf of ring.leaves) leaf.state = 'refused';
    expect(await shops.wait(users.clear())).toEqual({ confirmed: false });
    for (const leaf of ring.leaves) leaf.state = 'up';
    shops.source.values.set('id1', 'new');
    await shops.wait(users.get('id2'));
    await shops.runtime.settle();
    expect(await shops.wait(users.get('id1'))).toBe('new');
  });

  test('of two processes at once: both confirmed, and all read under one generation', async () => {
    const shops = new Shops(5);
    const { users } = await filled(shops);
    const { users: others } = shops.join();
    await shops.wait(others.get('id1'));
    expect(await shops.wait(Promise.all([users.clear(), others.clear()]))).toEqual([
      { confirmed: true },
      { confirmed: true },
    ]);
    await shops.runtime.advance(300);
    // What is read while a clear is noticed is not kept.
    for (const process of [users, others]) await shops.wait(process.get('id2'));
    shops.source.loads = 0;
    for (const process of [users, others, shops.join().users]) {
      await shops.wait(process.get('id1'));
      await shops.runtime.advance(10);
    }
    expect(shops.source.loads).toBe(1);
  });
});

describe('which copies there are', () => {
  const question: Operation = { kind: 'get', key: record, deadline: 0 };
  const leaf = (name: string): Store => ({
    name,
    parts: [],
    execute: async () => ({ kind: 'notFound' }),
    close: async () => undefined,
  });
  const over = (parts: readonly Store[], destinations?: Store['destinations']): Store => ({
    ...leaf('over'),
    parts,
    ...(destinations === undefined ? undefined : { destinations }),
  });
  const [a, b, c] = ['a', 'b', 'c'].map(leaf) as [Store, Store, Store];
  const sharded = (...leaves: readonly Store[]): Store =>
    over(leaves, (operation) => {
      const store = leaves[operation.copy ?? 0];
      return store === undefined ? [] : [{ store, role: 'first', operation }];
    });

  test.each<readonly [string, Store, readonly number[]]>([
    ['a leaf', a, [0]],
    ['wrappers around a leaf', over([over([a])]), [0]],
    ['a ring of one', sharded(a), [0]],
    ['a ring of two', sharded(a, b), [0, 1]],
    ['a ring of three', sharded(a, b, c), [0, 1, 2]],
    ['a wrapper around a ring', over([sharded(a, b, c)]), [0, 1, 2]],
    ['a ring that has the same server twice', sharded(a, a, b), [0, 2]],
    ['an empty ring', sharded(), [0]],
    [
      'a mirror',
      over([a, b], (operation) => [a, b].map((store) => ({ store, role: 'also', operation }))),
      [0],
    ],
    [
      'a fallback beside a ring',
      over([sharded(a, b), c], (operation) => [
        { store: sharded(a, b), role: 'first', operation },
        { store: c, role: 'fallback', operation },
      ]),
      [0, 1],
    ],
    ['several parts that do not tell', over([a, b]), [0, 1, 2]],
    [
      'parts that throw',
      over([a], () => {
        throw new Error('no');
      }),
      [0, 1, 2],
    ],
  ])('%s', (_, store, copies) => {
    expect(copiesIn(store, question)).toEqual(copies);
  });

  test('a single server is asked once', async () => {
    const shops = new Shops(1);
    const { ring, users } = await filled(shops);
    ring.leaves[0]!.asked.length = 0;
    await shops.wait(users.get('id1'));
    expect(ring.leaves[0]!.asked.map(({ kind }) => kind)).toEqual(['get', 'get']);
  });
});
