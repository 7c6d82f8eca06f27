import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface MemcachedServerOptions {
  /** Further arguments of memcached: `['-m', '128']`, `['-C']`. With `-Z` and `-Y` it counts as started once it takes connections. */
  readonly args?: readonly string[];
  /** The loopback address to listen on. Default `127.0.0.1`. */
  readonly host?: '127.0.0.1' | '::1';
  /** Listen on a unix socket in place of a loopback port. */
  readonly unix?: boolean;
  /** The program, by its path. Default: the first `memcached` on the PATH. */
  readonly binary?: string;
  /** Listen on this port (after a restart, say). Default: one that is free. */
  readonly port?: number;
}

/** A real memcached, started for a test. */
export interface MemcachedServer {
  /** For the option `servers` of `memcached()`: `127.0.0.1:40123` or `unix:/...`. */
  readonly address: string;
  /** 0 on a unix socket. */
  readonly port: number;
  readonly pid: number;
  /** The program that runs. */
  readonly binary: string;
  /** `1.6.18`. */
  readonly version: string;
  /** Stops the process as it is (SIGSTOP): its kernel still accepts connections and bytes, nothing is answered. */
  frozen(): void;
  /** Lets it go on (SIGCONT). */
  thawed(): void;
  /** Ends it at once (SIGKILL), as in a crash: it has nothing to save. Fulfilled once it is gone. May be called twice. */
  stop(): Promise<void>;
}

/** Where memcached is, or `undefined` when it is not on the PATH. */
export function findMemcached(): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, 'memcached');
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      continue;
    }
  }
  return undefined;
}

/**
 * Starts a memcached that is reachable from this machine alone, and waits until it answers. Rejects when there is none on
 * the PATH, or when it ends before it answers, with what it said.
 */
export async function startMemcached(options: MemcachedServerOptions = {}): Promise<MemcachedServer> {
  const binary = options.binary ?? findMemcached();
  if (binary === undefined) {
    throw new Error('memcached is not on the PATH. Install it (Debian, Ubuntu: apt-get install memcached).');
  }
  const folder = mkdtempSync(join(tmpdir(), 'cistern-memcached-'));
  chmodSync(folder, 0o777);
  const path = join(folder, 'socket');
  const portFile = join(folder, 'port');
  const host = options.host ?? '127.0.0.1';
  const where =
    options.unix === true
      ? ['-s', path, '-a', '0777']
      : ['-l', host, '-p', String(options.port ?? -1), '-U', '0'];
  const child = spawn(binary, [...asUser(), ...where, ...(options.args ?? [])], {
    env: { ...process.env, MEMCACHED_PORT_FILENAME: portFile },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => (said += String(chunk)));
  const over = ended(child).then(() => rmSync(folder, { recursive: true, force: true }));
  const alive = (): void => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      throw new Error(`${binary} ended before it answered: ${said.trim() || 'it said nothing'}`);
    }
  };
  try {
    const port = options.unix === true ? 0 : await until(alive, () => readPort(portFile));
    const target = options.unix === true ? { path } : { host, port };
    const secret = options.args?.some((each) => each === '-Z' || each === '-Y') === true;
    const version = await until(alive, () => (secret ? takes(target, binary) : askVersion(target)));
    const kill = (): void => {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    };
    endWithThisProcess(kill);
    return {
      address: options.unix === true ? `unix:${path}` : `${host === '::1' ? '[::1]' : host}:${port}`,
      port,
      pid: child.pid!,
      binary,
      version,
      frozen: () => void child.kill('SIGSTOP'),
      thawed: () => void child.kill('SIGCONT'),
      async stop() {
        toEnd.delete(kill);
        kill();
        await over;
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    await over;
    throw error;
  }
}

/** How what runs is ended. */
const toEnd = new Set<() => void>();

/** A test runner that dies must not leave servers behind. One listener for all of them: Node warns of more than ten. */
function endWithThisProcess(end: () => void): void {
  toEnd.add(end);
  process.off('exit', endAll);
  process.once('exit', endAll);
}

function endAll(): void {
  for (const end of toEnd) end();
}

/** memcached refuses to run as root: it is told to become an ordinary user. */
function asUser(): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  try {
    execFileSync('id', ['memcache'], { stdio: 'ignore' });
    return ['-u', 'memcache'];
  } catch {
    return ['-u', 'nobody'];
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
}

function readPort(file: string): number | undefined {
  try {
    const match = /TCP INET6?: (\d+)/.exec(readFileSync(file, 'utf8'));
    return match === null ? undefined : Number(match[1]);
  } catch {
    return undefined;
  }
}

type Address = { path: string } | { host: string; port: number };

/** The version that the program tells of itself, once it takes connections. */
function takes(target: Address, binary: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(target, () => {
      socket.destroy();
      resolve(/(\d[\w.]+)/.exec(execFileSync(binary, ['-V'], { encoding: 'latin1' }))?.[1]);
    });
    socket.once('error', () => resolve(undefined));
  });
}

function askVersion(target: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(target, () => socket.write('version\r\n'));
    socket.setTimeout(1000, () => socket.destroy());
    socket.once('data', (data: Buffer) => {
      resolve(/^VERSION (\S+)/.exec(data.toString('latin1'))?.[1]);
      socket.destroy();
    });
    socket.once('error', () => resolve(undefined));
    socket.once('close', () => resolve(undefined));
  });
}

/** Asks every few milliseconds until there is an answer, at most 10 seconds. */
async function until<T>(check: () => void, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const last = performance.now() + 10_000;
  for (;;) {
    check();
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > last) throw new Error('memcached did not answer within 10 seconds.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
