import { CisternError } from '../core/error.ts';
import type { KeyPart } from '../core/key.ts';
import type { LoadContext } from './definition.ts';
import type { Deadlines, Due } from './deadlines.ts';
import type { CacheSettings, Spans } from './options.ts';
import type { Outcome } from './outcome.ts';

/** What a flight is for: a fresh value; the right to reload before it ages; a reload whatever is there. */
export type Want = 'value' | 'early' | 'now';

/** What is asked, beside the key: the id for the loader, and for ad hoc reads their own loader and lifetimes. */
export interface Question<Id> {
  readonly id: Id;
  readonly spans: Spans;
  readonly load?: ((id: Id, context: LoadContext) => unknown) | undefined;
}

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from now. */
  readonly deadline: number;
  /** Wants what the load gives or its error, and no older value instead. */
  readonly strict?: boolean;
}

class Waiter implements Due {
  readonly deadline: number;
  readonly milliseconds: number;
  readonly signal: AbortSignal | undefined;
  /** Stands for nobody: keeps a background flight going. */
  held = false;
  strict = false;
  resolve: (outcome: Outcome) => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;
  readonly #flight: { expired(waiter: Waiter): void; aborted(waiter: Waiter): void };

  constructor(
    flight: Flight<never>,
    deadline: number,
    milliseconds: number,
    signal: AbortSignal | undefined,
  ) {
    this.#flight = flight;
    this.deadline = deadline;
    this.milliseconds = milliseconds;
    this.signal = signal;
  }

  expire(): void {
    this.#flight.expired(this);
  }

  /** For `addEventListener`: one object for both ends. */
  handleEvent(): void {
    this.#flight.aborted(this);
  }
}

/**
 * One read or reload of one key, and everybody who waits for it. Each waiter has its own deadline and signal; when the last
 * has left, the flight is abandoned: its loader is aborted and its key is free.
 */
export class Flight<Id> {
  readonly key: KeyPart;
  readonly encoded: string;
  readonly question: Question<Id>;
  readonly want: Want;
  /** An invalidation came: those who wait get the value, and nobody keeps it. */
  superseded = false;
  /** All have left, or the work is done. */
  over = false;
  /** What is answered if the deadline comes first, or the source fails. */
  fallback: Outcome | undefined;
  /** No older copy may be answered: see `showDeleted`. */
  deleted = false;
  /** Settles when the work is done; never rejects. */
  done: Promise<void> = Promise.resolve();
  /** The latest deadline of those who wait. */
  deadline = 0;
  /** Made when a loader runs: most flights end without one, and a controller costs as much as the rest of them. */
  #controller: AbortController | undefined;
  #early: Outcome | undefined;
  #final: Outcome | undefined;
  readonly #waiters = new Set<Waiter>();
  readonly #settings: CacheSettings;
  readonly #deadlines: Deadlines;
  readonly #ended: (flight: Flight<Id>) => void;

  /** `ended` is told once when the flight is abandoned. */
  constructor(
    key: KeyPart,
    encoded: string,
    question: Question<Id>,
    want: Want,
    settings: CacheSettings,
    deadlines: Deadlines,
    ended: (flight: Flight<Id>) => void,
  ) {
    this.key = key;
    this.encoded = encoded;
    this.question = question;
    this.want = want;
    this.#settings = settings;
    this.#deadlines = deadlines;
    this.#ended = ended;
  }

  /** Whether callers have their answer, so that what follows is background work. */
  get answered(): boolean {
    return this.#early !== undefined || this.#final !== undefined;
  }

  /** What the loader is told to obey. */
  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  /** Tells the loader that nobody wants its value any more. */
  abort(error: Error): void {
    this.#controller?.abort(error);
  }

  /** Whether a caller waits. */
  get awaited(): boolean {
    for (const waiter of this.#waiters) if (!waiter.held) return true;
    return false;
  }

  /** Waits for the answer. Rejects with the load's error, the signal's reason, `CISTERN_DEADLINE` or `CISTERN_LOAD_LIMIT` (too many waiters). */
  wait(now: number, options: WaitOptions): Promise<Outcome> {
    const answer =
      this.#final ?? (this.#early !== undefined && now < this.#early.servableUntil ? this.#early : undefined);
    if (answer !== undefined) return Promise.resolve(answer);
    const { maxWaiters, name } = this.#settings;
    if (this.#waiters.size >= maxWaiters) {
      const problem = `has ${maxWaiters} callers waiting for one load`;
      return Promise.reject(
        new CisternError('CISTERN_LOAD_LIMIT', {
          cache: name,
          option: 'maxWaiters',
          limit: maxWaiters,
          problem,
        }),
      );
    }
    const waiter = this.#add(now, options);
    waiter.strict = options.strict ?? false;
    options.signal?.addEventListener('abort', waiter, { once: true });
    return new Promise((resolve, reject) => {
      waiter.resolve = resolve;
      waiter.reject = reject;
    });
  }

  /** Keeps the flight going without a caller, for so many milliseconds. */
  hold(now: number, milliseconds: number): void {
    this.#add(now, { deadline: milliseconds }).held = true;
  }

  /** Answers those who wait with an old value, while the flight goes on in the background. */
  answerEarly(outcome: Outcome, now: number): void {
    this.#early = outcome;
    const waiters = [...this.#waiters];
    this.hold(now, this.#settings.loadTimeout);
    for (const waiter of waiters) this.#remove(waiter).resolve(outcome);
  }

  /** The remote tier has nothing: an older copy, kept here or read before, has been deleted meanwhile. */
  showDeleted(): void {
    this.fallback = undefined;
    this.deleted = true;
  }

  answer(outcome: Outcome): void {
    this.#final = outcome;
    for (const waiter of this.#waiters) this.#remove(waiter).resolve(outcome);
  }

  fail(error: unknown): void {
    for (const waiter of this.#waiters) this.#remove(waiter).reject(error);
  }

  /** Only those get the error who want no older value instead; the others get that. */
  failStrict(error: unknown, stale: Outcome): void {
    for (const waiter of this.#waiters) {
      this.#remove(waiter);
      if (waiter.strict) waiter.reject(error);
      else waiter.resolve({ ...stale, error });
    }
  }

  /** What may be answered instead of an error, if there is something that is not too old by now. */
  stale(now: number): Outcome | undefined {
    const { fallback } = this;
    return fallback === undefined || now >= fallback.usableUntil
      ? undefined
      : { ...fallback, status: 'stale' };
  }

  /** The work is done. */
  finish(): void {
    this.over = true;
    for (const waiter of this.#waiters) this.#remove(waiter);
  }

  expired(waiter: Waiter): void {
    this.#remove(waiter);
    const stale = waiter.strict ? undefined : this.stale(waiter.deadline);
    if (stale !== undefined) waiter.resolve({ ...stale, error: this.#late(waiter) });
    else waiter.reject(this.#late(waiter));
    this.#left();
  }

  aborted(waiter: Waiter): void {
    this.#remove(waiter);
    waiter.reject(waiter.signal?.reason);
    this.#left();
  }

  #add(now: number, options: WaitOptions): Waiter {
    const waiter = new Waiter(
      this as unknown as Flight<never>,
      now + options.deadline,
      options.deadline,
      options.signal,
    );
    this.#waiters.add(waiter);
    this.#deadlines.add(waiter);
    if (waiter.deadline > this.deadline) this.deadline = waiter.deadline;
    return waiter;
  }

  #remove(waiter: Waiter): Waiter {
    this.#waiters.delete(waiter);
    this.#deadlines.remove(waiter);
    waiter.signal?.removeEventListener('abort', waiter);
    return waiter;
  }

  #late(waiter: Waiter): Error {
    return new CisternError('CISTERN_DEADLINE', {
      cache: this.#settings.name,
      milliseconds: waiter.milliseconds,
    });
  }

  #left(): void {
    if (this.#waiters.size > 0 || this.over) return;
    this.over = true;
    this.superseded = true;
    this.#ended(this);
    this.abort(
      new CisternError('CISTERN_LOAD_TIMEOUT', {
        cache: this.#settings.name,
        milliseconds: this.#settings.loadTimeout,
      }),
    );
  }
}
