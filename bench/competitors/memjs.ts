import { Client } from 'memjs';
import type { Address, RemoteClient } from './adapter.ts';

/** The binary protocol. It has no multi-get: many keys are many gets. */
export async function openRemoteClient(address: Address): Promise<RemoteClient> {
  const client = Client.create(`${address.host}:${address.port}`);
  const get = async (key: string): Promise<Buffer | null> => (await client.get(key)).value;
  return {
    get,
    set: (key, value) => client.set(key, value.bytes, { expires: 0 }),
    getMany: (keys) => Promise.all(keys.map(get)),
    async close() {
      client.close();
    },
  };
}
