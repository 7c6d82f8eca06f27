import { Memcache } from 'memcache';
import type { Address, RemoteClient } from './adapter.ts';

export async function openRemoteClient(address: Address): Promise<RemoteClient> {
  // Its timeout also closes a connection that was idle for so long, as between two rounds: not after its default of 5 s.
  const client = new Memcache({ nodes: [`${address.host}:${address.port}`], timeout: 600_000 });
  await client.connect();
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value.text),
    async getMany(keys) {
      const found = await client.gets([...keys]);
      return keys.map((key) => found.get(key));
    },
    close: () => client.disconnect(),
  };
}
