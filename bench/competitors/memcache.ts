import { Memcache } from 'memcache';
import type { Address, RemoteClient } from './adapter.ts';

export async function openRemoteClient(address: Address): Promise<RemoteClient> {
  const client = new Memcache(`${address.host}:${address.port}`);
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
