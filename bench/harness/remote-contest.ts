import type { Address } from '../competitors/adapter.ts';
import type { RemoteParameters } from '../workloads/remote.ts';
import type { Contender } from './contest.ts';
import type { Outcome } from './result.ts';
import { startMemcached, startRedis } from './servers.ts';
import { type RunOptions, sideBySide } from './side-by-side.ts';

type Parameters = Omit<RemoteParameters, 'address' | 'work'> & { readonly work: 'get' | 'set' | 'multi-get' };
type Work = Parameters & {
  readonly bench: string;
  /** Other ways to use Cistern, beside the leaf. */
  readonly variants?: readonly Contender[];
};

const memcachedClients: readonly Contender[] = [
  { name: 'memcache', packages: ['memcache'], adapter: import.meta.resolve('../competitors/memcache.ts') },
  { name: 'memjs', packages: ['memjs'], adapter: import.meta.resolve('../competitors/memjs.ts') },
  { name: 'memcached', packages: ['memcached'], adapter: import.meta.resolve('../competitors/memcached.ts') },
];

const ioredis = import.meta.resolve('../competitors/ioredis.ts');
const leaf = import.meta.resolve('../competitors/cistern-leaf.ts');

/** The clients of a cache server side by side: one memcached for all, and a Redis for ioredis where there is one. */
export async function remoteContest(work: Work, options: RunOptions): Promise<Outcome> {
  const { bench, variants = [], ...parameters } = work;
  const memcached = await startMemcached();
  const redis = await startRedis();
  try {
    return await sideBySide(
      {
        bench,
        unit: 'us',
        workload: import.meta.resolve('../workloads/remote.ts'),
        cases: [caseName(parameters)],
        contenders: [
          { name: 'cistern', packages: ['cistern'], adapter: leaf },
          { name: 'cistern (text)', packages: ['cistern'], adapter: leaf, parameters: { text: true } },
          ...variants,
          ...memcachedClients,
          ...(redis === undefined ? [] : redisClients(redis.address)),
        ],
        baseline: 'cistern',
        parameters: { ...parameters, address: memcached.address },
      },
      options,
      {
        servers: {
          'memcached server': memcached.version,
          ...(redis !== undefined && { 'redis server': redis.version }),
        },
        skipped:
          redis === undefined
            ? ['ioredis: no redis-server on the PATH (Debian: apt-get install redis-server)']
            : [],
      },
    );
  } finally {
    await memcached.close();
    await redis?.close();
  }
}

function redisClients(address: Address): Contender[] {
  return [
    { name: 'ioredis', packages: ['ioredis'], adapter: ioredis, parameters: { address } },
    {
      name: 'ioredis (Buffers)',
      packages: ['ioredis'],
      adapter: ioredis,
      parameters: { address, bytes: true },
    },
  ];
}

function caseName({ work, callers, valueBytes }: Parameters): string {
  return `${work === 'multi-get' ? '100 keys x ' : ''}${valueBytes} B, ${callers} callers`;
}
