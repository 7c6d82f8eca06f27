import { Redis } from 'ioredis';
import type { Address, RemoteClient } from './adapter.ts';

/** `bytes`: its calls that answer Buffers in place of strings. */
export async function openRemoteClient(
  address: Address,
  parameters: Record<string, unknown>,
): Promise<RemoteClient> {
  const client = new Redis({ ...address });
  const bytes = parameters['bytes'] === true;
  return {
    get: bytes ? (key) => client.getBuffer(key) : (key) => client.get(key),
    set: bytes ? (key, value) => client.set(key, value.bytes) : (key, value) => client.set(key, value.text),
    getMany: bytes ? (keys) => client.mgetBuffer([...keys]) : (keys) => client.mget([...keys]),
    async close() {
      await client.quit();
    },
  };
}
