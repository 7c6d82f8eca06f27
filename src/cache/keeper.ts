import { asError, CisternError } from '../core/error.ts';
import { tell } from '../core/events.ts';
import type { KeyPart } from '../core/key.ts';
import type { Runtime } from '../core/runtime.ts';
import { refreshTime } from './freshness.ts';
import type { NearEntry } from './near/near-entry.ts';
import type { NearIndex } from './near/near-index.ts';
import { notFound } from './not-found.ts';
import type { CacheSettings } from './options.ts';
import type { Outcome } from './outcome.ts';
import type { RemoteTier } from './remote-tier.ts';
import { isUnstorable, seal, type Sealed } from './seal/seal.ts';
import type { Counters } from './statistics.ts';

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
  readonly near: NearIndex | undefined;
  readonly #settings: CacheSettings;
  readonly #remote: RemoteTier | undefined;
  readonly #runtime: Runtime;
  readonly #counters: Counters;

  constructor(
    near: NearIndex | undefined,
    settings: CacheSettings,
    remote: RemoteTier | undefined,
    runtime: Runtime,
    counters: Counters,
  ) {
    this.near = near;
    this.#settings = settings;
    this.#remote = remote;
    this.#runtime = runtime;
    this.#counters = counters;
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
    const entry = this.near?.put(key, admitted.value, admitted.bytes);
    if (entry === undefined) return;
    const { nearTtl, refreshAhead } = this.#settings;
    entry.negative = admitted.value === notFound;
    entry.copied = admitted.copied;
    entry.loadedAt = life.loadedAt;
    entry.loadMilliseconds = life.loadMilliseconds;
    entry.freshUntil = life.freshUntil;
    entry.staleUntil = life.staleUntil;
    entry.confirmedUntil = life.confirmedAt + nearTtl;
    const refreshAt =
      life.ahead && refreshAhead > 0
        ? refreshTime(life.freshUntil, life.loadMilliseconds, refreshAhead, this.#runtime.random())
        : life.freshUntil;
    entry.until = Math.min(refreshAt, entry.freshUntil, entry.confirmedUntil);
    this.#remote?.watch(Math.min(entry.confirmedUntil, entry.staleUntil));
  }

  outcome(entry: NearEntry, now: number, staleWhileRevalidate: number): Outcome {
    return {
      value: entry.value,
      copied: entry.copied,
      status: now < entry.freshUntil ? 'hit' : 'stale',
      tier: 'near',
      loadedAt: entry.loadedAt,
      freshUntil: entry.freshUntil,
      servableUntil: Math.min(entry.freshUntil + staleWhileRevalidate, entry.staleUntil),
      usableUntil: Math.max(entry.freshUntil, entry.staleUntil),
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
