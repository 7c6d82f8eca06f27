import type { RemoteParameters } from './workloads/remote.ts';
import { startMemcached } from './harness/servers.ts';
import { type Benchmark, sideBySide } from './harness/side-by-side.ts';

const adapter = import.meta.resolve('./competitors/cistern-layers.ts');
const mixed = '90 % get, 8 % set, 2 % delete';
const packages = ['cistern'];

/**
 * What stands between a caller and the server: nothing but the leaf; what `memcached()` puts there by itself; routes around that. With a gutter
 * every set and delete is two operations: what was changed is also deleted in the gutter.
 */
export const benchmark: Benchmark = {
  title:
    'what health, fence, journal and routes cost: 256 callers with values of 1 KB, CPU of the client per operation',
  async run(options) {
    const memcached = await startMemcached();
    try {
      const parameters: RemoteParameters = {
        work: { get: 'get', set: 'set', delete: 'delete', [mixed]: 'mixed' },
        callers: 256,
        valueBytes: 1024,
        address: memcached.address,
      };
      return await sideBySide(
        {
          bench: 'client-layers',
          unit: 'us',
          workload: import.meta.resolve('./workloads/remote.ts'),
          cases: Object.keys(parameters.work),
          contenders: [
            { name: 'leaf alone', packages, adapter, parameters: { layers: 'leaf' } },
            { name: 'health, fence, journal', packages, adapter, parameters: { layers: 'safe' } },
            { name: 'and sharded, by prefix', packages, adapter, parameters: { layers: 'routes' } },
            { name: 'and a gutter', packages, adapter, parameters: { layers: 'gutter' } },
            { name: 'and measured', packages, adapter, parameters: { layers: 'measured' } },
          ],
          baseline: 'leaf alone',
          effort: { rounds: 45, milliseconds: 100 },
          parameters: { ...parameters },
        },
        options,
        { servers: { 'memcached server': memcached.version } },
      );
    } finally {
      await memcached.close();
    }
  },
};
