import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cistern, type Cistern, notFound, type Store } from '../../src/index.ts';
import { memcached } from '../../src/memcached.ts';
import { findMemcached, type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';

/** On a build machine it must be there. */
const skipped = findMemcached() === undefined && !process.env['CI'];
const wait = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

let server: MemcachedServer;
const stores: Store[] = [];
const shops: Cistern[] = [];

beforeEach(async () => {
  if (!skipped) server = await startMemcached();
});
afterEach(async () => {
  await Promise.all(shops.splice(0).map(async (shop) => await shop.close()));
  await Promise.all(stores.splice(0).map(async (store) => await store.close()));
  await server?.stop();
});

/** One process of a fleet, as far as the caches can tell. */
function join(timeout: number): Cistern {
  const remote = memcached({ servers: [server.address], timeout });
  stores.push(remote);
  const shop = cistern({ name: 'shop', remote, remoteTimeout: timeout, closeTimeout: 500 });
  shops.push(shop);
  return shop;
}

class Source {
  value: string | typeof notFound = 'old';
  loads = 0;
  #gate = Promise.withResolvers<void>();

  constructor() {
    this.#gate.resolve();
  }

  hold(): void {
    this.#gate = Promise.withResolvers<void>();
  }

  release(): void {
    this.#gate.resolve();
  }

  readonly load = async (): Promise<string | typeof notFound> => {
    this.loads++;
    const { value } = this;
    await this.#gate.promise;
    return value;
  };

  async loaded(count: number): Promise<void> {
    while (this.loads < count) await wait(1);
  }
}

describe.skipIf(skipped)('with a real memcached', () => {
  const patient = 5000;

  for (const way of ['delete', 'expire', 'clear', 'set'] as const) {
    for (const staleIfError of [0, '1h'] as const) {
      test(`${way} in another process during a load: nobody keeps the old value (staleIfError ${staleIfError})`, async () => {
        const source = new Source();
        const define = { load: source.load, ttl: '5m', staleIfError } as const;
        const [loading, other] = [join(patient), join(patient)].map((shop) =>
          shop.define<string, string | typeof notFound>('user', define),
        );
        await other!.get('warm the record');
        source.hold();
        const first = loading!.get('a');
        await source.loaded(2);
        source.value = 'new';
        const done =
          way === 'clear' ? other!.clear() : way === 'set' ? other!.set('a', 'new') : other![way]('a');
        expect(await done).toEqual({ confirmed: true });
        source.release();
        expect(await first).toBe('old');
        await wait(way === 'clear' ? 300 : 20);
        expect(await loading!.get('a')).toBe('new');
        expect(await other!.get('a')).toBe('new');
        expect(source.loads).toBe(way === 'set' ? 2 : 3);
      });
    }
  }

  test('one load for 4 processes with 100 callers each, for a value and for notFound', async () => {
    const source = new Source();
    const caches = Array.from({ length: 4 }, () =>
      join(patient).define<string, string | typeof notFound>('user', {
        load: async () => {
          const value = await source.load();
          await wait(50);
          return value;
        },
        ttl: '5m',
      }),
    );
    for (const [index, value] of (['value', notFound] as const).entries()) {
      source.value = value;
      const all = caches.flatMap((cache) =>
        Array.from({ length: 100 }, async () => await cache.get(`${index}`)),
      );
      expect(new Set(await Promise.all(all))).toEqual(new Set([value === notFound ? undefined : value]));
      expect(source.loads).toBe(index + 1);
    }
  });

  test('an aged entry is reloaded once, while all have the old value at once', async () => {
    const source = new Source();
    const define = {
      load: source.load,
      ttl: '1s',
      staleWhileRevalidate: '1m',
      jitter: 0,
      refreshAhead: 0,
      near: false,
    } as const;
    const caches = Array.from({ length: 3 }, () =>
      join(patient).define<string, string | typeof notFound>('user', define),
    );
    await caches[0]!.set('a', 'old');
    source.value = 'new';
    // One second, and up to two more as the server counts.
    await wait(3100);
    source.hold();
    const answers = await Promise.all(
      caches.flatMap((cache) => Array.from({ length: 20 }, async () => await cache.entry('a'))),
    );
    expect(new Set(answers.map(({ value, status }) => `${value} ${status}`))).toEqual(new Set(['old stale']));
    source.release();
    await wait(100);
    expect(source.loads).toBe(1);
    expect(await caches[1]!.get('a')).toBe('new');
  });

  test('a frozen server: near hits in no time, fresh or stale; cold in its timeout and the load; changes are unconfirmed', async () => {
    const source = new Source();
    const users = join(100).define<string, string | typeof notFound>('user', {
      load: source.load,
      ttl: '1s',
      staleWhileRevalidate: '1h',
      nearTtl: '1h',
      jitter: 0,
      refreshAhead: 0,
    });
    await users.get('a');
    await wait(50);
    server.frozen();
    const timed = async (work: () => Promise<unknown>): Promise<number> => {
      const started = performance.now();
      await work();
      return performance.now() - started;
    };
    const hits: number[] = [];
    for (let hit = 0; hit < 200; hit++) {
      hits.push(await timed(async () => await users.get('a')));
      // Through the end of its freshness.
      await wait(8);
    }
    expect(hits.toSorted((left, right) => left - right)[180]).toBeLessThan(1);
    const cold = [];
    for (const id of ['b', 'c', 'd']) cold.push(await timed(async () => await users.get(id)));
    expect(Math.min(...cold)).toBeLessThan(100 + 60);
    expect(await users.delete('a')).toEqual({ confirmed: false });
    server.thawed();
    await wait(300);
    expect(await users.delete('a')).toEqual({ confirmed: true });
  });

  test('a server that was killed and comes back empty: cold, never stale, and used again', async () => {
    const source = new Source();
    const users = join(200).define<string, string | typeof notFound>('user', {
      load: source.load,
      ttl: '5m',
      nearTtl: '1m',
    });
    expect(await users.get('a')).toBe('old');
    await wait(50);
    const { port } = server;
    await server.stop();
    expect(await users.get('b')).toBe('old');
    source.value = 'new';
    server = await startMemcached({ port });
    const started = performance.now();
    while ((await users.get('a')) !== 'new' && performance.now() - started < 10_000) await wait(20);
    expect(await users.get('a')).toBe('new');
    expect(await users.set('c', 'kept')).toEqual({ confirmed: true });
  });

  test('a program that does not close anything ends by itself', async () => {
    const index = new URL('../../src/index.ts', import.meta.url).href;
    const door = new URL('../../src/memcached.ts', import.meta.url).href;
    const program = `
      import { cistern } from '${index}';
      import { memcached } from '${door}';
      const shop = cistern({ name: 'shop', remote: memcached({ servers: ['${server.address}'], timeout: '5s' }) });
      const users = shop.define('user', { load: (id) => id, ttl: '5m', staleWhileRevalidate: '5m' });
      console.log(await users.get('a'), await users.get('b'));
    `;
    const strips = Number(process.versions.node.split('.')[0]) >= 23;
    const options = strips ? [] : ['--experimental-strip-types', '--no-warnings'];
    const started = performance.now();
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...options, '--input-type=module', '-e', program],
      {
        timeout: 20_000,
      },
    );
    expect(stdout.trim()).toBe('a b');
    expect(performance.now() - started).toBeLessThan(8000);
  });
});
