/** The door `cistern/routes`: stores made of stores. */
export { byOperation, type ByOperationOptions } from './routes/by-operation.ts';
export { ephemeral, type EphemeralOptions } from './routes/ephemeral.ts';
export { failover, type FailoverOptions } from './routes/failover.ts';
export { gutter, type GutterOptions } from './routes/gutter.ts';
export { limited, type LimitedOptions } from './routes/limited.ts';
export {
  type LatencyStatistics,
  measured,
  type MeasuredOptions,
  type MeasuredStore,
  type OperationStatistics,
  type StoreStatistics,
} from './routes/measured.ts';
export { missFailover, type MissFailoverOptions } from './routes/miss-failover.ts';
export { prefixed, type PrefixedOptions } from './routes/prefixed.ts';
export {
  shadowed,
  type ShadowedOptions,
  type ShadowedStore,
  type ShadowStatistics,
} from './routes/shadowed.ts';
