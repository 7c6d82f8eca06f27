import type { Bytes } from '../core/bytes.ts';
import type { Duration } from '../core/duration.ts';
import { CisternError, wrongOption } from '../core/error.ts';
import type { Store } from '../core/store.ts';
import { lendingMemcached } from '../stores/memcached/memcached.ts';
import { memory } from '../stores/memory/memory.ts';
import { UsageError } from './command.ts';
import type { ProxyArguments } from './proxy-arguments.ts';
import { loadStore } from './store-module.ts';

/** The store that the options of `cistern proxy` name. */
export async function storeOf(given: ProxyArguments): Promise<Store> {
  const { servers, memorySize, config } = given;
  const sources = [servers, memorySize, config].filter((each) => each !== undefined);
  if (sources.length !== 1) throw new UsageError('Give one of --servers, --memory and --config.');
  if (config !== undefined) return await loadStore(config);
  return await named(async () =>
    memorySize !== undefined
      ? memory({
          maxBytes: memorySize as Bytes,
          raw: true,
          ...(given.maxValue !== undefined && { maxValueBytes: given.maxValue as Bytes }),
        })
      : lendingMemcached({
          servers: servers!,
          raw: true,
          fence: given.fence,
          ...(given.timeout !== undefined && { timeout: given.timeout as Duration }),
          ...(given.poolName !== undefined && { poolName: given.poolName }),
        }),
  );
}

/** Options of the library under the names that they have on the command line. */
export async function named<T>(make: () => Promise<T>): Promise<T> {
  const names: Readonly<Record<string, string>> = { maxBytes: 'memory', maxValueBytes: 'max-value' };
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof CisternError) || error.code !== 'CISTERN_OPTION') throw error;
    const { option, value, allowed } = (error as CisternError<'CISTERN_OPTION'>).details;
    const plain = option.replace(/\[\d+\]$/, '');
    const flag = names[plain] ?? plain.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw wrongOption(flag, value, allowed);
  }
}
