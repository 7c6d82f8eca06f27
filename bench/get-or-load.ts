import type { Contender, Contest } from './harness/contest.ts';
import { type Benchmark, sideBySide } from './harness/side-by-side.ts';

const contenders: readonly Contender[] = [
  { name: 'cistern', packages: ['cistern'], adapter: import.meta.resolve('./competitors/cistern.ts') },
  { name: 'plain Map', packages: [], adapter: import.meta.resolve('./competitors/plain-map.ts') },
  {
    name: 'plain Map of promises',
    packages: [],
    adapter: import.meta.resolve('./competitors/plain-promises.ts'),
  },
  {
    name: 'lru-cache fetch',
    packages: ['lru-cache'],
    adapter: import.meta.resolve('./competitors/lru-cache.ts'),
  },
  {
    name: 'p-memoize',
    packages: ['p-memoize', 'lru-cache'],
    adapter: import.meta.resolve('./competitors/p-memoize.ts'),
  },
  {
    name: 'async-cache-dedupe',
    packages: ['async-cache-dedupe'],
    adapter: import.meta.resolve('./competitors/async-cache-dedupe.ts'),
  },
  {
    name: 'cache-manager wrap',
    packages: ['cache-manager'],
    adapter: import.meta.resolve('./competitors/cache-manager.ts'),
  },
  {
    name: 'cachified + lru-cache',
    packages: ['@epic-web/cachified', 'lru-cache'],
    adapter: import.meta.resolve('./competitors/cachified.ts'),
  },
  {
    name: 'cacheable getOrSet',
    packages: ['cacheable'],
    adapter: import.meta.resolve('./competitors/cacheable.ts'),
  },
  {
    name: 'bentocache getOrSet',
    packages: ['bentocache'],
    adapter: import.meta.resolve('./competitors/bentocache.ts'),
  },
  {
    name: 'bentocache getOrSet, no serialize',
    packages: ['bentocache'],
    adapter: import.meta.resolve('./competitors/bentocache.ts'),
    parameters: { serialize: false },
  },
];

const contest: Contest = {
  bench: 'get-or-load',
  unit: 'ns',
  workload: import.meta.resolve('./workloads/get-or-load.ts'),
  cases: [
    'string keys, one after the other',
    'string keys, Promise.all of 100',
    'integer keys, one after the other',
    'integer keys, Promise.all of 100',
  ],
  contenders,
  baseline: 'cistern',
  parameters: {},
};

export const benchmark: Benchmark = {
  title: 'a hit in the near tier through the call that would load it, CPU per awaited hit',
  run: (options) => sideBySide(contest, options),
};
