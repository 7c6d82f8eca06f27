import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis';
import {
  capacity,
  type FleetCache,
  type FleetOptions,
  type Key,
  lifetime,
  type LoadingCache,
  type Product,
} from './adapter.ts';

/** `serialize`: its default; false is its faster way. Its keys are strings only: whoever has a number makes one. */
export function openLoadingCache(
  load: (key: Key) => Promise<Product>,
  parameters: Record<string, unknown>,
): LoadingCache {
  const serialize = parameters['serialize'] !== false;
  const cache = new BentoCache({
    default: 'memory',
    stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: capacity, serialize })) },
  });
  return { get: (key) => cache.getOrSet({ key: String(key), ttl: lifetime, factory: () => load(key) }) };
}

export async function openFleetCache(options: FleetOptions): Promise<FleetCache> {
  const connection = { ...options.address };
  const cache = new BentoCache({
    default: 'tiers',
    stores: {
      tiers: bentostore()
        .useL1Layer(memoryDriver({ maxItems: capacity }))
        .useL2Layer(redisDriver({ connection }))
        .useBus(redisBusDriver({ connection })),
    },
  });
  return {
    get: (key) =>
      cache.getOrSet({
        key,
        ttl: options.freshFor,
        grace: options.staleFor,
        // Zero: do not wait for the loader while there is something stale.
        timeout: 0,
        factory: () => options.load(key),
      }),
    close: () => cache.disconnectAll(),
  };
}
