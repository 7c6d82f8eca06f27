import { expect, test } from 'vitest';
import { memory } from '../stores/memory/memory.ts';
import { cistern } from './cistern.ts';

test('the configuration tells what was given, the defaults, and how old an answer may be', async () => {
  const remote = memory();
  await using shop = cistern({ name: 'shop', remote, near: { maxBytes: '1mb' }, recordPoll: '100ms' });
  shop.define('product', { load: (id: number) => id, ttl: '5m', staleIfError: '1h', nearTtl: '2s' });
  shop.define('local', { load: (id: number) => id, ttl: '5m', remote: false });
  shop.define('shared', { load: (id: number) => id, ttl: '5m', near: false });
  const { caches, ...whole } = shop.configuration();
  const near = {
    maxBytes: 1_048_576,
    maxEntries: Infinity,
    policy: 'w-tinylfu',
    index: 'hash',
    estimate: true,
  };
  expect(whole).toEqual({ name: 'shop', near, hotKeys: false, remote: 'memory' });
  expect(caches['product']).toMatchObject({
    staleIfError: 3_600_000,
    staleWhileRevalidate: 0,
    deadline: 10_000,
    lease: 11_000,
    nearTtl: 2000,
    staleness: { here: 0, elsewhere: 2000, afterClear: 100 },
  });
  expect(caches['local']?.staleness).toEqual({ here: 0, elsewhere: Infinity, afterClear: Infinity });
  expect(caches['shared']?.staleness).toEqual({ here: 0, elsewhere: 0, afterClear: 100 });
  expect(() => JSON.stringify(shop.configuration())).not.toThrow();
  await remote.close();
});

test('the configuration tells every option of the near tier, with the limits of now', async () => {
  const near = { maxBytes: 4096, maxEntries: 7, policy: 'lru', index: 'map', estimate: false } as const;
  await using shop = cistern({ name: 'shop', near });
  expect(shop.configuration().near).toEqual(near);
  shop.resizeNear({ maxEntries: 9 });
  shop.resizeNear({ maxBytes: '8kb' });
  expect(shop.configuration().near).toEqual({ ...near, maxEntries: 9, maxBytes: 8192 });
  for (const options of [{ near: false }, { enabled: false }] as const) {
    await using without = cistern({ name: 'shop', ...options });
    expect(without.configuration().near).toBe(false);
  }
});
