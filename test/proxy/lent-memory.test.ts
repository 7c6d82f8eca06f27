import { createServer, type Socket as NodeSocket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { realRuntime } from '../../src/core/runtime.ts';
import { type Proxy, serveProxy } from '../../src/proxy/proxy.ts';
import { lendingMemcached } from '../../src/stores/memcached/memcached.ts';
import { fakeRuntime } from '../../src/testing/fake-runtime.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { Talk } from './talk.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** The bytes of a key's value tell whose they are: `key:size` over and over. */
function valueOf(key: string): string {
  const size = Number(key.split(':')[1]);
  return `${key}/`.repeat(Math.ceil(size / (key.length + 1))).slice(0, size);
}

function answerOf(key: string): string {
  return `VA ${valueOf(key).length} s${valueOf(key).length} f0 c5 t-1\r\n${valueOf(key)}\r\n`;
}

const saidOf = (key: string): string => `VA ${valueOf(key).length}\r\n${valueOf(key)}\r\n`;

/** Whether a client was told what it should be, without a difference of megabytes. */
function expectSame(said: string, wanted: string): void {
  if (said === wanted) return;
  let at = 0;
  while (said[at] === wanted[at]) at++;
  expect(said.slice(at, at + 60)).toBe(wanted.slice(at, at + 60));
}

test('a large value behind a small one, in one chunk, is not written over while its answer waits for others', async () => {
  const runtime = fakeRuntime({ seed: 3 });
  const keys: string[] = [];
  let answer = (_text: string): void => undefined;
  runtime.listen({ host: '10.0.0.2', port: 11_211 }, (peer) => {
    answer = (text) => void peer.write(text);
    peer.data = (chunk) => {
      const text = Buffer.from(chunk).toString('latin1');
      if (text === 'version\r\n') answer('VERSION 1.6.18\r\n');
      for (const [, key] of text.matchAll(/^mg (\S+)/gm)) keys.push(key!);
    };
  });
  const store = lendingMemcached({ servers: ['10.0.0.2:11211'], raw: true, fence: false, runtime });
  const proxy = await serveProxy(store, { listen: '10.0.0.1:11211', runtime });
  cleanups.push(() => runtime.until(store.close()));
  cleanups.push(() => runtime.until(proxy.close()));
  const client = new Talk(runtime, '10.0.0.1:11211');
  await runtime.settle();
  const asked = ['small:100', ...[4000, 9000, 40_000].map((size) => `large:${size}`)];
  const late = Array.from({ length: 20 }, (_, index) => `late${index}:3000`);
  client.send([...asked, ...late].map((key) => `mg ${key} v\r\n`).join(''));
  await runtime.settle();
  expect(keys).toEqual([...asked, ...late]);
  answer(asked.map(answerOf).join(''));
  answer(late.map(answerOf).join(''));
  await runtime.settle();
  expectSame(client.take(), [...asked, ...late].map(saidOf).join(''));
  client.destroy();
});

/** A memcached that has every key, and answers in chunks of any size. */
async function everyKey(): Promise<string> {
  const random = seededRandom(8);
  const sockets = new Set<NodeSocket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\r\n');
      rest = lines.pop()!;
      const said = lines.map((line) =>
        line === 'version' ? 'VERSION 1.6.18\r\n' : answerOf(line.split(' ')[1]!),
      );
      const bytes = Buffer.from(said.join(''), 'latin1');
      for (let at = 0; at < bytes.length;) {
        const size = 1 + Math.floor(random() * 200_000);
        socket.write(bytes.subarray(at, at + size));
        at += size;
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { readonly port: number };
  return `127.0.0.1:${port}`;
}

async function served(): Promise<Proxy> {
  const server = await everyKey();
  const store = lendingMemcached({ servers: [server], raw: true, fence: false, timeout: '20s' });
  cleanups.push(() => store.close());
  const proxy = await serveProxy(store, { listen: '127.0.0.1:0', timeout: '20s' });
  cleanups.push(() => proxy.close());
  return proxy;
}

test('clients that read slowly are told the values of their own keys, of every size', async () => {
  const proxy = await served();
  const sizes = [10, 90, 1000, 4000, 4096, 4097, 12_000, 32_767, 32_768, 40_000, 60_000, 100_000];
  const random = seededRandom(9);
  await Promise.all(
    Array.from({ length: 3 }, async (_, number) => {
      const client = new Talk(realRuntime, proxy.addresses[0]!);
      cleanups.push(() => client.destroy());
      const keys = Array.from({ length: 1500 }, (_each, index) => {
        const size = sizes[Math.floor(random() ** 2 * sizes.length)]!;
        return `c${number}k${index}:${size}`;
      });
      client.send('mn\r\n');
      await client.until(() => client.said.endsWith('MN\r\n'));
      client.take();
      client.pause();
      client.send(`${keys.map((key) => `mg ${key} v\r\n`).join('')}mn\r\n`);
      for (let pause = 0; pause < 20; pause++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        client.resume();
        await new Promise((resolve) => setTimeout(resolve, 1));
        client.pause();
      }
      client.resume();
      await client.until(() => client.said.endsWith('MN\r\n'));
      expectSame(client.take(), `${keys.map(saidOf).join('')}MN\r\n`);
    }),
  );
}, 60_000);
