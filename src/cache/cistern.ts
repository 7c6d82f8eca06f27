import { milliseconds } from '../core/duration.ts';
import { CisternError, wrongOption } from '../core/error.ts';
import type { KeyPart } from '../core/key.ts';
import { realRuntime, type Runtime } from '../core/runtime.ts';
import { assembledCache, type Family, type OpenCache } from './assembled-cache.ts';
import { Background } from './background.ts';
import type { Cache } from './cache.ts';
import { CallContext } from './call-context.ts';
import { checkSteps, type CodecStep } from './codec/codec-step.ts';
import type { Codec } from './codec/codec.ts';
import { structured } from './codec/structured-codec.ts';
import { type CacheConfiguration, type Configuration, configurationOf } from './configuration.ts';
import { Deadlines } from './deadlines.ts';
import type { AnyDefinition, Definition, KeylessDefinition, Lifetimes, LoadContext } from './definition.ts';
import { GuardedStore } from './guarded-store.ts';
import { HotKeys } from './hot-keys/hot-keys.ts';
import { checkedHotKeys } from './hot-keys/hot-keys-options.ts';
import type { NotFound } from './not-found.ts';
import {
  checkedDefinition,
  checkedName,
  checkedNear,
  checkedObject,
  checkedSpans,
  type CisternOptions,
  type NearOptions,
  type Spans,
} from './options.ts';
import { ServerRecord } from './record/server-record.ts';
import { SharedNear } from './shared-near.ts';
import { type RestoredNear, restoreNear } from './snapshot/restore.ts';
import { type SavedNear, saveNear } from './snapshot/save.ts';
import type { SnapshotOwner } from './snapshot/snapshot-cache.ts';
import type { CisternStatistics } from './statistics.ts';
import type { CacheKey } from './tenant.ts';
import type { Confirmation } from './writer.ts';

/** The cache of a loader that answers `R`. */
export type CacheOf<Id, R> = Cache<Id, Exclude<R, NotFound>, NotFound extends R ? undefined : never>;

/** What `memoize` takes: a definition without its loader; the key is made from the arguments. */
export type MemoizeOptions<Arguments extends readonly unknown[], R> = Omit<
  AnyDefinition<Arguments, R>,
  'key' | 'load' | 'loadMany' | 'maxBatch' | 'absent' | 'private'
> & {
  readonly key: (...parameters: Arguments) => readonly [KeyPart, ...KeyPart[]];
};

const known: readonly (keyof CisternOptions)[] = [
  ...([
    'name',
    'near',
    'hotKeys',
    'remote',
    'remoteTimeout',
    'recordPoll',
    'enabled',
    'background',
    'closeTimeout',
  ] as const),
  ...(['codec', 'codecSteps', 'runtime'] as const),
];

/** Where reads by `getOrSet` live. No definition may take this name. */
const adHocName = 'ad-hoc';

/** A family of caches that share a near tier, a remote tier and a name. Made by `cistern()`. */
export class Cistern implements AsyncDisposable {
  readonly name: string;
  readonly #codec: Codec;
  readonly #steps: readonly CodecStep[];
  readonly #runtime: Runtime;
  readonly #deadlines: Deadlines;
  readonly #background: Background;
  readonly #near: SharedNear | undefined;
  readonly #store: GuardedStore | undefined;
  readonly #record: ServerRecord | undefined;
  readonly #hotKeys: HotKeys | undefined;
  readonly #family: Family;
  readonly #context = new CallContext();
  readonly #caches = new Map<string, OpenCache>();
  readonly #recordPoll: number;
  readonly #closeTimeout: number;
  readonly #spans = new WeakMap<object, Spans>();
  #adHoc: Cache<CacheKey, unknown, undefined> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: CisternOptions) {
    checkedObject('cistern', options, known);
    this.name = checkedName('name', options.name);
    this.#codec = options.codec ?? structured;
    if (typeof this.#codec?.encode !== 'function' || typeof this.#codec.decode !== 'function') {
      throw wrongOption('codec', options.codec, 'an object with name, encode and decode');
    }
    this.#steps = checkSteps('codecSteps', options.codecSteps ?? []);
    this.#runtime = options.runtime ?? realRuntime;
    this.#deadlines = new Deadlines(this.#runtime);
    if (options.background !== undefined && typeof options.background !== 'function') {
      throw wrongOption('background', options.background, 'a function');
    }
    if (options.enabled !== undefined && typeof options.enabled !== 'boolean') {
      throw wrongOption('enabled', options.enabled, 'true or false');
    }
    this.#background = new Background(this.#runtime, options.background);
    this.#closeTimeout = milliseconds('closeTimeout', options.closeTimeout ?? 5000, { least: 0 });
    const enabled = options.enabled ?? true;
    const remoteTimeout = milliseconds('remoteTimeout', options.remoteTimeout ?? 1000, { most: 60_000 });
    this.#recordPoll = milliseconds('recordPoll', options.recordPoll ?? 250, { most: 60_000 });
    const near = checkedNear(options.near);
    if (near !== undefined && enabled) this.#near = new SharedNear(near, this.#runtime);
    const hotKeys = checkedHotKeys(options.hotKeys);
    if (hotKeys !== undefined && enabled)
      this.#hotKeys = new HotKeys(hotKeys, options.hotKeys?.split, this.#runtime);
    if (options.remote !== undefined) {
      if (typeof options.remote !== 'object' || typeof options.remote?.execute !== 'function') {
        throw wrongOption('remote', options.remote, 'a store, such as memcached({ ... }) makes');
      }
      if (enabled) {
        this.#store = new GuardedStore(options.remote, this.#runtime, this.#deadlines, remoteTimeout);
        this.#record = new ServerRecord(this.#store, this.name, this.#runtime, this.#recordPoll, (before) =>
          this.#recordChanged(before),
        );
      }
    }
    this.#family = {
      name: this.name,
      codec: this.#codec,
      steps: this.#steps,
      runtime: this.#runtime,
      deadlines: this.#deadlines,
      background: this.#background,
      near: this.#near,
      store: this.#store,
      record: this.#record,
      hotKeys: this.#hotKeys,
      context: this.#context,
      closed: () => this.#closing !== undefined,
    };
  }

  /**
   * Defines a cache. Its name and `version` are part of its keys: two processes that use the same names share entries.
   * Throws `CISTERN_OPTION` for wrong options and a name that is taken.
   */
  define<Id, R>(name: string, definition: Definition<Id, R>): CacheOf<Id, R>;
  define<Id extends KeyPart, R>(name: string, definition: KeylessDefinition<Id, R>): CacheOf<Id, R>;
  define<Id, R>(name: string, definition: AnyDefinition<Id, R>): CacheOf<Id, R> {
    if (name === adHocName)
      throw wrongOption('define(name)', name, 'another name: this one is kept for getOrSet');
    return this.#define(name, definition);
  }

  /**
   * Gets a value that has no definition: loads it with `load` if no tier has it. Give the same options object to calls that
   * belong together. All such reads share one cache, so a key must not be used for two different things.
   */
  async getOrSet<R>(
    key: string | CacheKey,
    options: Lifetimes<Exclude<R, NotFound>>,
    load: (context: LoadContext) => R | Promise<R>,
  ): Promise<Exclude<R, NotFound> | (NotFound extends R ? undefined : never)> {
    if (typeof load !== 'function') throw wrongOption('getOrSet(load)', load, 'a function');
    let spans = this.#spans.get(options);
    if (spans === undefined) {
      checkedObject('getOrSet', options, ['ttl', 'staleWhileRevalidate', 'staleIfError', 'negativeTtl']);
      this.#spans.set(options, (spans = checkedSpans('getOrSet', options)));
    }
    const answer = await this.#adHocCache().ask(tuple(key), (_, context) => load(context), spans);
    return answer as Exclude<R, NotFound>;
  }

  /** Removes what `getOrSet` kept under this key. */
  async delete(key: string | CacheKey): Promise<Confirmation> {
    return await this.#adHocCache().delete(tuple(key));
  }

  /** A function that remembers: `name` and `key` are mandatory, because two functions or argument lists must never share an entry. */
  memoize<Arguments extends readonly unknown[], R>(
    name: string,
    call: (...parameters: Arguments) => R | Promise<R>,
    options: MemoizeOptions<Arguments, R>,
  ): (...parameters: Arguments) => Promise<Exclude<R, NotFound> | (NotFound extends R ? undefined : never)> {
    if (typeof call !== 'function') throw wrongOption(`memoize('${name}', call)`, call, 'a function');
    if (typeof options?.key !== 'function')
      throw wrongOption(`${name}.key`, options?.key, 'a function of the arguments');
    if (name === adHocName)
      throw wrongOption('memoize(name)', name, 'another name: this one is kept for getOrSet');
    const { key, ...rest } = options;
    const cache = this.#define<Arguments, R>(name, {
      ...rest,
      key: (parameters) => key(...parameters),
      load: (parameters) => call(...parameters),
    });
    return (...parameters) => cache.get(parameters);
  }

  /** What this object and its caches work with, defaults filled in, and how old an answer may be after a change: to be printed. */
  configuration(): Configuration {
    const caches: Record<string, CacheConfiguration> = {};
    for (const [name, { settings, hotTtl }] of this.#caches)
      caches[name] = configurationOf(settings, this.#recordPoll, hotTtl);
    return {
      name: this.name,
      near: this.#near?.settings ?? false,
      hotKeys: this.#hotKeys?.settings ?? false,
      remote: this.#store?.name ?? false,
      caches,
    };
  }

  /** The numbers of the near tier, which all caches share, and the hot keys. Those of one cache: `cache.stats()`. */
  stats(): CisternStatistics {
    return { near: this.#near?.statistics() ?? false, hotKeys: this.#hotKeys?.statistics() ?? false };
  }

  /**
   * Gives the near tier other limits; what is left out stays. A smaller tier lets go bit by bit, in the background and with new entries. Without
   * a near tier nothing happens. Throws `CISTERN_OPTION`, and `CISTERN_CLOSED`.
   */
  resizeNear(limits: Pick<NearOptions, 'maxBytes' | 'maxEntries'>): void {
    this.#requireOpen();
    this.#near?.resize(limits);
  }

  /**
   * Saves the near tier to a file, for a process that starts later: see `restoreNear`. Goes on in the background of other work, a millisecond at a time. The
   * file is written aside and renamed, and only this user may read it. Rejects with `CISTERN_SNAPSHOT` when it cannot be written; the
   * older one is then still there.
   */
  async saveNear(path: string): Promise<SavedNear> {
    const owner = this.#snapshotOwner('saveNear', path);
    if (owner === undefined) return { saved: 0, skipped: 0, bytes: 0 };
    return await this.#inBackground(saveNear(owner, path));
  }

  /**
   * Brings back what `saveNear` saved, of the caches that are defined by now, and begins no entry's life anew. What was filled or invalidated since this
   * was called stays as it is. Rejects with `CISTERN_SNAPSHOT` for a file that is not whole, before anything of it is kept. No file is no error.
   */
  async restoreNear(path: string): Promise<RestoredNear> {
    const owner = this.#snapshotOwner('restoreNear', path);
    if (owner === undefined) return { found: false, restored: 0, expired: 0, skipped: 0, unknown: [] };
    // Its entries come back, too, and a change of them meanwhile must be noticed.
    this.#adHocCache();
    return await this.#inBackground(restoreNear(owner, path));
  }

  /** A request scope: inside it, in whatever is awaited, each key of each cache is read at most once. */
  async request<R>(body: () => R | Promise<R>): Promise<R> {
    return await this.#context.request(body);
  }

  /**
   * Closes all caches: who waits is rejected with `CISTERN_CLOSED`, background work is waited for (`closeTimeout`). The
   * remote store stays open: whoever made it closes it. May be called twice.
   */
  async close(): Promise<void> {
    await (this.#closing ??= this.#close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    // In this order: what is being filled may end, and only then is the rest cut short.
    const until = this.#runtime.clock.read() + this.#closeTimeout;
    for (const [name, { owed }] of this.#caches)
      if (owed !== undefined && owed.size > 0) this.#background.run(name, owed.settle());
    await this.#background.drain(this.#closeTimeout);
    const error = new CisternError('CISTERN_CLOSED', { what: `Cistern '${this.name}'` });
    for (const [name, { reader }] of this.#caches) this.#background.run(name, reader.close(error));
    // Loads that were cut short give their rights back, so that other processes need not wait for this one.
    const left = until - this.#runtime.clock.read();
    if (left > 0) await this.#background.drain(left);
    for (const { owed } of this.#caches.values()) owed?.close();
    this.#record?.close();
    this.#hotKeys?.close();
    this.#near?.close();
  }

  #define<Id, R>(name: string, definition: AnyDefinition<Id, R>): CacheOf<Id, R> {
    this.#requireOpen();
    const tiers = { near: this.#near !== undefined, remote: this.#store !== undefined };
    const settings = checkedDefinition(name, definition, tiers);
    if (this.#caches.has(name))
      throw wrongOption('define(name)', name, 'a name that no other cache of this cistern has');
    const { cache, open } = assembledCache(this.#family, settings, definition);
    this.#caches.set(name, open);
    return cache;
  }

  #snapshotOwner(call: string, path: string): SnapshotOwner | undefined {
    this.#requireOpen();
    if (typeof path !== 'string' || path === '')
      throw wrongOption(`${call}(path)`, path, 'the path of a file');
    const { name } = this;
    const [near, record, caches] = [this.#near, this.#record, this.#caches];
    return near && { name, near, record, caches, steps: this.#steps, runtime: this.#runtime };
  }

  /** `close()` waits for it. Who called it is told of its failure. */
  async #inBackground<T>(work: Promise<T>): Promise<T> {
    this.#background.run(
      this.name,
      work.catch(() => undefined),
    );
    return await work;
  }

  #requireOpen(): void {
    if (this.#closing !== undefined)
      throw new CisternError('CISTERN_CLOSED', { what: `Cistern '${this.name}'` });
  }

  #adHocCache(): Cache<CacheKey, unknown, undefined> {
    return (this.#adHoc ??= this.#define<CacheKey, unknown>(adHocName, {
      key: (parts) => parts,
      load: () => undefined,
      ttl: '1m',
    }) as unknown as Cache<CacheKey, unknown, undefined>);
  }

  /** Another process cleared caches, or the server lost its record: what this process keeps of them is older. */
  #recordChanged(before: (cache: string) => string): void {
    for (const [name, { clear }] of this.#caches)
      if (this.#record!.generation(name) !== before(name)) clear();
  }
}

function tuple(key: string | CacheKey): CacheKey {
  return typeof key === 'string' ? [key] : key;
}

/** Opens a family of caches. Throws `CISTERN_OPTION` naming the option that is wrong. */
export function cistern(options: CisternOptions): Cistern {
  return new Cistern(options);
}
