import type { KeyPart } from '../core/key.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Background } from './background.ts';
import { callersKey, nearKeyText } from './cache-key.ts';
import { Cache } from './cache.ts';
import type { CallContext } from './call-context.ts';
import type { CodecStep } from './codec/codec-step.ts';
import type { Codec } from './codec/codec.ts';
import type { Deadlines } from './deadlines.ts';
import type { AnyDefinition } from './definition.ts';
import type { GuardedStore } from './guarded-store.ts';
import type { HotKeys } from './hot-keys/hot-keys.ts';
import { IdKeys } from './id-keys.ts';
import { Keeper } from './keeper.ts';
import { Loader } from './loader.ts';
import type { CacheSettings } from './options.ts';
import type { OwedRemovals } from './owed-removals.ts';
import { Reader } from './reader.ts';
import type { ServerRecord } from './record/server-record.ts';
import { RemoteTier } from './remote-tier.ts';
import { RetryWindow } from './retry-window.ts';
import type { Rooms } from './rooms.ts';
import type { SharedNear } from './shared-near.ts';
import type { SnapshotCache } from './snapshot/snapshot-cache.ts';
import { Counters } from './statistics.ts';
import { Writer } from './writer.ts';

/** What the caches of one object share. */
export interface Family {
  readonly name: string;
  readonly codec: Codec;
  readonly steps: readonly CodecStep[];
  readonly runtime: Runtime;
  readonly deadlines: Deadlines;
  readonly background: Background;
  readonly near: SharedNear | undefined;
  readonly store: GuardedStore | undefined;
  readonly record: ServerRecord | undefined;
  readonly hotKeys: HotKeys | undefined;
  readonly context: CallContext;
  /** Whether the family has been closed. */
  readonly closed: () => boolean;
}

/** A cache as its family sees it. */
export interface OpenCache extends SnapshotCache {
  readonly reader: Reader<never>;
  /** How long its hot keys may be answered near although other keys are not, in milliseconds. */
  readonly hotTtl: number;
  /** Another process cleared it, or its record was lost. */
  readonly clear: () => void;
  readonly owed: OwedRemovals | undefined;
}

/** Puts a cache together from what was checked. */
export function assembledCache<Id, R>(
  family: Family,
  settings: CacheSettings,
  definition: AnyDefinition<Id, R>,
): { readonly cache: Cache<Id, never, never>; readonly open: OpenCache } {
  const { runtime, deadlines, background } = family;
  const { name } = settings;
  const counters = new Counters();
  const keys = new IdKeys(settings, definition.key);
  const keyed = definition.key !== undefined;
  const remote = settings.remote ? remoteTier(family, settings, counters) : undefined;
  const hot = family.hotKeys?.cache({
    name,
    sampled: settings.near,
    kept: !settings.near && remote !== undefined && family.near !== undefined,
    callersKey: (key) => callersKey(key, keyed),
    nameOf: (key) => remote?.nameOf(nearKeyText(key, keyed)),
  });
  const hotTtl = hot?.nearTtl ?? 0;
  const near = settings.near || hotTtl > 0 ? family.near?.index(name, keyed) : undefined;
  const rooms: Rooms<Id> = {
    settings,
    runtime,
    deadlines,
    background,
    counters,
    keeper: new Keeper(near, settings, remote, runtime, counters, hot),
    remote,
    loader: new Loader<Id>(
      settings,
      definition as AnyDefinition<Id, unknown>,
      (id): KeyPart => keys.near(id),
      runtime,
      counters,
    ),
    retry: new RetryWindow(settings.retryAfterError),
    hot,
  };
  const reader = new Reader(rooms);
  const { keeper } = rooms;
  const cache = new Cache<Id, never>({
    rooms,
    reader,
    writer: new Writer(rooms, reader),
    near,
    estimate: () => family.near?.estimate(),
    record: family.record,
    context: family.context,
    keys,
    closed: family.closed,
  });
  const clear = (): void => {
    // What is not in the remote tier has nothing to do with its record.
    if (remote === undefined) return;
    keeper.clear();
    reader.supersedeAll();
  };
  const open = {
    reader: reader as unknown as Reader<never>,
    settings,
    keeper,
    keyed,
    hotTtl,
    clear,
    owed: remote?.owed,
  };
  return { cache, open };
}

function remoteTier(family: Family, settings: CacheSettings, counters: Counters): RemoteTier {
  const { name, version, maxValueBytes, schema, spans } = settings;
  return new RemoteTier({
    store: family.store!,
    record: family.record!,
    prefix: `${family.name}:${name}:${version}:`,
    format: { cache: name, codec: family.codec, steps: family.steps, maxBytes: maxValueBytes },
    schema,
    staleFor: spans.staleFor,
    counters,
    runtime: family.runtime,
  });
}
