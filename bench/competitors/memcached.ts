import Memcached from 'memcached';
import type { Address, RemoteClient } from './adapter.ts';

/** Callbacks only, so each call is wrapped once; its default pool of 10 connections. */
export async function openRemoteClient(address: Address): Promise<RemoteClient> {
  const client = new Memcached(`${address.host}:${address.port}`);
  return {
    get: (key) =>
      new Promise((resolve, reject) => {
        client.get(key, (error, value) => (error ? reject(error) : resolve(value as string)));
      }),
    set: (key, value) =>
      new Promise((resolve, reject) => {
        client.set(key, value.text, 0, (error, stored) => (error ? reject(error) : resolve(stored)));
      }),
    getMany: (keys) =>
      new Promise((resolve, reject) => {
        client.getMulti(keys, (error, found) =>
          error ? reject(error) : resolve(keys.map((key) => found[key] as string | undefined)),
        );
      }),
    async close() {
      client.end();
    },
  };
}
