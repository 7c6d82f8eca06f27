/** The door `cistern/routes`: stores made of stores. */
export { bigValues, type BigValuesOptions } from './routes/big-values.ts';
export { byOperation, type ByOperationOptions } from './routes/by-operation.ts';
export {
  type ChaosMode,
  chaotic,
  type ChaoticOptions,
  type ChaoticStore,
  type Faults,
} from './routes/chaotic.ts';
export { ephemeral, type EphemeralOptions } from './routes/ephemeral.ts';
export { failover, type FailoverOptions } from './routes/failover.ts';
export { gutter, type GutterOptions } from './routes/gutter.ts';
export { hedged, type HedgedOptions, type HedgedStore, type HedgeStatistics } from './routes/hedged.ts';
export { limited, type LimitedOptions } from './routes/limited.ts';
export {
  type LatencyStatistics,
  measured,
  type MeasuredOptions,
  type MeasuredStore,
  type OperationStatistics,
  type StoreStatistics,
} from './routes/measured.ts';
export { mirrored, type MirroredOptions } from './routes/mirrored.ts';
export { missFailover, type MissFailoverOptions } from './routes/miss-failover.ts';
export { prefixed, type PrefixedOptions } from './routes/prefixed.ts';
export {
  shadowed,
  type ShadowedOptions,
  type ShadowedStore,
  type ShadowStatistics,
} from './routes/shadowed.ts';
export type { PlacedServer, Placement, PlacementKind } from './routes/placement/placement.ts';
export type { PlacementName } from './routes/placement/placement-by-name.ts';
export { type DnsName, dnsServers } from './routes/server-list/dns-servers.ts';
export { fileServers } from './routes/server-list/file-servers.ts';
export { polledServers, type PollOptions } from './routes/server-list/polled-servers.ts';
export type { Member, Server, ServerList } from './routes/server-list/server-list.ts';
export { sharded, type ShardedOptions } from './routes/sharded.ts';
export { warming, type WarmingOptions } from './routes/warming.ts';
export { replicatedKeys, type ReplicatedKeysOptions } from './routes/replicated-keys.ts';
export {
  type Migrating,
  migrating,
  type MigratingOptions,
  type MigrationStatistics,
  type MigrationStatusOptions,
} from './routes/migrating/migrating.ts';
export type { CopyCounts, PoolCounts } from './routes/migrating/pool-counts.ts';
export type { MigrationSchedule, ScheduledStage, Stage } from './routes/migrating/time-table.ts';
