import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket as NodeSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { type Socket, realRuntime, type Target } from '../../src/core/runtime.ts';
import { Certificates, withoutOpenssl } from '../servers/certificates.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

/** Reads nothing at first, then slowly; keeps what it was sent. */
class SlowReader {
  readonly chunks: Buffer[] = [];
  size = 0;

  accept(socket: NodeSocket): void {
    cleanups.push(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.pause();
    const read = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk !== null) {
        this.chunks.push(chunk);
        this.size += chunk.length;
      }
      setTimeout(read, 2);
    };
    setTimeout(read, 100);
  }
}

async function listening(server: Server, path?: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(path ?? { port: 0, host: '127.0.0.1' }, resolve));
  cleanups.push(() => void server.close());
  return path === undefined ? (server.address() as { readonly port: number }).port : 0;
}

const ways: Readonly<Record<string, (accept: (socket: NodeSocket) => void) => Promise<Target>>> = {
  tcp: async (accept) => ({ host: '127.0.0.1', port: await listening(createServer(accept)) }),
  unix: async (accept) => {
    const folder = mkdtempSync(join(tmpdir(), 'cistern-'));
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'socket');
    await listening(createServer(accept), path);
    return { path };
  },
  tls: async (accept) => {
    const certificates = new Certificates();
    cleanups.push(() => certificates.remove());
    certificates.make('server', 'DNS:cache.internal');
    const [cert, key] = [certificates.pem('server.pem'), certificates.pem('server.key')];
    const port = await listening(createTlsServer({ cert, key }, accept));
    return { host: '127.0.0.1', port, tls: { ca: cert, servername: 'cache.internal' } };
  },
};

/** Writes that many pieces, each filled with its number: into the same memory whenever the socket says that it has nothing unsent. */
async function writeOver(socket: Socket, count: number, drained: () => Promise<void>): Promise<number> {
  const size = 9000;
  let block = new Uint8Array(4 * size);
  let at = 0;
  let reused = 0;
  for (let number = 0; number < count; number++) {
    if (socket.unsent === 0) {
      if (at > 0) reused++;
      at = 0;
    } else if (at + size > block.length) {
      block = new Uint8Array(4 * size);
      at = 0;
    }
    const parts = [block.subarray(at, at + 10), block.subarray(at + 10, at + size)];
    for (const part of parts) part.fill(number & 255);
    at += size;
    if (!socket.write(parts) && number % 7 === 0) await drained();
    else if (number % 50 === 0) await new Promise<void>((resolve) => realRuntime.defer(resolve));
  }
  return reused;
}

test.each(Object.keys(ways).filter((way) => way !== 'tls' || !withoutOpenssl))(
  '%s: what was written may be written over once nothing is unsent, however slowly it is read',
  async (way) => {
    const reader = new SlowReader();
    const target = await ways[way]!((socket) => reader.accept(socket));
    let wake = (): void => undefined;
    const opened = Promise.withResolvers<void>();
    const socket = realRuntime.connect(target, {
      connected: () => opened.resolve(),
      data: () => undefined,
      drained: () => wake(),
      closed: (error) => opened.reject(error ?? new Error('closed')),
    });
    cleanups.push(() => socket.destroy());
    await opened.promise;
    const count = 3000;
    const reused = await writeOver(socket, count, () => new Promise((resolve) => (wake = resolve)));
    expect(reused).toBeGreaterThan(10);
    while (reader.size < count * 9000) await new Promise((resolve) => setTimeout(resolve, 5));
    const read = Buffer.concat(reader.chunks);
    let wrong = 0;
    for (let at = 0; at < read.length; at++) if (read[at] !== (Math.floor(at / 9000) & 255)) wrong++;
    expect(wrong).toBe(0);
  },
  60_000,
);
