import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Runtime, realRuntime } from '../../src/core/runtime.ts';
import type { MissReply, Operation, Reply, Store } from '../../src/core/store.ts';
import { memcached } from '../../src/memcached.ts';
import { bigValues, gutter, mirrored, replicatedKeys, warming } from '../../src/routes.ts';
import { type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';
import { storeContract } from '../../src/testing/store-contract.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';
import { type Asked, said, setOf } from './wire.ts';

let servers: readonly MemcachedServer[] = [];
const leaf = (index: number, timeout = 5000): Store =>
  memcached({ servers: [servers[index]!.address], timeout, fence: false, journal: false });

/** Draws the first copy of two. */
const drawing = { random: () => 0.6 } as unknown as Runtime;

const order = 'operations of one turn on one key happen in the order in which they were asked';
const settling = 'answers settle in the order in which they were asked';

interface Subject {
  readonly name: string;
  readonly make: () => Store;
  readonly deviations?: Readonly<Record<string, string>>;
}

const subjects: readonly Subject[] = [
  { name: 'a gutter of memcacheds', make: () => gutter(leaf(0), leaf(1)) },
  { name: 'mirrored memcacheds', make: () => mirrored([leaf(0), leaf(1)]) },
  { name: 'big values in memcached', make: () => bigValues(leaf(0), { threshold: '64kb' }) },
  {
    name: 'copies of keys in memcached',
    make: () => replicatedKeys(leaf(0), { keys: () => true, replicas: 2, runtime: drawing }),
    deviations: {
      [order]: 'a get asks a copy first, and the entry after that',
      [settling]: 'the first that finds no copy makes one, which takes longer than not to',
    },
  },
  {
    name: 'a memcached that is warmed from another',
    make: () => warming(leaf(0), leaf(1)),
    deviations: {
      [order]:
        'what depends on an entry looks for it in the warm pool first, and a delete is done there first',
      [settling]: 'the first miss looks into the warm pool; those who lost its lease do not',
    },
  },
];

describe.skipIf(withoutMemcached)('over real servers', () => {
  beforeAll(async () => {
    servers = await Promise.all([startMemcached(), startMemcached()]);
  });
  afterAll(async () => {
    for (const server of servers) await server.stop();
  });

  for (const { name, make, deviations } of subjects) {
    // Laws use keys and connections of their own; most of their time is waiting.
    storeContract(
      { describe: describe.concurrent, test },
      {
        name,
        ...(deviations === undefined ? undefined : { deviations }),
        make: async () => ({
          store: make(),
          clock: realRuntime.clock,
          advance: async (milliseconds) =>
            await new Promise((resolve) => void setTimeout(resolve, milliseconds)),
          dispose: async () => undefined,
        }),
      },
    );
  }

  test('a mirror serves on while one of its servers is stopped, and when it goes on', async () => {
    const store = mirrored([leaf(0, 50), leaf(1)], { writes: 'one' });
    const ask = async (asked: Asked): Promise<Reply> =>
      await store.execute({ deadline: realRuntime.clock.read() + 2000, ...asked } as Operation);
    const key = `mirror:${realRuntime.randomId()}`;
    const lease: Asked = { kind: 'get', key, lease: 5000 };
    const won = (await ask(lease)) as MissReply;
    expect((await ask(setOf(key, 'v', { cas: won.cas }))).kind).toBe('stored');
    servers[0]!.frozen();
    try {
      expect(said(await ask(lease))).toBe('v');
      const other = (await ask({ kind: 'get', key: `${key}:other`, lease: 5000 })) as MissReply;
      expect(other.lease).toBe('won');
      expect((await ask(setOf(`${key}:other`, 'w', { cas: other.cas }))).kind).toBe('stored');
    } finally {
      servers[0]!.thawed();
    }
    for (const [name, value] of [
      [key, 'v'],
      [`${key}:other`, 'w'],
    ] as const)
      expect(said(await ask({ kind: 'get', key: name, lease: 5000 }))).toBe(value);
    await store.close();
  });

  test('large values survive in pieces, and a piece that the server has lost makes a miss', async () => {
    const bare = leaf(0);
    const store = bigValues(bare, { threshold: '256kb' });
    const key = `big:${realRuntime.randomId()}`;
    const deadline = realRuntime.clock.read() + 10_000;
    const value = Uint8Array.from({ length: 5_000_000 }, (_, index) => (index * 31 + (index >> 9)) & 0xff);
    expect((await store.execute({ ...setOf(key, ''), value, deadline } as Operation)).kind).toBe('stored');
    const hit = await store.execute({ kind: 'get', key, deadline });
    expect(hit.kind === 'hit' && Buffer.from(hit.value).equals(value)).toBe(true);
    const index = await bare.execute({ kind: 'get', key, deadline });
    const token = Buffer.from((index as { readonly value: Uint8Array }).value)
      .subarray(13, 21)
      .toString();
    expect((await bare.execute({ kind: 'delete', key: `${key}::${token}:7`, deadline })).kind).toBe('stored');
    expect(await store.execute({ kind: 'get', key, lease: 5000, deadline })).toMatchObject({
      kind: 'miss',
      lease: 'won',
    });
    await store.close();
  });
});
