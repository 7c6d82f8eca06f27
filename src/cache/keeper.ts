import { asError, CisternError } from '../core/error.ts';
import { tell } from '../core/events.ts';
import type { KeyPart } from '../core/key.ts';
import type { Runtime } from '../core/runtime.ts';
import { refreshTime } from './freshness.ts';
import type { HotCache } from './hot-keys/hot-cache.ts';
import { flags } from './near/entry-slab.ts';
import type { EntryNature, NearIndex } from './near/near-index.ts';
import { notFound } from './not-found.ts';
import type { CacheSettings } from './options.ts';
import type { Outcome } from './outcome.ts';
import type { RemoteTier } from './remote-tier.ts';
import { isUnstorable, seal, type Sealed } from './seal/seal.ts';
import type { Counters } from './statistics.ts';
import { TouchedKeys } from './touched-keys.ts';

/** A value ready to be handed out, and kept if it may be. */
export interface Admitted extends Sealed {
  /** Why it cannot be kept. */
  readonly refused: CisternError | undefined;
}

/** What the near tier is told beside the value. Times are on the monotonic clock. */
export interface NearLife {
  readonly loadedAt: number;
  readonly freshUntil: number;
  readonly staleUntil: number;
  readonly loadMilliseconds: number;
  /** When the remote tier was asked for it, or asked to store it: whoever changes it afterwards is not noticed. */
  readonly confirmedAt: number;
  /** Whether to begin a reload before it ages. */
  readonly ahead: boolean;
}

const nothingToSeal: Omit<Admitted, 'value'> = { bytes: 0, copied: false, refused: undefined };

/** Puts values into one cache's part of the near tier, and reads them there. */
export class Keeper {
  /** Also where the near tier is off for the cache, if its hot keys are kept. */
  readonly near: NearIndex | undefined;
  /** Watched by a restore: what has happened to a key meanwhile is newer than a snapshot. */
  readonly touched: TouchedKeys = new TouchedKeys();
  readonly #settings: CacheSettings;
  readonly #remote: RemoteTier | undefined;
  readonly #runtime: Runtime;
  readonly #counters: Counters;
  readonly #hot: HotCache | undefined;

  constructor(
    near: NearIndex | undefined,
    settings: CacheSettings,
    remote: RemoteTier | undefined,
    runtime: Runtime,
    counters: Counters,
    hot: HotCache | undefined,
  ) {
    this.near = near;
    this.#settings = settings;
    this.#remote = remote;
    this.#runtime = runtime;
    this.#counters = counters;
    this.#hot = hot;
  }

  /** The slot of an entry in the near tier, which counts as used, or -1. */
  find(key: KeyPart): number {
    const { near } = this;
    if (near === undefined) return -1;
    if (this.#settings.near) return near.get(key);
    // What another size of the tier would bring has nothing to do with keys that are not kept there.
    const slot = near.size === 0 ? -1 : near.look(key);
    if (slot >= 0) near.use(slot);
    return slot;
  }

  /** Freezes a value, or finds out that it can be kept nowhere. Never throws: the caller gets the value in any case. */
  admit(value: unknown): Admitted {
    if (value === notFound) return { value, ...nothingToSeal };
    const { name, sharing, maxValueBytes } = this.#settings;
    const refuse = (error: CisternError): Admitted => ({ value, ...nothingToSeal, refused: error });
    try {
      // Without a shared tier nothing is encoded, so objects of the user's classes may stay what they are.
      const sealed = seal(value, sharing, this.#remote === undefined);
      if (isUnstorable(sealed))
        return refuse(new CisternError('CISTERN_UNSTORABLE', { cache: name, ...sealed }));
      // With one, the limit is of the encoded value.
      if (this.#remote !== undefined || sealed.bytes <= maxValueBytes)
        return { ...sealed, refused: undefined };
      const what = `A value of cache '${name}' (estimated)`;
      const large = { what, bytes: sealed.bytes, limit: maxValueBytes, option: 'maxValueBytes' };
      return refuse(new CisternError('CISTERN_TOO_LARGE', large));
    } catch (error) {
      const problem = `cannot be inspected: ${asError(error).message}`;
      return refuse(new CisternError('CISTERN_UNSTORABLE', { cache: name, path: 'value', problem }, error));
    }
  }

  keep(key: KeyPart, admitted: Admitted, life: NearLife): void {
    if (this.near === undefined) return;
    const { refreshAhead } = this.#settings;
    const nearTtl = this.#settings.near ? this.#settings.nearTtl : this.#hotTtl(key);
    if (nearTtl === 0) {
      // It may have been hot. What is there then is older, and must not be what is answered when nothing else can be.
      if (this.near.size > 0) this.near.delete(key);
      return;
    }
    this.touched.add(key);
    const confirmedUntil = life.confirmedAt + nearTtl;
    const refreshAt =
      life.ahead && refreshAhead > 0
        ? refreshTime(life.freshUntil, life.loadMilliseconds, refreshAhead, this.#runtime.random())
        : life.freshUntil;
    const nature: EntryNature = {
      negative: admitted.value === notFound,
      copied: admitted.copied,
      loadedAt: life.loadedAt,
      freshUntil: life.freshUntil,
      staleUntil: life.staleUntil,
      confirmedUntil,
      until: Math.min(refreshAt, life.freshUntil, confirmedUntil),
    };
    const slot = this.near.put(key, admitted.value, admitted.bytes, nature, this.#runtime.clock.read());
    if (slot >= 0) this.#remote?.watch(Math.min(confirmedUntil, life.staleUntil));
  }

  /** How long the near tier may answer a key unasked where it is off for the cache; 0: the key is not hot. */
  #hotTtl(key: KeyPart): number {
    return this.#hot?.keys.has(key) === true ? this.#hot.nearTtl : 0;
  }

  /** An invalidation: the entry is gone. */
  forget(key: KeyPart): void {
    this.touched.add(key);
    this.near?.delete(key);
  }

  /** All are gone. */
  clear(): void {
    this.touched.addAll();
    this.near?.clear();
  }

  /** What the entry in a slot of the near tier answers now. */
  outcome(slot: number, now: number, staleWhileRevalidate: number): Outcome {
    const { slab } = this.near!;
    const { freshUntil, staleUntil, loadedAt } = slab.times(slot);
    slab.flag(slot, flags.hot);
    return {
      value: slab.valueOf(slot),
      copied: slab.has(slot, flags.copied),
      status: now < freshUntil ? 'hit' : 'stale',
      tier: 'near',
      loadedAt,
      freshUntil,
      servableUntil: Math.min(freshUntil + staleWhileRevalidate, staleUntil),
      usableUntil: Math.max(freshUntil, staleUntil),
    };
  }

  /** Says why a value that was answered is in no tier. */
  notKept(encoded: string, reason: string, error?: unknown): void {
    this.#counters.notKept++;
    tell('not-kept', {
      cache: this.#settings.name,
      key: encoded,
      reason,
      ...(error === undefined ? undefined : { error }),
    });
  }
}
