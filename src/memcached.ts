/** The door `cistern/memcached`: memcached servers as a store. */
export type { JournalOptions, JournalStatistics, ServerDebt } from './routes/journal/journal.ts';
export type { PlacementName } from './routes/placement/placement-by-name.ts';
export { type DnsName, dnsServers } from './routes/server-list/dns-servers.ts';
export { fileServers } from './routes/server-list/file-servers.ts';
export { polledServers, type PollOptions } from './routes/server-list/polled-servers.ts';
export type { Member, Server, ServerList } from './routes/server-list/server-list.ts';
export { type ElastiCacheOptions, elastiCacheServers } from './stores/memcached/elasticache.ts';
export { memcached, type MemcachedOptions } from './stores/memcached/memcached.ts';
export type { MemcachedStore } from './stores/memcached/memcached-pool.ts';
export type { WriteFailure } from './stores/memcached/pool-safety.ts';
