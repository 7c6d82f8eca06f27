import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Address } from '../competitors/adapter.ts';

/** A server of this run alone: on a free port of the loopback address, ended by its process id. */
export interface Server extends Address {
  readonly version: string;
  close(): Promise<void>;
}

const host = '127.0.0.1';

/** With two threads and room for everything, so that the clients are what is measured. */
export function startMemcached(): Promise<Server> {
  return start('memcached', (port) => [
    `--listen=${host}`,
    `--port=${port}`,
    '--udp-port=0',
    '--threads=2',
    '--memory-limit=512',
    '--conn-limit=4096',
    // It refuses to run as root without being told whom to become.
    ...(process.getuid?.() === 0 ? ['--user=memcache'] : []),
  ]);
}

export function startRedis(): Promise<Server> {
  return start('redis-server', (port) => [
    '--bind',
    host,
    '--port',
    String(port),
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    tmpdir(),
  ]);
}

/** Whether a program is on the PATH. */
export function installed(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

async function start(program: string, options: (port: number) => string[]): Promise<Server> {
  if (!installed(program))
    throw new Error(`${program} is not on the PATH: install it (Debian: apt-get install ${program})`);
  const port = await freePort();
  const child = spawn(program, options(port), { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const atExit = (): void => void child.kill('SIGKILL');
  process.once('exit', atExit);
  try {
    await answering(child, port, () => `${program} did not start: ${complaints}`);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    host,
    port,
    version: await version(program),
    async close() {
      process.off('exit', atExit);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await ended;
    },
  };
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
  let failed = false;
  child.once('error', () => (failed = true));
  for (const end = performance.now() + 10_000; performance.now() < end;) {
    if (failed || child.exitCode !== null || child.signalCode !== null) break;
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(complaint());
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** The first number with dots that `--version` tells. */
async function version(program: string): Promise<string> {
  const child = spawn(program, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  return /\d+(\.\d+)+/.exec(output)?.[0] ?? 'unknown';
}
