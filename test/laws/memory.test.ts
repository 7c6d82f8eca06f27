import { describe, expect, test } from 'vitest';
import { cistern } from '../../src/index.ts';
import { Fleet } from './fleet.ts';

function timed(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

describe('memory', () => {
  test('is bounded in bytes by default, for all caches together', async () => {
    const shop = cistern({ name: 'shop' });
    const load = (id: number): string => `${id} ${'x'.repeat(1000)}`;
    const caches = ['one', 'two'].map((name) => shop.define(name, { load, ttl: '1h' }));
    for (let from = 0; from < 35_000; from += 1000) {
      const ids = Array.from({ length: 1000 }, (_, index) => from + index);
      await Promise.all(caches.map(async (cache) => await cache.getMany(ids)));
    }
    const entries = caches.reduce((sum, cache) => sum + cache.stats().near.entries, 0);
    expect(entries).toBeGreaterThan(20_000);
    expect(entries * 1000).toBeLessThan(64 * 1024 ** 2);
    await shop.close();
  });

  test('a million entries: clear() and stats() take no time, and all is forgotten', async () => {
    const shop = cistern({ name: 'shop', near: { maxBytes: '2gb' } });
    const caches = ['one', 'two', 'three', 'four'].map((name) =>
      shop.define(name, { load: (id: number) => id, ttl: '1h' }),
    );
    for (const cache of caches) {
      for (let from = 0; from < 250_000; from += 5000) {
        await Promise.all(
          Array.from({ length: 5000 }, async (_, index) => await cache.set(from + index, index)),
        );
      }
    }
    const stats = caches.map((cache) => timed(() => cache.stats()));
    expect(caches.reduce((sum, cache) => sum + cache.stats().near.entries, 0)).toBe(1_000_000);
    const clears = caches.map((cache) => timed(() => void cache.clear()));
    // The garbage collector may come in between, once; that is not the call's doing.
    expect([...stats, ...clears].toSorted((left, right) => left - right).at(-2)).toBeLessThan(10);
    expect(caches.map((cache) => cache.stats().near.entries)).toEqual([0, 0, 0, 0]);
    expect(caches[0]!.peek(7)).toBeUndefined();
    expect(await caches[0]!.get(7)).toBe(7);
    await shop.close();
  });

  test('clear() in O(1) costs the remote tier two operations, whatever is in it', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const users = shop.define('user', { load: (id: number) => id, ttl: '1h' });
    await fleet.wait(users.getMany(Array.from({ length: 1000 }, (_, id) => id)));
    await fleet.runtime.settle();
    const before = wire.asked.length;
    await fleet.wait(users.clear());
    expect(wire.asked.length - before).toBe(2);
  });

  test('nothing is left behind by what has settled: flights, waiters, timers', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join();
    const users = shop.define<number, number>('user', {
      load: (id) => (id % 3 === 0 ? Promise.reject(new Error('third')) : id),
      ttl: '1m',
      nearTtl: '1s',
    });
    for (let round = 0; round < 20; round++) {
      await fleet.outcomes(Array.from({ length: 100 }, (_, id) => users.get(id, { deadline: '30s' })));
      await fleet.wait(users.delete(round));
      await fleet.outcome(users.refresh(round));
    }
    await fleet.runtime.advance(120_000);
    // The memory store's sweep at most.
    expect(fleet.runtime.timers).toBeLessThanOrEqual(1);
  });
});
