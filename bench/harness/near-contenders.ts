import type { Contender } from './contest.ts';

const nearTier = import.meta.resolve('../competitors/near-cistern.ts');
const lruCache = import.meta.resolve('../competitors/near-lru-cache.ts');
const plainMap = import.meta.resolve('../competitors/near-map.ts');
/** The near tier with this policy and this index. */
export const cistern = (name: string, policy: string, index: string): Contender => ({
  name,
  packages: ['cistern'],
  adapter: nearTier,
  parameters: { policy, index },
});

/** Caches inside the process: Cistern's near tier in its default and other pairs of policy and index, and what it is measured against. */
export const nearContenders: readonly Contender[] = [
  cistern('cistern', 'w-tinylfu', 'hash'),
  cistern('cistern w-tinylfu, map', 'w-tinylfu', 'map'),
  cistern('cistern lru, hash', 'lru', 'hash'),
  cistern('cistern lru, map', 'lru', 'map'),
  cistern('cistern clock, hash', 'clock', 'hash'),
  {
    name: 'lru-cache, ttl',
    packages: ['lru-cache'],
    adapter: lruCache,
    parameters: { ttl: true },
  },
  { name: 'lru-cache, max', packages: ['lru-cache'], adapter: lruCache },
  { name: 'plain Map', packages: [], adapter: plainMap },
];
