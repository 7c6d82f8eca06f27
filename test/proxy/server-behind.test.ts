import { afterEach, describe, expect, test } from 'vitest';
import { realRuntime } from '../../src/core/runtime.ts';
import type { Store } from '../../src/core/store.ts';
import { type Proxy, serveProxy } from '../../src/proxy/proxy.ts';
import { memcached } from '../../src/stores/memcached/memcached.ts';
import { type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';
import { Talk } from './talk.ts';

/** What clients of a proxy see while the server behind it is away. */

let server: MemcachedServer;
let store: Store;
let proxy: Proxy;
let client: Talk;

async function serve(options: { readonly fence: boolean }): Promise<void> {
  server = await startMemcached();
  store = memcached({ servers: [server.address], raw: true, timeout: '100ms', ...options });
  proxy = await serveProxy(store, { listen: '127.0.0.1:0' });
  client = new Talk(realRuntime, proxy.addresses[0]!);
  expect(await client.ask('set k 0 0 3\r\nold\r\n', 'STORED\r\n')).toBe('STORED\r\n');
}

afterEach(async () => {
  client.destroy();
  await proxy.close();
  await store.close();
  await server.stop();
});

async function timed(request: string, end: RegExp): Promise<readonly [string, number]> {
  const begin = performance.now();
  const answer = await client.ask(request, end);
  return [answer, performance.now() - begin];
}

/** Asks until the answer is like this. */
async function eventually(request: string, end: RegExp, wanted: string): Promise<void> {
  for (const last = performance.now() + 15_000; ;) {
    const answer = await client.ask(request, end);
    if (answer === wanted) return;
    if (performance.now() > last) throw new Error(`the last answer was ${JSON.stringify(answer)}`);
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
}

const line = /\r\n$/;
const end = /END\r\n$/;

describe.skipIf(withoutMemcached)('while the server behind is away', () => {
  test('stopped: requests are answered within the timeout, and in order when it goes on', async () => {
    await serve({ fence: true });
    server.frozen();
    // A signal is not there at once.
    await eventually('get k\r\n', end, 'END\r\n');
    const [get, waited] = await timed('get k\r\n', end);
    expect(get).toBe('END\r\n');
    expect(waited).toBeLessThan(2000);
    const [failed] = await timed('mg k v\r\nversion\r\nset k 0 0 3\r\nnew\r\n', /VERSION.*\r\n.*\r\n$/);
    expect(failed).toMatch(/^SERVER_ERROR CISTERN_\w+: .*\r\nVERSION .*\r\nSERVER_ERROR .*\r\n$/);
    // A thousand requests are a thousand answers all the same.
    const many = await client.ask(`${'mg k\r\n'.repeat(1000)}mn\r\n`, /MN\r\n$/);
    expect(many.match(/SERVER_ERROR/g)).toHaveLength(1000);
    server.thawed();
    // The set that failed is repaired by a delete, which may come after the first one that succeeds.
    await eventually('set k 0 0 5\r\nnewer\r\nget k\r\n', end, 'STORED\r\nVALUE k 0 5\r\nnewer\r\nEND\r\n');
  });

  test('killed: classic gets are misses, all else is an error line at once; then all is well again', async () => {
    await serve({ fence: false });
    const { port } = server;
    await server.stop();
    expect((await timed('get k\r\n', end))[0]).toBe('END\r\n');
    expect((await timed('get a b c\r\n', end))[0]).toBe('END\r\n');
    expect((await timed('mg k v\r\n', line))[0]).toMatch(/^SERVER_ERROR /);
    expect((await timed('delete k\r\n', line))[0]).toMatch(/^SERVER_ERROR /);
    expect((await timed('set k 0 0 1 noreply\r\nx\r\nmn\r\n', line))[0]).toBe('MN\r\n');
    expect((await timed('flush_all\r\n', line))[0]).toMatch(/^SERVER_ERROR /);
    server = await startMemcached({ port });
    await eventually('set k 0 0 3\r\nnew\r\n', line, 'STORED\r\n');
    expect((await timed('get k\r\n', end))[0]).toBe('VALUE k 0 3\r\nnew\r\nEND\r\n');
  });

  test('killed while requests are under way: each of them has its answer', async () => {
    await serve({ fence: false });
    const answered = client.ask(`${'set k 0 0 3\r\nnew\r\nmg k v\r\n'.repeat(2000)}mn\r\n`, /MN\r\n$/);
    await server.stop();
    const lines = (await answered).split('\r\n').filter((each) => each !== 'new');
    expect(lines.length).toBe(4000 + 2);
    for (const each of lines.slice(0, 4000)) expect(each).toMatch(/^(?:STORED|VA 3|EN|SERVER_ERROR .*)$/);
  });
});
