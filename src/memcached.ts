/** The door `cistern/memcached`: a memcached server as a store. */
export type { JournalOptions, JournalStatistics, ServerDebt } from './routes/journal/journal.ts';
export { memcached, type MemcachedOptions } from './stores/memcached/memcached.ts';
export type { MemcachedStore } from './stores/memcached/memcached-pool.ts';
export type { WriteFailure } from './stores/memcached/pool-safety.ts';
