import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { startMemcached as startTestServer } from '../../src/testing/memcached-server.ts';
import type { Address } from '../competitors/adapter.ts';

/** A server of this run alone: on a free port of the loopback address, ended by its process id. */
export interface Server {
  readonly address: Address;
  readonly version: string;
  close(): Promise<void>;
}

const host = '127.0.0.1';

/** With two threads and room for everything, so that the clients are what is measured. Rejects when there is none on the PATH. */
export async function startMemcached(): Promise<Server> {
  const server = await startTestServer({ args: ['-t', '2', '-m', '512', '-c', '4096'] });
  return { address: { host, port: server.port }, version: server.version, close: () => server.stop() };
}

/** A Redis that keeps nothing on disk, or undefined when there is none on the PATH. */
export async function startRedis(): Promise<Server | undefined> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const program = folders.map((folder) => join(folder, 'redis-server')).find((path) => existsSync(path));
  if (program === undefined) return undefined;
  const port = await freePort();
  const child = spawn(
    program,
    ['--bind', host, '--port', String(port), '--save', '', '--appendonly', 'no', '--dir', tmpdir()],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  const atExit = (): void => void child.kill('SIGKILL');
  process.once('exit', atExit);
  const close = async (): Promise<void> => {
    process.off('exit', atExit);
    child.kill('SIGKILL');
    await gone;
  };
  try {
    await answering(child, port, () => `${program} did not start: ${said}`);
  } catch (error) {
    await close();
    throw error;
  }
  return { address: { host, port }, version: /version=([\d.]+)/.exec(said)?.[1] ?? 'unknown', close };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** Waits until something accepts on the port, for 10 seconds at most. */
async function answering(child: ChildProcess, port: number, complaint: () => string): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end;) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) break;
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(complaint());
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
  });
}
