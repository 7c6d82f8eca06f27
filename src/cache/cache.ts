import { CisternError } from '../core/error.ts';
import { milliseconds } from '../core/duration.ts';
import { tell } from '../core/events.ts';
import type { KeyPart } from '../core/key.ts';
import type { Clock } from '../core/runtime.ts';
import type { MutateOptions, Mutation, ReadOptions } from './call-options.ts';
import type { CallContext, ScopeRead } from './call-context.ts';
import { type CacheEntry, entryOf, type FailedEntry, failedEntry } from './cache-entry.ts';
import type { LoadContext } from './definition.ts';
import type { Question, WaitOptions } from './flight.ts';
import type { HotCache } from './hot-keys/hot-cache.ts';
import type { IdKeys, Keys } from './id-keys.ts';
import { flags } from './near/entry-slab.ts';
import type { NearIndex } from './near/near-index.ts';
import { type NotFound, notFound } from './not-found.ts';
import type { CacheSettings, Spans } from './options.ts';
import { type Outcome, valueOf } from './outcome.ts';
import { inPortions } from './portions.ts';
import type { Reader } from './reader.ts';
import type { Rooms } from './rooms.ts';
import { copy } from './seal/copy.ts';
import type { ServerRecord } from './record/server-record.ts';
import { type CacheStatistics, type Counters, statistics } from './statistics.ts';
import type { Confirmation, Writer } from './writer.ts';

/** What a cache is made of. */
export interface CacheParts<Id> {
  readonly rooms: Rooms<Id>;
  readonly reader: Reader<Id>;
  readonly writer: Writer<Id>;
  readonly near: NearIndex | undefined;
  readonly estimate: () => CacheStatistics['near']['estimate'];
  readonly record: ServerRecord | undefined;
  readonly context: CallContext;
  readonly keys: IdKeys<Id>;
  /** Whether the family of caches has been closed. */
  readonly closed: () => boolean;
}

/** Every how many near hits, or peeks, the clock itself is read, for programs that never yield to the event loop. A power of two. */
const clockEvery = 128;

/**
 * One cache: typed by what its loader answers. `Absent` is `undefined` where the loader may answer `notFound`, else `never`.
 * Made by `define`.
 */
export class Cache<Id, V, Absent extends undefined = never> {
  readonly name: string;
  readonly #rooms: Rooms<Id>;
  readonly #settings: CacheSettings;
  readonly #reader: Reader<Id>;
  readonly #writer: Writer<Id>;
  readonly #near: NearIndex | undefined;
  readonly #estimate: () => CacheStatistics['near']['estimate'];
  readonly #record: ServerRecord | undefined;
  readonly #context: CallContext;
  readonly #keys: IdKeys<Id>;
  /** The same as `#keys.key`: a near hit looks at it. */
  readonly #key: IdKeys<Id>['key'];
  readonly #hot: HotCache | undefined;
  readonly #closed: () => boolean;
  readonly #clock: Clock;
  readonly #counters: Counters;
  #peeks = 0;
  /** Near hits from which on `#pause` has something to do. */
  #pauseAt = clockEvery;
  #clockAt = clockEvery;

  constructor(parts: CacheParts<Id>) {
    this.name = parts.rooms.settings.name;
    this.#rooms = parts.rooms;
    this.#settings = parts.rooms.settings;
    this.#reader = parts.reader;
    this.#writer = parts.writer;
    this.#near = parts.near;
    this.#estimate = parts.estimate;
    this.#record = parts.record;
    this.#context = parts.context;
    this.#keys = parts.keys;
    this.#key = parts.keys.key;
    this.#hot = parts.rooms.hot;
    if (this.#hot !== undefined) this.#pauseAt = 1;
    this.#closed = parts.closed;
    this.#clock = parts.rooms.runtime.clock;
    this.#counters = parts.rooms.counters;
  }

  /**
   * Gets the value, loading it if no tier has it: one load per key and fleet. Rejects with the loader's error when there is
   * no value to fall back on, with the signal's reason, with `CISTERN_DEADLINE`, `CISTERN_LOAD_TIMEOUT`,
   * `CISTERN_LOAD_LIMIT`, or `CISTERN_CLOSED`; never because of a failing tier, a bad key or an unstorable value.
   */
  get(id: Id, options?: ReadOptions): Promise<V | Absent> {
    if (options === undefined && this.#near !== undefined && this.#context.current() === undefined) {
      const near = this.#near;
      const now = this.#clock.wholeTick || Math.floor(this.#clock.read());
      const slot = this.#key === undefined ? near.fresh(id as KeyPart, now) : this.#freshSlot(id, now);
      if (slot >= 0) {
        if (++this.#counters.nearHits >= this.#pauseAt) this.#pause(near.slab.keyOf(slot));
        return (near.promise(slot) ?? this.#promise(near, slot)) as Promise<V | Absent>;
      }
    }
    return this.#outcome(id, options).then(valueOf) as Promise<V | Absent>;
  }

  /** The value if the near tier has it fresh, without a promise; `undefined` if not, and for `notFound`. */
  peek(id: Id): V | undefined {
    const near = this.#near;
    const slot = this.#slot(id);
    if (near === undefined || slot < 0) return undefined;
    const { slab } = near;
    const now =
      (++this.#peeks & (clockEvery - 1)) === 0 ? this.#clock.read() : this.#clock.tick || this.#clock.read();
    if (now >= slab.until(slot) && now >= Math.min(slab.freshUntil(slot), slab.confirmedUntil(slot))) {
      return undefined;
    }
    near.use(slot);
    if (slab.has(slot, flags.negative)) return undefined;
    return (slab.has(slot, flags.copied) ? copy(slab.valueOf(slot)) : slab.valueOf(slot)) as V;
  }

  /** The values of many ids, in the order asked: without those that are `notFound`. Rejects if any key failed. Loads go through `loadMany`. */
  async getMany(ids: Iterable<Id>, options?: ReadOptions): Promise<Map<Id, V>> {
    const list = [...ids];
    const read = (id: Id): Promise<Outcome> => this.#outcome(id, options);
    const outcomes = await inPortions(
      list,
      this.#rooms.runtime,
      async (part) => await Promise.all(part.map(read)),
    );
    const values = new Map<Id, V>();
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.value !== notFound) values.set(list[index]!, valueOf(outcome) as V);
    }
    return values;
  }

  /** Like `get`, with where the value came from. */
  async entry(id: Id, options?: ReadOptions): Promise<CacheEntry<V>> {
    return entryOf(await this.#outcome(id, options), this.#clock.read());
  }

  /** Like `entry`, for many ids. A key that fails rejects nothing: its entry has the status `failed`, and the error. */
  async entries(ids: Iterable<Id>, options?: ReadOptions): Promise<Map<Id, CacheEntry<V> | FailedEntry>> {
    this.#requireOpen();
    return await this.#settledEntries([...ids], options);
  }

  /**
   * Stores a value, by lease and CAS: a load that is under way cannot overwrite it. Rejects, before anything is changed,
   * with `CISTERN_KEY`, `CISTERN_UNSTORABLE` or `CISTERN_TOO_LARGE`.
   */
  async set(id: Id, value: V | NotFound): Promise<Confirmation> {
    return await this.#change(id, ({ key, encoded }) =>
      this.#writer.set(key, encoded, value, this.#settings.spans),
    );
  }

  /** Removes the entry from all tiers; loads under way are answered and not kept. Rejects with `CISTERN_KEY`. */
  async delete(id: Id): Promise<Confirmation> {
    return await this.#change(id, ({ key, encoded }) => this.#writer.delete(key, encoded));
  }

  /** Marks the entry stale: readers get the old value while one reloads it, within the cache's stale spans. Rejects with `CISTERN_KEY`. */
  async expire(id: Id): Promise<Confirmation> {
    return await this.#change(id, ({ key, encoded }) => this.#writer.expire(key, encoded));
  }

  /** Loads now, and replaces what is kept. Rejects like a load: the old entry then stays. */
  async refresh(id: Id, options?: ReadOptions): Promise<V | Absent> {
    const outcome = await this.#change(id, ({ key, encoded }) =>
      this.#reader.reload(key, encoded, this.#question(id), this.#wait(options)),
    );
    return valueOf(outcome) as V | Absent;
  }

  /** Loads ahead what no tier has. Never rejects: says how many are there now, and how many failed. */
  async warm(ids: Iterable<Id>): Promise<{ readonly warmed: number; readonly failed: number }> {
    let warmed = 0;
    let failed = 0;
    for (const { status } of (await this.#settledEntries([...ids], undefined)).values()) {
      if (status === 'failed') failed++;
      else warmed++;
    }
    return { warmed, failed };
  }

  /** Forgets all entries, in all tiers and processes, in O(1): a new generation. Other processes notice within `recordPoll`. */
  async clear(): Promise<Confirmation> {
    this.#requireOpen();
    this.#dropAll();
    const confirmed =
      this.#settings.remote && this.#record !== undefined ? await this.#record.clear(this.name) : true;
    this.#dropAll();
    return { confirmed };
  }

  /**
   * Runs a write of yours and invalidates these ids after it: whatever happens, for a write that threw may still have been
   * carried out. Rejects with what the write threw. Inside it cached reads ask the source (`cachedReadsInWrite`).
   * An array is always a list of ids.
   */
  async mutate<R>(
    ids: Id | readonly Id[],
    write: () => R | Promise<R>,
    options: MutateOptions<Id, R> = {},
  ): Promise<Mutation<R>> {
    const list = Array.isArray(ids) ? (ids as readonly Id[]) : [ids as Id];
    this.#requireOpen();
    const keys = list.map((id) => this.#keys.strict(id));
    let result: R;
    let more: readonly Id[] = [];
    let confirmed = true;
    try {
      result = await this.#context.write(write);
      more = (await options.also?.(result)) ?? [];
    } finally {
      confirmed = await this.#invalidate(keys);
    }
    const also = await this.#invalidateKnown(more);
    return { result, confirmed: confirmed && also };
  }

  /** Counters since the cache was defined. */
  stats(): CacheStatistics {
    return statistics(this.#counters, this.#near, this.#near && this.#estimate());
  }

  /** For reads that bring their own loader and lifetimes. */
  async ask(
    id: Id,
    load: (id: Id, context: LoadContext) => unknown,
    spans: Spans,
    options?: ReadOptions,
  ): Promise<unknown> {
    return valueOf(await this.#outcome(id, options, { id, load, spans }));
  }

  async #settledEntries(
    ids: readonly Id[],
    options: ReadOptions | undefined,
  ): Promise<Map<Id, CacheEntry<V> | FailedEntry>> {
    const read = (id: Id): Promise<CacheEntry<V> | FailedEntry> => this.entry(id, options).catch(failedEntry);
    const entries = await inPortions(
      ids,
      this.#rooms.runtime,
      async (part) => await Promise.all(part.map(read)),
    );
    return new Map(ids.map((id, index) => [id, entries[index]!]));
  }

  #promise(near: NearIndex, slot: number): Promise<unknown> {
    const { slab } = near;
    const value = slab.valueOf(slot);
    if (slab.has(slot, flags.copied)) return Promise.resolve(copy(value));
    const promise = Promise.resolve(slab.has(slot, flags.negative) ? undefined : value);
    near.offer(slot, promise);
    return promise;
  }

  /** Now and then, after a near hit: the clock goes on, and hot keys are counted. */
  #pause(key: KeyPart): void {
    const { nearHits } = this.#counters;
    if (nearHits >= this.#clockAt) {
      this.#clock.read();
      this.#clockAt = nearHits + clockEvery;
    }
    this.#pauseAt = this.#hot === undefined ? this.#clockAt : nearHits + this.#hot.hit(key);
  }

  /** -1 also for a key that cannot be made: the slow path says why. */
  #slot(id: Id): number {
    try {
      return this.#near?.look(this.#keys.near(id)) ?? -1;
    } catch {
      return -1;
    }
  }

  /** The same of an entry that is fresh, and which counts as used. */
  #freshSlot(id: Id, now: number): number {
    try {
      return this.#near?.fresh(this.#keys.near(id), now) ?? -1;
    } catch {
      return -1;
    }
  }

  #outcome(
    id: Id,
    options: ReadOptions | undefined,
    question: Question<Id> = this.#question(id),
  ): Promise<Outcome> {
    let wait: WaitOptions;
    try {
      this.#requireOpen();
      wait = this.#wait(options);
      wait.signal?.throwIfAborted();
    } catch (error) {
      return Promise.reject(error as Error);
    }
    let key: KeyPart;
    let encoded: string;
    try {
      ({ key, encoded } = this.#keys.of(id));
    } catch (error) {
      // A read with a key that cannot be a key is not an error of the cache: the source is asked, and nothing is kept.
      this.#rooms.keeper.notKept('', 'its key cannot be used', error);
      return this.#reader.bypass('', '', question, wait);
    }
    const context = this.#context.current();
    if (context === undefined) return this.#reader.read(key, encoded, question, wait);
    if (context.writing && this.#settings.cachedReadsInWrite !== 'allow') {
      if (this.#settings.cachedReadsInWrite === 'bypass')
        return this.#reader.bypass(key, encoded, question, wait);
      return Promise.reject(new CisternError('CISTERN_IN_WRITE', { cache: this.name }));
    }
    const { reads } = context;
    if (reads === undefined) return this.#reader.read(key, encoded, question, wait);
    let known = reads.get(this);
    if (known === undefined) reads.set(this, (known = new Map()));
    let read = known.get(key);
    if (read?.outcome !== undefined) return Promise.resolve(read.outcome);
    if (read?.shared !== undefined && options === undefined) return read.shared;
    if (read === undefined) known.set(key, (read = {}));
    return this.#scoped(read, this.#reader.read(key, encoded, question, wait), options === undefined);
  }

  /** A read with its own signal or deadline must not end the waiting of others: only its answer is shared, by one flight and then by the scope. */
  #scoped(read: ScopeRead, outcome: Promise<Outcome>, shared: boolean): Promise<Outcome> {
    if (shared) read.shared = outcome;
    outcome.then(
      (answer) => (read.outcome ??= answer),
      () => {
        // A failure is not an answer: the next read of this scope tries again.
        if (read.shared === outcome) read.shared = undefined;
      },
    );
    return outcome;
  }

  #question(id: Id): Question<Id> {
    return { id, spans: this.#settings.spans };
  }

  #wait(options: ReadOptions | undefined): WaitOptions {
    const deadline = options?.deadline;
    return {
      signal: options?.signal,
      deadline:
        deadline === undefined
          ? this.#settings.deadline
          : milliseconds('deadline', deadline, { most: 3_600_000 }),
    };
  }

  /** A change of one entry. A request scope forgets it twice: what was read meanwhile may be older. */
  async #change<T>(id: Id, change: (keys: Keys) => Promise<T>): Promise<T> {
    this.#requireOpen();
    const keys = this.#keys.strict(id);
    this.#context.forget(this, keys.key);
    try {
      return await change(keys);
    } finally {
      this.#context.forget(this, keys.key);
    }
  }

  /** After a write that has been made, a bad id must not cost its result: it is told, and the mutation is not confirmed. */
  async #invalidateKnown(ids: readonly Id[]): Promise<boolean> {
    const keys: Keys[] = [];
    for (const id of ids) {
      try {
        keys.push(this.#keys.strict(id));
      } catch (error) {
        tell('background-failed', { cache: this.name, error });
      }
    }
    return (await this.#invalidate(keys)) && keys.length === ids.length;
  }

  /** Also after `close()`, which may come during a write. */
  async #invalidate(all: readonly Keys[]): Promise<boolean> {
    const done = await Promise.all(all.map(({ key, encoded }) => this.#writer.delete(key, encoded)));
    for (const { key } of all) this.#context.forget(this, key);
    return done.every((each) => each.confirmed);
  }

  #dropAll(): void {
    this.#context.forget(this);
    this.#rooms.keeper.clear();
    this.#reader.supersedeAll();
  }

  #requireOpen(): void {
    if (this.#closed()) throw new CisternError('CISTERN_CLOSED', { what: `Cache '${this.name}'` });
  }
}
