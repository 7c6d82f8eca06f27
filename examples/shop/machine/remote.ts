import { memory, type Store } from 'cistern';
import { memcached } from 'cistern/memcached';
import { findMemcached, startMemcached } from 'cistern/testing';
import { watch } from './watchdog.ts';

/** The shared tier of the shop: a store, what it is, and how to end it. */
export interface Remote {
  readonly store: Store;
  readonly description: string;
  stop(): Promise<void>;
}

/** A real memcached where there is one on the PATH, started on a free loopback port; else a store in this process. */
export async function startRemote(): Promise<Remote> {
  if (findMemcached() === undefined) {
    const store = memory({ maxBytes: '256mb' });
    const description = `a store in this process (memcached is not on the PATH; install it and start again to see it)`;
    return { store, description, stop: () => store.close() };
  }
  const server = await startMemcached({ args: ['-m', '256'] });
  const callOff = watch(server.pid, 'TERM');
  // Patient, because all of this may run on a small machine that is busy with other things, too.
  const store = memcached({ servers: [server.address], timeout: '250ms' });
  return {
    store,
    description: `memcached ${server.version} on ${server.address}`,
    async stop() {
      await store.close();
      await server.stop();
      callOff();
    },
  };
}
