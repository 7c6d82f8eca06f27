import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, expect, test } from 'vitest';
import { cistern, type Events, notFound, tenant } from '../../src/index.ts';
import { fakeRuntime } from '../../src/testing.ts';

type Removed = Events['removed'];

const listeners: ((message: unknown) => void)[] = [];
function listen(hear: (removed: Removed) => void = () => undefined): Removed[] {
  const heard: Removed[] = [];
  const listener = (message: unknown): void => {
    heard.push(message as Removed);
    hear(message as Removed);
  };
  subscribe('cistern:removed', listener);
  listeners.push(listener);
  return heard;
}
afterEach(() => {
  for (const listener of listeners.splice(0)) unsubscribe('cistern:removed', listener);
});

describe('entries that leave the near tier', () => {
  test('are told with cache, key, value and cause, and counted per cache and for all', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    const shop = cistern({ name: 'shop', runtime, near: { maxEntries: 3, policy: 'fifo' } });
    const define = { load: (id: string) => `loaded ${id}`, ttl: '1m', jitter: 0 } as const;
    const [users, orders] = [shop.define('user', define), shop.define('order', define)];
    const removed = listen();

    await users.get('a');
    await users.set('a', 'written');
    await users.refresh('a');
    await users.delete('a');
    await users.delete('a');
    for (const id of ['b', 'c', 'd', 'e']) await users.get(id);
    await orders.get('f');
    await users.clear();
    await runtime.settle();
    // What was cleared is swept in whatever order it lies.
    const swept = removed.splice(5).toSorted((left, right) => (left.key < right.key ? -1 : 1));
    expect([...removed, ...swept]).toEqual([
      { cache: 'user', key: 'a', value: 'loaded a', cause: 'invalidated' },
      { cache: 'user', key: 'a', value: 'written', cause: 'replaced' },
      { cache: 'user', key: 'a', value: 'loaded a', cause: 'invalidated' },
      { cache: 'user', key: 'b', value: 'loaded b', cause: 'evicted' },
      { cache: 'user', key: 'c', value: 'loaded c', cause: 'evicted' },
      ...['d', 'e'].map((key) => ({
        cache: 'user',
        key,
        value: `loaded ${key}`,
        cause: 'invalidated' as const,
      })),
    ]);
    expect(users.stats().near).toMatchObject({
      entries: 0,
      evicted: 2,
      expired: 0,
      invalidated: 4,
      replaced: 1,
    });
    expect(orders.stats().near).toMatchObject({ entries: 1, evicted: 0, invalidated: 0, replaced: 0 });
    expect(shop.stats().near).toMatchObject({
      entries: 1,
      evicted: 2,
      expired: 0,
      invalidated: 4,
      replaced: 1,
    });
    await shop.close();
    await runtime.settle();
    expect(removed).toHaveLength(5);
  });

  test('by their age when new entries sweep them', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    const shop = cistern({ name: 'shop', runtime });
    const users = shop.define('user', { load: (id: number) => id, ttl: '1m', jitter: 0 });
    await users.get(1);
    await runtime.advance(60_001);
    const removed = listen();
    for (let id = 100; id < 200; id++) await users.get(id);
    expect(removed).toEqual([{ cache: 'user', key: 1, value: 1, cause: 'expired' }]);
    expect(users.stats().near).toMatchObject({ expired: 1, entries: 100 });
  });

  test('have the key that the caller knows: a part as it is, several as one text', async () => {
    const shop = cistern({ name: 'shop', runtime: fakeRuntime({ seed: 1 }) });
    const removed = listen();
    const keyOf = async (remove: Promise<unknown>): Promise<unknown> => {
      await remove;
      return removed.splice(0).map(({ key, value }) => [key, value]);
    };
    const plain = shop.define('plain', { load: (id: string | number | bigint) => String(id), ttl: '1m' });
    for (const id of ['x', 7, 7n, '\u0000,x']) {
      await plain.get(id);
      expect(await keyOf(plain.delete(id))).toEqual([[id, String(id)]]);
    }
    const one = shop.define('one', { key: (id: string) => [id], load: () => 1, ttl: '1m' });
    const two = shop.define('two', { key: (id: string) => [id, 5], load: () => notFound, ttl: '1m' });
    const own = shop.define('own', { key: (id: string) => [tenant(id), 1], load: () => 3, ttl: '1m' });
    await one.get('x');
    expect(await keyOf(one.delete('x'))).toEqual([['x', 1]]);
    await one.get('\u0000x');
    expect(await keyOf(one.delete('\u0000x'))).toEqual([["'%00x", 1]]);
    await two.get('x');
    expect(await keyOf(two.delete('x'))).toEqual([["'x,5", notFound]]);
    await own.get('x');
    expect(await keyOf(own.delete('x'))).toEqual([["@'x,1", 3]]);
  });

  test('are told once the call is done: a listener may use the cache, even keep what was evicted', async () => {
    const shop = cistern({ name: 'shop', near: { maxEntries: 50 } });
    const users = shop.define('user', { load: (id: number) => id, ttl: '1h' });
    const lost = shop.define('lost', { load: (id: number) => -id, ttl: '1h' });
    let during = false;
    const removed = listen(({ cache, key, cause }) => {
      expect(during).toBe(false);
      users.peek(3);
      if (cache !== 'user' || cause !== 'evicted') return;
      void lost.set(key as number, 1);
      void users.delete((key as number) + 1);
    });
    for (let id = 0; id < 2000; id++) {
      during = true;
      const answer = users.get(id);
      during = false;
      await answer;
    }
    expect(removed.length).toBeGreaterThan(1000);
    const { near } = shop.stats();
    expect(near && near.entries).toBeLessThanOrEqual(50);
    const ids = Array.from({ length: 2000 }, (_, id) => id);
    expect((await users.getMany(ids)).size).toBe(2000);
    await shop.close();
  });

  test('a listener that throws hurts nobody', async () => {
    const shop = cistern({ name: 'shop', near: { maxEntries: 2, policy: 'lru' } });
    const users = shop.define('user', { load: (id: number) => id, ttl: '1h' });
    const thrown: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error));
    try {
      const removed = listen(() => {
        throw new Error('listener');
      });
      for (let id = 0; id < 5; id++) expect(await users.get(id)).toBe(id);
      await new Promise((resolve) => void setTimeout(resolve, 5));
      expect([removed.length, thrown.length]).toEqual([3, 3]);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    }
    await shop.close();
  });
});
