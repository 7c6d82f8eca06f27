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
  expect(whole).toEqual({ name: 'shop', near: { maxBytes: 1_048_576 }, remote: 'memory' });
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
