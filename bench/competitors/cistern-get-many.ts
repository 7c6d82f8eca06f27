import { cistern } from 'cistern';
import { memcached } from 'cistern/memcached';
import { type Address, lifetime, type RemoteClient } from './adapter.ts';

/** The front door without its near tier: every read goes to the server, is opened, checked and decoded into a string. */
export async function openRemoteClient(address: Address): Promise<RemoteClient> {
  const remote = memcached({ servers: [`${address.host}:${address.port}`], timeout: '5s' });
  const caches = cistern({ name: 'bench', near: false, remote });
  const texts = caches.define('text', {
    load: (key: string): string => {
      throw new Error(`${key} was not in the server`);
    },
    ttl: lifetime,
    // A reload ahead of expiry would run the loader, and there is none.
    refreshAhead: 0,
  });
  return {
    get: (key) => texts.get(key),
    set: (key, value) => texts.set(key, value.text),
    async getMany(keys) {
      const found = await texts.getMany(keys);
      return keys.map((key) => found.get(key));
    },
    async close() {
      await caches.close();
      await remote.close();
    },
  };
}
