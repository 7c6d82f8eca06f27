import type { Runtime } from '../core/runtime.ts';
import type { Background } from './background.ts';
import type { Deadlines } from './deadlines.ts';
import type { HotCache } from './hot-keys/hot-cache.ts';
import type { Keeper } from './keeper.ts';
import type { Loader } from './loader.ts';
import type { CacheSettings } from './options.ts';
import type { RemoteTier } from './remote-tier.ts';
import type { RetryWindow } from './retry-window.ts';
import type { Counters } from './statistics.ts';

/** What the parts of one cache share. */
export interface Rooms<Id> {
  readonly settings: CacheSettings;
  readonly runtime: Runtime;
  readonly deadlines: Deadlines;
  readonly background: Background;
  readonly counters: Counters;
  readonly keeper: Keeper;
  readonly remote: RemoteTier | undefined;
  readonly loader: Loader<Id>;
  readonly retry: RetryWindow;
  /** `undefined`: hot keys of this cache are not looked for. */
  readonly hot: HotCache | undefined;
}
