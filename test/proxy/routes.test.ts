import { afterEach, expect, test } from 'vitest';
import { realRuntime } from '../../src/core/runtime.ts';
import type { Operation, Reply, Store } from '../../src/core/store.ts';
import { type Proxy, serveProxy } from '../../src/proxy/proxy.ts';
import { gutter } from '../../src/routes/gutter.ts';
import { memory } from '../../src/stores/memory/memory.ts';
import { Talk } from './talk.ts';

/** A composition of routes behind the proxy: what a client is told by one part goes back to that part. */

let proxy: Proxy;
let store: Store;
let client: Talk;

afterEach(async () => {
  client.destroy();
  await proxy.close();
  await store.close();
});

test('a lease that a spare pool gave is filled there, by a CAS of 64 bits, and never elsewhere', async () => {
  const main = memory({ raw: true, name: 'main' });
  const spare = memory({ raw: true, name: 'spare' });
  let away = true;
  const failing: Store = {
    name: 'main',
    parts: [main],
    execute: async (operation: Operation): Promise<Reply> =>
      away ? { kind: 'failed', error: new Error('away'), applied: 'no' } : await main.execute(operation),
    close: async () => await main.close(),
  };
  store = gutter(failing, spare);
  proxy = await serveProxy(store, { listen: '127.0.0.1:0' });
  client = new Talk(realRuntime, proxy.addresses[0]!);

  const won = await client.ask('mg k v c N30\r\n', '\r\n\r\n');
  const [, cas] = /^VA 0 c(\d+) W\r\n/.exec(won)!;
  expect(BigInt(cas!)).toBeGreaterThan(2n ** 62n);
  expect(await client.ask(`ms k 5 T60 F4000000000 C${BigInt(cas!) - 1n}\r\nwrong\r\n`, '\r\n')).toBe(
    'EX\r\n',
  );
  expect(await client.ask(`ms k 5 T60 F4000000000 C${cas}\r\nvalue\r\n`, '\r\n')).toBe('HD\r\n');
  // Not for longer than the gutter keeps anything.
  expect(await client.ask('mg k v f t\r\n', 'value\r\n')).toBe('VA 5 f4000000000 t10\r\nvalue\r\n');
  const deadline = realRuntime.clock.read() + 5000;
  expect(await spare.execute({ kind: 'get', key: 'k', deadline })).toMatchObject({ kind: 'hit' });
  expect(await main.execute({ kind: 'get', key: 'k', deadline })).toMatchObject({ kind: 'miss' });

  away = false;
  expect(await client.ask('mg k v c N30\r\n', '\r\n\r\n')).toMatch(/^VA 0 c\d{1,6} W\r\n/);
  // Every part is emptied.
  expect(await client.ask('flush_all\r\n', '\r\n')).toBe('OK\r\n');
  expect(await spare.execute({ kind: 'get', key: 'k', deadline })).toMatchObject({ kind: 'miss' });
});
