import type { Contender } from './contest.ts';

const adapter = (name: string): string => import.meta.resolve(`../competitors/${name}.ts`);
/** The near tier with this policy and this index. */
export const cistern = (name: string, policy: string, index: string): Contender => ({
  name,
  packages: ['cistern'],
  adapter: adapter('near-cistern'),
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
    adapter: adapter('near-lru-cache'),
    parameters: { ttl: true },
  },
  { name: 'lru-cache, max', packages: ['lru-cache'], adapter: adapter('near-lru-cache') },
  { name: 'plain Map', packages: [], adapter: adapter('near-map') },
];
