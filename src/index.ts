/** The front door: caches, and what is needed to define them. Stores with a server behind them have doors of their own. */
export { Cache } from './cache/cache.ts';
export type { MutateOptions, Mutation, ReadOptions } from './cache/call-options.ts';
export { type CacheOf, cistern, Cistern, type MemoizeOptions } from './cache/cistern.ts';
export type { CacheEntry, FailedEntry } from './cache/cache-entry.ts';
export type { Codec } from './cache/codec/codec.ts';
export type { CodecStep } from './cache/codec/codec-step.ts';
export type {
  Definition,
  KeylessDefinition,
  Lifetimes,
  LoadContext,
  LoadedMany,
  LoadLimits,
  LoadManyContext,
} from './cache/definition.ts';
export type { HotKey } from './cache/hot-keys/hot-keys.ts';
export type { HotKeysOptions, HotKeysSettings } from './cache/hot-keys/hot-keys-options.ts';
export { notFound, type NotFound } from './cache/not-found.ts';
export type { CacheConfiguration, Configuration, Staleness } from './cache/configuration.ts';
export type { CisternOptions, NearOptions, NearSettings } from './cache/options.ts';
export type { StandardSchema } from './cache/standard-schema.ts';
export type {
  CacheStatistics,
  CisternStatistics,
  NearTierStatistics,
  RemovalCounts,
} from './cache/statistics.ts';
export type { IndexName } from './cache/near/entry-weight.ts';
export type { SizeEstimate } from './cache/near/live-curve.ts';
export type { PolicyName } from './policies/policy-by-name.ts';
export type { RestoredNear } from './cache/snapshot/restore.ts';
export type { SavedNear } from './cache/snapshot/save.ts';
export { type CacheKey, type PrivateKey, tenant, type TenantPart } from './cache/tenant.ts';
export type { Confirmation } from './cache/writer.ts';
export type { Bytes } from './core/bytes.ts';
export type { Duration } from './core/duration.ts';
export { CisternError, type ErrorCode } from './core/error.ts';
export type { Events } from './core/events.ts';
export { type HotKeySet, hotKeySet } from './core/hot-key-set.ts';
export type { KeyPart, KeyTuple } from './core/key.ts';
export type { Runtime } from './core/runtime.ts';
export type {
  Claim,
  CountOperation,
  DeleteOperation,
  FailedReply,
  GetOperation,
  HitReply,
  Life,
  MissReply,
  Operation,
  ReleaseOperation,
  Reply,
  Right,
  SetOperation,
  Store,
  StoredReply,
  TouchOperation,
} from './core/store.ts';
export { memory, type MemoryOptions } from './stores/memory/memory.ts';
export { nothing } from './stores/nothing.ts';
