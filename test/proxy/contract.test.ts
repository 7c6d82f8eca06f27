import { afterAll, beforeAll, describe, test } from 'vitest';
import { realRuntime } from '../../src/core/runtime.ts';
import type { Store } from '../../src/core/store.ts';
import { type Proxy, serveProxy } from '../../src/proxy/proxy.ts';
import { memcached } from '../../src/stores/memcached/memcached.ts';
import { memory } from '../../src/stores/memory/memory.ts';
import { type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';
import { storeContract } from '../../src/testing/store-contract.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';

/** A client of this kind on the other side of a proxy finds the contract as it does at a memcached. */

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));

/** What stands behind the proxy: opened once for all laws. */
interface Behind {
  readonly name: string;
  readonly open: () => Promise<Store>;
}

let server: MemcachedServer | undefined;
beforeAll(async () => {
  if (!withoutMemcached) server = await startMemcached();
});
afterAll(async () => await server?.stop());

const behind: readonly Behind[] = [
  { name: 'memory', open: async () => memory({ raw: true, maxBytes: '64mb' }) },
  {
    name: 'a memcached with a fence',
    open: async () => memcached({ servers: [server!.address], raw: true, timeout: '10s' }),
  },
];

for (const { name, open } of behind) {
  describe.skipIf(withoutMemcached && name !== 'memory')(`in front of ${name}`, () => {
    let proxy: Proxy;
    let store: Store;
    beforeAll(async () => {
      store = await open();
      proxy = await serveProxy(store, { listen: '127.0.0.1:0', timeout: '10s' });
    });
    afterAll(async () => {
      await proxy.close();
      await store.close();
    });

    storeContract(
      { describe, test },
      {
        name: `memcached() through a proxy in front of ${name}`,
        make: async () => ({
          // A pool of its own: that behind the proxy has its records on the same server.
          store: memcached({
            servers: [proxy.addresses[0]!],
            timeout: '10s',
            poolName: 'clients',
            journal: false,
          }),
          clock: realRuntime.clock,
          advance: sleep,
          dispose: async () => undefined,
        }),
      },
    );
  });
}
