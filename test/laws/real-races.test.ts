import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cache, cistern } from '../../src/index.ts';
import { memcached } from '../../src/memcached.ts';
import { findMemcached, type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';

/** On a build machine it must be there. */
const skipped = findMemcached() === undefined && !process.env['CI'];
const seed = process.env['SEED'] === undefined ? Date.now() % 2 ** 31 : Number(process.env['SEED']);
const wait = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

let server: MemcachedServer;
beforeAll(async () => {
  if (!skipped) server = await startMemcached();
});
afterAll(async () => await server?.stop());

interface Row {
  readonly key: string;
  readonly version: number;
}

/** A read in another process may be as old as a load under way, a near copy and a poll; the machine may be busy. */
const elsewhere = 60 + 100 + 50 + 400;

describe.skipIf(skipped)('with a real memcached', () => {
  for (const near of [true, false]) {
    for (const stale of [true, false]) {
      test(`no read after a confirmed change is older (near ${near}, stale spans ${stale}, seed ${seed})`, async () => {
        const random = seededRandom(seed);
        const keys = ['a', 'b', 'c'];
        const versions = new Map(keys.map((key) => [key, 1]));
        const floors: { key: string; version: number; process: number; at: number }[] = [];
        const wrong: string[] = [];
        const closing: (() => Promise<void>)[] = [];
        const caches: Cache<string, Row>[] = [];
        const name = `races-${near}-${stale}`;
        for (let process = 0; process < 3; process++) {
          const remote = memcached({ servers: [server.address], timeout: '5s' });
          const shop = cistern({ name, remote, remoteTimeout: '5s', recordPoll: 50 });
          closing.push(
            async () => await shop.close(),
            async () => await remote.close(),
          );
          caches.push(
            shop.define<string, Row>('row', {
              load: async (key) => {
                await wait(random() * 15);
                const version = versions.get(key)!;
                await wait(random() * 30);
                return { key, version };
              },
              ttl: '1m',
              ...(stale ? { staleWhileRevalidate: '1m', staleIfError: '1m' } : undefined),
              nearTtl: 100,
              near,
            }),
          );
        }
        const read = async (process: number, key: string): Promise<void> => {
          const started = performance.now();
          let floor = 0;
          for (const each of floors) {
            const holds = each.process === process || each.at < started - elsewhere;
            if (each.key === key && holds) floor = Math.max(floor, each.version);
          }
          const { version } = await caches[process]!.get(key);
          if (version < floor)
            wrong.push(`process ${process}: ${key} is ${version} after ${floor} was confirmed`);
        };
        const change = async (process: number, key: string): Promise<void> => {
          const version = versions.get(key)! + 1;
          versions.set(key, version);
          const cache = caches[process]!;
          const kind = random();
          const done =
            kind < 0.5
              ? cache.delete(key)
              : kind < 0.8
                ? cache.mutate(key, async () => await wait(random() * 5))
                : cache.clear();
          if ((await done).confirmed) floors.push({ key, version, process, at: performance.now() });
        };
        const other = async (process: number, key: string): Promise<unknown> =>
          await (random() < 0.5 ? caches[process]!.refresh(key) : caches[process]!.expire(key));

        let reads = 0;
        const all: Promise<unknown>[] = [];
        const until = performance.now() + 1500;
        while (performance.now() < until) {
          const process = Math.floor(random() * 3);
          const key = keys[Math.floor(random() * 3)]!;
          const kind = random();
          if (kind < 0.9) reads++;
          all.push(
            kind < 0.9 ? read(process, key) : kind < 0.96 ? change(process, key) : other(process, key),
          );
          if (random() < 0.3) await wait(random() * 4);
        }
        await Promise.all(all);
        await wait(elsewhere);
        await Promise.all(keys.flatMap((key) => [0, 1, 2].map(async (process) => await read(process, key))));
        for (const close of closing) await close();
        expect(wrong).toEqual([]);
        expect(reads).toBeGreaterThan(100);
        expect(floors.length).toBeGreaterThan(5);
      });
    }
  }
});
