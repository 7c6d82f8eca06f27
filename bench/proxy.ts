import type { Outcome } from './harness/result.ts';
import { startMemcached } from './harness/servers.ts';
import { type Benchmark, sideBySide } from './harness/side-by-side.ts';
import { proxyCases } from './workloads/proxy.ts';

const leaf = import.meta.resolve('./competitors/cistern-leaf.ts');
const proxy = import.meta.resolve('./competitors/cistern-proxy.ts');

/** A proxy must do at least this share of the bare leaf's operations with the same CPU. */
const wanted = 0.6;

export const benchmark: Benchmark = {
  title:
    'get of 1 KB by 256 callers: the bare leaf, and `cistern proxy` in between; CPU of the process per operation',
  async run(options): Promise<Outcome> {
    const memcached = await startMemcached();
    try {
      const outcome = await sideBySide(
        {
          bench: 'proxy',
          unit: 'us',
          workload: import.meta.resolve('./workloads/proxy.ts'),
          cases: proxyCases,
          contenders: [
            { name: 'leaf', packages: ['cistern'], adapter: leaf },
            { name: 'proxy', packages: ['cistern'], adapter: proxy },
            {
              name: 'proxy with its own store',
              packages: ['cistern'],
              adapter: proxy,
              parameters: { memory: true },
            },
          ],
          baseline: 'leaf',
          parameters: { work: 'get', callers: 256, valueBytes: 1024, address: memcached.address },
        },
        options,
        { servers: { 'memcached server': memcached.version } },
      );
      return {
        ...outcome,
        table: `${outcome.table}\n\nWanted of the proxy: at most ${(1 / wanted).toFixed(2)} x leaf.`,
      };
    } finally {
      await memcached.close();
    }
  },
};
