import type { Store } from 'cistern';
import { memcached } from 'cistern/memcached';
import { findMemcached, startMemcached } from 'cistern/testing';
import { startEmbeddedRemote } from './embedded-remote.ts';
import { watch } from './watchdog.ts';

/** The shared tier of the shop: a store, what it is, and how to end it. */
export interface Remote {
  readonly store: Store;
  readonly description: string;
  stop(): Promise<void>;
}

/** A server that was started for the shop. */
interface Server {
  readonly address: string;
  readonly description: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const megabytes = 256;

/** A real memcached where there is one on the PATH; else the one that comes with Cistern. Either way a process of its own, on a free loopback port. */
export async function startRemote(): Promise<Remote> {
  const server = findMemcached() === undefined ? await startOwn() : await startReal();
  const callOff = watch(server.pid, 'TERM');
  // Patient, because all of this may run on a small machine that is busy with other things, too.
  const store = memcached({ servers: [server.address], timeout: '250ms' });
  return {
    store,
    description: server.description,
    async stop() {
      await store.close();
      await server.stop();
      callOff();
    },
  };
}

async function startReal(): Promise<Server> {
  const server = await startMemcached({ args: ['-m', String(megabytes)] });
  const { address, version, pid } = server;
  return { address, pid, description: `memcached ${version} on ${address}`, stop: () => server.stop() };
}

async function startOwn(): Promise<Server> {
  const server = await startEmbeddedRemote(`${megabytes}mb`);
  const { address, command, pid } = server;
  return {
    address,
    pid,
    description: `'${command}' on ${address} (memcached is not on the PATH; install it and start again to see it)`,
    stop: () => server.stop(),
  };
}
