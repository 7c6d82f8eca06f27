import { nearKeyText } from '../cache-key.ts';
import type { KeyPart } from '../../core/key.ts';
import type { Runtime } from '../../core/runtime.ts';
import type { CodecStep } from '../codec/codec-step.ts';
import type { EntryFormat } from '../codec/envelope.ts';
import { structured } from '../codec/structured-codec.ts';
import type { Keeper } from '../keeper.ts';
import type { CacheSettings } from '../options.ts';
import type { ServerRecord } from '../record/server-record.ts';
import type { SharedNear } from '../shared-near.ts';

/** A cache as a snapshot sees it. */
export interface SnapshotCache {
  readonly settings: CacheSettings;
  readonly keeper: Keeper;
  /** Whether it has a `key` function. */
  readonly keyed: boolean;
}

/** Whose near tier is saved or restored. */
export interface SnapshotOwner {
  readonly name: string;
  readonly near: SharedNear;
  readonly record: ServerRecord | undefined;
  readonly caches: ReadonlyMap<string, SnapshotCache>;
  readonly steps: readonly CodecStep[];
  readonly runtime: Runtime;
}

/** The most that an entry may take in a file. */
const maxBytes = 1024 ** 3;

/** The form of a cache's values in a file: `structured`, which keeps whatever a cache may hold but instances of classes, and then the steps of the remote tier. */
export function formatOf({ steps }: SnapshotOwner, cache: string): EntryFormat {
  return { cache, codec: structured, steps, maxBytes };
}

/** What the steps are told of an entry: another one in its place would be refused by a step that authenticates. */
export function stepKey(
  owner: SnapshotOwner,
  { settings, keyed }: SnapshotCache,
  key: KeyPart,
): { readonly key: string; readonly hashed: undefined } {
  if (owner.steps.length === 0) return noKey;
  const text = nearKeyText(key, keyed);
  return { key: `${owner.name}:${settings.name}:${settings.version}:${text}`, hashed: undefined };
}

const noKey = { key: '', hashed: undefined };

/** Of the remote tier, as far as it is known; `undefined` for a cache that has none, too. */
export function generationOf({ record }: SnapshotOwner, { settings }: SnapshotCache): string | undefined {
  return settings.remote ? record?.generation(settings.name) : undefined;
}
