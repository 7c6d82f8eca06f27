import { CisternError } from '../core/error.ts';
import { heard, tell } from '../core/events.ts';
import type { KeyPart } from '../core/key.ts';
import type { Runtime } from '../core/runtime.ts';
import type { AnyDefinition, LoadContext } from './definition.ts';
import { LoadLimit } from './load-limit.ts';
import { notFound } from './not-found.ts';
import type { CacheSettings } from './options.ts';
import type { Counters } from './statistics.ts';

/** One key to be loaded. */
export interface LoadRequest<Id> {
  readonly id: Id;
  /** What `loadMany`'s answer is looked up by. */
  readonly key: KeyPart;
  /** For people. Empty: the key cannot be used, so that the id is loaded alone. */
  readonly encoded: string;
  readonly stale: { readonly value: unknown } | undefined;
  readonly signal: AbortSignal;
  /** On the monotonic clock. */
  readonly deadline: number;
  /** Instead of the definition's. */
  readonly load?: ((id: Id, context: LoadContext) => unknown) | undefined;
}

interface Queued<Id> {
  readonly request: LoadRequest<Id>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Runs the user's loaders: within the limits, in batches where there is `loadMany`, and never trusting them to settle. */
export class Loader<Id> {
  readonly #settings: CacheSettings;
  readonly #definition: AnyDefinition<Id, unknown>;
  readonly #keyOf: (id: Id) => KeyPart;
  readonly #runtime: Runtime;
  readonly #counters: Counters;
  readonly #limit: LoadLimit;
  #queued: Queued<Id>[] = [];
  #usual = 0;

  constructor(
    settings: CacheSettings,
    definition: AnyDefinition<Id, unknown>,
    keyOf: (id: Id) => KeyPart,
    runtime: Runtime,
    counters: Counters,
  ) {
    this.#settings = settings;
    this.#definition = definition;
    this.#keyOf = keyOf;
    this.#runtime = runtime;
    this.#counters = counters;
    this.#limit = new LoadLimit(settings.name, settings.loads, runtime);
  }

  /** How long loads take lately, in milliseconds (moving average); 0 before the first. */
  get usualMilliseconds(): number {
    return this.#usual;
  }

  /** The value, or `notFound`. Rejects with what the loader threw, with the signal's reason, or with a coded error. */
  async load(request: LoadRequest<Id>): Promise<unknown> {
    const alone = request.load !== undefined || request.encoded === '';
    if (alone || this.#definition.loadMany === undefined) return await this.#single(request);
    return await new Promise((resolve, reject) => {
      if (this.#queued.push({ request, resolve, reject }) === 1) this.#runtime.defer(this.#flush);
    });
  }

  readonly #flush = (): void => {
    const queued = this.#queued.filter(({ request, reject }) => {
      if (request.signal.aborted) reject(request.signal.reason);
      return !request.signal.aborted;
    });
    this.#queued = [];
    for (let from = 0; from < queued.length; from += this.#settings.maxBatch) {
      const batch = queued.slice(from, from + this.#settings.maxBatch);
      if (batch.length === 1) this.#single(batch[0]!.request).then(batch[0]!.resolve, batch[0]!.reject);
      else void this.#batch(batch);
    }
  };

  #single(request: LoadRequest<Id>): Promise<unknown> {
    const context: LoadContext = {
      signal: request.signal,
      deadline: this.#wallDeadline(request.deadline),
      ...(request.stale === undefined ? undefined : { stale: request.stale.value }),
    };
    const load = request.load;
    return this.#run(1, request.signal, () =>
      load === undefined ? this.#definition.load(request.id, context) : load(request.id, context),
    );
  }

  /** Never rejects: each member of the batch is answered for itself. */
  async #batch(batch: readonly Queued<Id>[]): Promise<void> {
    const controller = new AbortController();
    let left = batch.length;
    const leave = (): void => {
      if (--left === 0) controller.abort(batch[0]!.request.signal.reason);
    };
    for (const { request, reject } of batch) {
      request.signal.addEventListener(
        'abort',
        () => {
          reject(request.signal.reason);
          leave();
        },
        { once: true },
      );
    }
    const ids = batch.map(({ request }) => request.id);
    const stale = new Map<Id, unknown>();
    for (const { request } of batch)
      if (request.stale !== undefined) stale.set(request.id, request.stale.value);
    const deadline = this.#wallDeadline(Math.max(...batch.map(({ request }) => request.deadline)));
    try {
      const answer = await this.#run(batch.length, controller.signal, () =>
        this.#definition.loadMany!(ids, { signal: controller.signal, deadline, stale }),
      );
      this.#deal(batch, answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  #deal(batch: readonly Queued<Id>[], answer: unknown): void {
    if (Array.isArray(answer)) {
      if (answer.length !== batch.length) {
        throw this.#failed(`answered an array of ${answer.length} for ${batch.length} ids (loadMany)`);
      }
      for (const [index, each] of batch.entries())
        this.#give(each, index in answer && answer[index] !== undefined, answer[index]);
      return;
    }
    if (!(answer instanceof Map)) throw this.#failed('answered neither a Map nor an array (loadMany)');
    const found = new Map<KeyPart, unknown>();
    for (const [id, value] of answer as Map<Id, unknown>) {
      const key = this.#usableKey(id);
      if (key !== undefined) found.set(key, value);
    }
    for (const each of batch) this.#give(each, found.has(each.request.key), found.get(each.request.key));
  }

  /** `undefined`: nobody asked for this id, as it has no key. */
  #usableKey(id: Id): KeyPart | undefined {
    try {
      return this.#keyOf(id);
    } catch {
      return undefined;
    }
  }

  #give(to: Queued<Id>, present: boolean, value: unknown): void {
    if (value instanceof Error) to.reject(value);
    else if (present) to.resolve(value);
    else if (this.#settings.absent === 'notFound') to.resolve(notFound);
    else
      to.reject(new CisternError('CISTERN_ABSENT', { cache: this.#settings.name, key: to.request.encoded }));
  }

  #failed(problem: string): Error {
    return new CisternError('CISTERN_LOAD_FAILED', { cache: this.#settings.name, problem });
  }

  /** One call of a loader: waits for a place, and gives the call up when the signal is aborted. */
  async #run(keys: number, signal: AbortSignal, call: () => unknown): Promise<unknown> {
    signal.throwIfAborted();
    const place = this.#limit.enter(signal);
    if (place !== undefined) {
      await place;
      // The place came in the same turn in which the last caller left.
      if (signal.aborted) {
        this.#limit.leave();
        throw signal.reason as Error;
      }
    }
    const started = this.#runtime.clock.read();
    this.#counters.loads++;
    return await new Promise((resolve, reject) => {
      let abandoned = false;
      const abandon = (): void => {
        abandoned = true;
        this.#limit.abandon();
        this.#loaded(keys, started, signal.reason);
        reject(signal.reason as Error);
      };
      const settle = (error: unknown): boolean => {
        if (abandoned) {
          this.#limit.settled();
          return false;
        }
        signal.removeEventListener('abort', abandon);
        this.#limit.leave();
        this.#loaded(keys, started, error);
        return true;
      };
      signal.addEventListener('abort', abandon, { once: true });
      invoke(call).then(
        (value) => {
          if (settle(undefined)) resolve(value);
        },
        (thrown: unknown) => {
          const error = thrown instanceof Error ? thrown : this.#thrown(thrown);
          if (settle(error)) reject(error);
        },
      );
    });
  }

  #thrown(thrown: unknown): Error {
    const problem = `threw ${thrown === undefined ? 'undefined' : `a ${typeof thrown}`}`;
    return new CisternError('CISTERN_LOAD_FAILED', { cache: this.#settings.name, problem }, thrown);
  }

  #loaded(keys: number, started: number, error: unknown): void {
    const took = this.#runtime.clock.read() - started;
    if (error === undefined) {
      this.#counters.loadedKeys += keys;
      this.#usual = this.#usual === 0 ? took : this.#usual * 0.8 + took * 0.2;
    } else this.#counters.loadErrors++;
    if (!heard('load')) return;
    const message = { cache: this.#settings.name, keys, milliseconds: took };
    tell('load', error === undefined ? message : { ...message, error });
  }

  #wallDeadline(monotonic: number): number {
    const { clock } = this.#runtime;
    return Math.round(clock.wall() + monotonic - clock.read());
  }
}

/** Calls it now; a throw becomes a rejection. */
async function invoke(call: () => unknown): Promise<unknown> {
  return await call();
}
