import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';

let server: Server;
let proxy: FaultProxy;
let client: Socket;
let chunks: Buffer[];

beforeEach(async () => {
  server = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  proxy = await startFaultProxy({ target: { host: '127.0.0.1', port }, seed: 5 });
  chunks = [];
  client = connect({ host: '127.0.0.1', port: proxy.port, noDelay: true });
  client.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => client.once('connect', resolve));
});

afterEach(async () => {
  client.destroy();
  await proxy.stop();
  await new Promise((resolve) => server.close(resolve));
});

const text = Buffer.from(Array.from({ length: 300 }, (_, index) => `line ${index}\r\n`).join(''));

async function echoed(): Promise<Buffer> {
  chunks = [];
  client.write(text);
  while (chunks.reduce((sum, chunk) => sum + chunk.length, 0) < text.length) {
    await new Promise((resolve) => client.once('data', resolve));
  }
  return Buffer.concat(chunks);
}

test.each([
  ['whole', 1, 10],
  ['anywhere', 1, 1000],
  ['bytes', 100, text.length],
] as const)('bytes arrive unchanged and in order: %s', async (mode, least, most) => {
  proxy.faults.chunks = mode;
  proxy.faults.delay = [0, 2];
  expect((await echoed()).equals(text)).toBe(true);
  expect(chunks.length).toBeGreaterThanOrEqual(least);
  expect(chunks.length).toBeLessThanOrEqual(most);
});

test('hang holds everything back and lets it go again', async () => {
  proxy.faults.hang = true;
  client.write(text);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(chunks).toEqual([]);
  proxy.faults.hang = false;
  while (Buffer.concat(chunks).length < text.length) {
    await new Promise((resolve) => client.once('data', resolve));
  }
  expect(Buffer.concat(chunks).equals(text)).toBe(true);
});

test.each(['cut', 'cutAll'] as const)('%s breaks the connection', async (how) => {
  const closed = new Promise((resolve) => client.on('error', () => undefined).once('close', resolve));
  if (how === 'cut') {
    proxy.faults.cut = 1;
    client.write(text);
  } else {
    await echoed();
    proxy.cutAll();
  }
  await closed;
  expect(proxy.broken).toBe(1);
  expect(proxy.accepted).toBe(1);
});
