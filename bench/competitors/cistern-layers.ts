import { memcached, type MemcachedStore } from 'cistern/memcached';
import { gutter, measured, prefixed } from 'cistern/routes';
import type { Store } from 'cistern';
import { type Address, lifetime, type RemoteClient } from './adapter.ts';

/** How long an operation is waited for, in milliseconds. */
const patience = 5000;

export type Layers = 'leaf' | 'safe' | 'routes' | 'gutter' | 'measured';

/** A memcached server, behind more or less of what keeps a fleet up. */
export async function openRemoteClient(
  address: Address,
  parameters: Record<string, unknown>,
): Promise<RemoteClient> {
  const store = layered(`${address.host}:${address.port}`, parameters['layers'] as Layers);
  const life = { freshFor: lifetime, staleFor: 0 };
  const deadline = (): number => performance.now() + patience;
  const client: RemoteClient = {
    async get(key) {
      const reply = await store.execute({ kind: 'get', key, deadline: deadline() });
      if (reply.kind === 'failed') throw reply.error;
      return reply.kind === 'hit' ? reply.value : undefined;
    },
    async getMany(keys) {
      return await Promise.all(keys.map((key) => client.get(key)));
    },
    async set(key, { bytes }) {
      const reply = await store.execute({
        kind: 'set',
        mode: 'set',
        key,
        value: bytes,
        flags: 0,
        life,
        deadline: deadline(),
      });
      if (reply.kind !== 'stored') throw new Error(`set answered ${reply.kind}`);
    },
    async delete(key) {
      const reply = await store.execute({ kind: 'delete', key, deadline: deadline() });
      if (reply.kind === 'failed') throw reply.error;
    },
    close: () => store.close(),
  };
  return client;
}

function layered(server: string, layers: Layers): Store {
  const safe = layers !== 'leaf';
  // Pools on one server need names of their own, or one deletes what is the other's.
  const pool = (name: string): MemcachedStore =>
    memcached({
      servers: [server],
      timeout: patience,
      salt: name,
      poolName: name,
      ...(!safe && { fence: false, journal: false }),
    });
  const main = pool('main');
  if (layers === 'leaf' || layers === 'safe') return main;
  const guttered = layers === 'routes' ? main : gutter(main, pool('gutter'));
  const routes = prefixed({ 'none:': pool('none') }, guttered);
  return layers === 'measured' ? measured(routes) : routes;
}
