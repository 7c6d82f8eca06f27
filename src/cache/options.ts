import { bytes, type Bytes } from '../core/bytes.ts';
import { type Duration, milliseconds } from '../core/duration.ts';
import { wrongOption } from '../core/error.ts';
import type { Runtime } from '../core/runtime.ts';
import { longestLife, type Store } from '../core/store.ts';
import { type PolicyName, policyNames } from '../policies/policy-by-name.ts';
import type { CodecStep } from './codec/codec-step.ts';
import type { Codec } from './codec/codec.ts';
import type { AnyDefinition, Lifetimes } from './definition.ts';
import type { HotKeysOptions } from './hot-keys/hot-keys-options.ts';
import type { IndexName } from './near/entry-weight.ts';
import type { Sharing } from './seal/seal.ts';
import type { StandardSchema } from './standard-schema.ts';

/** The in-process tier: one for all caches of an object. */
export interface NearOptions {
  /** What all entries may take together, keys and overhead included. Default `'64mb'`, at least 1 kB. */
  readonly maxBytes?: Bytes;
  /** How many entries there may be. Default: as many as fit. */
  readonly maxEntries?: number;
  /** What decides which entry makes room for another. Default `'w-tinylfu'`. */
  readonly policy?: PolicyName;
  /** How entries are found: by a hash table of our own, or by `Map`s. Default `'hash'`. */
  readonly index?: IndexName;
  /** Whether to estimate, from a sample of the requests, what another size would bring. Default true. */
  readonly estimate?: boolean;
}

/** What `cistern()` takes. Everything is per process. */
export interface CisternOptions {
  /** Names this family of caches; the front of every remote key. 1 to 32 letters, digits, `.`, `_`, `-`. */
  readonly name: string;
  /** The in-process tier; `false` for none. Default: 64 MB. */
  readonly near?: NearOptions | false;
  /** Finds keys that are asked for very often: `{}` for the defaults. Default: they are not looked for. */
  readonly hotKeys?: HotKeysOptions;
  /** The shared tier: any store. It is closed by whoever made it. Default: none. */
  readonly remote?: Store;
  /** How long an operation of the remote tier is waited for at most, whatever the store's own timeout says. Default `'1s'`. */
  readonly remoteTimeout?: Duration;
  /** How often the server record is read, and so how soon a `clear()` elsewhere is noticed. Default 250 ms. */
  readonly recordPoll?: Duration;
  /** `false`: nothing is kept anywhere, loads still run once per key at a time. Default true. */
  readonly enabled?: boolean;
  /** Is given all work that goes on after its caller was answered (`waitUntil` of a platform). The promise never rejects. */
  readonly background?: (work: Promise<void>) => void;
  /** How long `close()` waits for background work. Default `'5s'`. */
  readonly closeTimeout?: Duration;
  /** The format of values in the remote tier. Default: structured (Date, Map, Set, bigint, Buffer, typed arrays, undefined). */
  readonly codec?: Codec;
  /** What is done to the encoded bytes, in this order, before they leave. Default: nothing. */
  readonly codecSteps?: readonly CodecStep[];
  /** Clock, timers, chance. Default: the machine's. */
  readonly runtime?: Runtime;
}

/** The near tier's options, checked and in bytes. */
export interface NearSettings {
  readonly maxBytes: number;
  /** `Infinity`: as many as fit. */
  readonly maxEntries: number;
  readonly policy: PolicyName;
  readonly index: IndexName;
  readonly estimate: boolean;
}

/** Lifetimes in milliseconds. */
export interface Spans {
  /** `undefined`: keep this value nowhere. */
  ttl(value: unknown): number | undefined;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  /** The longer of the two: how long an aged entry is kept. */
  readonly staleFor: number;
  readonly negativeTtl: number;
}

/** A definition, checked and in milliseconds and bytes. */
export interface CacheSettings {
  readonly name: string;
  readonly version: number;
  readonly spans: Spans;
  readonly jitter: number;
  readonly refreshAhead: number;
  readonly deadline: number;
  readonly loadTimeout: number;
  readonly lease: number;
  readonly retryAfterError: number;
  readonly loads: { readonly concurrent: number; readonly perSecond: number; readonly queue: number };
  readonly maxWaiters: number;
  readonly maxBatch: number;
  readonly absent: 'notFound' | 'error';
  readonly near: boolean;
  readonly nearTtl: number;
  readonly remote: boolean;
  readonly sharing: Sharing;
  readonly maxValueBytes: number;
  readonly schema: StandardSchema | undefined;
  readonly private: boolean;
  readonly cachedReadsInWrite: 'bypass' | 'throw' | 'allow';
}

/** Names go into keys as they are. */
export function checkedName(option: string, name: unknown): string {
  if (typeof name !== 'string' || !/^[A-Za-z0-9._-]{1,32}$/.test(name)) {
    throw wrongOption(option, name, `1 to 32 letters, digits, '.', '_' or '-'`);
  }
  return name;
}

/** A whole number in a range, or `CISTERN_OPTION`. */
export function count(option: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw wrongOption(option, value, `a whole number from ${least} to ${most}`);
  }
  return value;
}

function share(option: string, value: number, most: number): number {
  if (!(value >= 0 && value <= most)) throw wrongOption(option, value, `a number from 0 to ${most}`);
  return value;
}

function oneOf<T extends string>(option: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value))
    throw wrongOption(option, value, `one of ${allowed.map((each) => `'${each}'`).join(', ')}`);
  return value;
}

function flag(option: string, value: boolean): boolean {
  if (typeof value !== 'boolean') throw wrongOption(option, value, 'true or false');
  return value;
}

/** An object of options without misspelt names or nulls: `CISTERN_OPTION` names the first one. */
export function checkedObject(option: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null) throw wrongOption(option, value, 'an object');
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) {
      throw wrongOption(
        `${option}.${name}`,
        (value as Record<string, unknown>)[name],
        `left out: known are ${known.join(', ')}`,
      );
    }
    // Some mean "none" by it, some "the default".
    if ((value as Record<string, unknown>)[name] === null) {
      throw wrongOption(`${option}.${name}`, null, 'a value, or left out for the default');
    }
  }
}

const mostNearEntries = 16_000_000;

/** The limits of the near tier, checked. What is left out stays as it is in `now`. Throws `CISTERN_OPTION`. */
export function checkedLimits(
  prefix: string,
  { maxBytes, maxEntries }: Pick<NearOptions, 'maxBytes' | 'maxEntries'>,
  now: Pick<NearSettings, 'maxBytes' | 'maxEntries'>,
): Pick<NearSettings, 'maxBytes' | 'maxEntries'> {
  return {
    maxBytes: maxBytes === undefined ? now.maxBytes : bytes(`${prefix}.maxBytes`, maxBytes, 1024),
    maxEntries:
      maxEntries === undefined
        ? now.maxEntries
        : count(`${prefix}.maxEntries`, maxEntries, 1, mostNearEntries),
  };
}

/** `undefined`: no near tier. Throws `CISTERN_OPTION`. */
export function checkedNear(near: NearOptions | false = {}): NearSettings | undefined {
  if (near === false) return undefined;
  checkedObject('near', near, ['maxBytes', 'maxEntries', 'policy', 'index', 'estimate']);
  return {
    ...checkedLimits('near', near, { maxBytes: 64 * 1024 ** 2, maxEntries: Number.POSITIVE_INFINITY }),
    policy: oneOf('near.policy', near.policy ?? 'w-tinylfu', policyNames),
    index: oneOf('near.index', near.index ?? 'hash', ['hash', 'map']),
    estimate: flag('near.estimate', near.estimate ?? true),
  };
}

function span(option: string, value: Duration | undefined, fallback: number, least = 0): number {
  return value === undefined ? fallback : milliseconds(option, value, { least, most: longestLife });
}

/** Lifetimes, checked. `ttl` by value is checked when it is asked; what it throws is the caller's to report. */
export function checkedSpans<V>(name: string, lifetimes: Lifetimes<V>): Spans {
  const { ttl } = lifetimes;
  const staleWhileRevalidate = span(`${name}.staleWhileRevalidate`, lifetimes.staleWhileRevalidate, 0);
  const staleIfError = span(`${name}.staleIfError`, lifetimes.staleIfError, 0);
  const staleFor = Math.max(staleWhileRevalidate, staleIfError);
  const range = { most: longestLife - staleFor };
  if (range.most < 1)
    throw wrongOption(`${name}.staleIfError`, staleFor, `under 30 days together with 'ttl'`);
  const fixed = typeof ttl === 'function' ? undefined : milliseconds(`${name}.ttl`, ttl, range);
  return {
    ttl(value) {
      if (typeof ttl !== 'function') return fixed;
      const chosen: unknown = ttl(value as V);
      // An async function is refused below; what it may reject with must not go unhandled.
      if (chosen instanceof Promise) chosen.catch(() => undefined);
      return chosen === 'skip' ? undefined : milliseconds(`${name}.ttl`, chosen as Duration, range);
    },
    staleWhileRevalidate,
    staleIfError,
    staleFor,
    negativeTtl: span(`${name}.negativeTtl`, lifetimes.negativeTtl, Math.min(10_000, fixed ?? 10_000)),
  };
}

const definitionOptions: readonly (keyof AnyDefinition<unknown, unknown>)[] = [
  ...(['version', 'key', 'load', 'loadMany', 'maxBatch', 'absent', 'ttl', 'staleWhileRevalidate'] as const),
  ...([
    'staleIfError',
    'negativeTtl',
    'jitter',
    'refreshAhead',
    'deadline',
    'loadTimeout',
    'retryAfterError',
  ] as const),
  ...([
    'loads',
    'maxWaiters',
    'near',
    'nearTtl',
    'remote',
    'sharing',
    'maxValueBytes',
    'value',
    'private',
  ] as const),
  'cachedReadsInWrite',
];

/** Checks a definition. Throws `CISTERN_OPTION` naming the cache and the option. */
export function checkedDefinition<Id, R>(
  name: string,
  definition: AnyDefinition<Id, R>,
  tiers: { readonly near: boolean; readonly remote: boolean },
): CacheSettings {
  checkedName('define(name)', name);
  checkedObject(name, definition, definitionOptions);
  const own = (option: string): string => `${name}.${option}`;
  for (const option of ['key', 'load', 'loadMany'] as const) {
    const given: unknown = definition[option];
    if (typeof given !== 'function' && (option === 'load' || given !== undefined)) {
      throw wrongOption(own(option), given, 'a function');
    }
  }
  if (definition.private === true && definition.key === undefined) {
    throw wrongOption(
      own('key'),
      undefined,
      `a function whose tuple begins with tenant(id), because 'private' is true`,
    );
  }
  const schema = definition.value;
  if (schema !== undefined && typeof schema['~standard']?.validate !== 'function') {
    throw wrongOption(own('value'), schema, 'a Standard Schema (zod, valibot, arktype, ...)');
  }
  const limits = definition.loads ?? {};
  checkedObject(own('loads'), limits, ['concurrent', 'perSecond', 'queue']);
  const deadline = milliseconds(own('deadline'), definition.deadline ?? 10_000, { most: 3_600_000 });
  const loadTimeout = milliseconds(own('loadTimeout'), definition.loadTimeout ?? deadline, {
    most: 3_600_000,
  });
  const remote = flag(own('remote'), definition.remote ?? true) && tiers.remote;
  return {
    name,
    version: count(own('version'), definition.version ?? 1, 0, 999_999),
    spans: checkedSpans(name, definition),
    jitter: share(own('jitter'), definition.jitter ?? 0.1, 0.9),
    refreshAhead: share(own('refreshAhead'), definition.refreshAhead ?? 1, 100),
    deadline,
    loadTimeout,
    // One second more than the load may take: the store counts in whole seconds, and the fill has to travel too.
    lease: loadTimeout + 1000,
    retryAfterError: span(own('retryAfterError'), definition.retryAfterError, 5000),
    loads: {
      concurrent: count(own('loads.concurrent'), limits.concurrent ?? 100, 1, 1_000_000),
      perSecond:
        limits.perSecond === undefined
          ? Infinity
          : count(own('loads.perSecond'), limits.perSecond, 1, 1_000_000),
      queue: count(own('loads.queue'), limits.queue ?? 10_000, 0, 10_000_000),
    },
    maxWaiters: count(own('maxWaiters'), definition.maxWaiters ?? 100_000, 1, 100_000_000),
    maxBatch: count(own('maxBatch'), definition.maxBatch ?? 1000, 1, 1_000_000),
    absent: oneOf(own('absent'), definition.absent ?? 'notFound', ['notFound', 'error']),
    near: flag(own('near'), definition.near ?? true) && tiers.near,
    nearTtl: span(own('nearTtl'), definition.nearTtl, remote ? 5000 : Infinity, 1),
    remote,
    sharing: oneOf(own('sharing'), definition.sharing ?? 'frozen', ['frozen', 'clone', 'shared']),
    maxValueBytes: bytes(own('maxValueBytes'), definition.maxValueBytes ?? 1_000_000, 1, 1024 ** 3),
    schema: schema as StandardSchema | undefined,
    private: flag(own('private'), definition.private ?? false),
    cachedReadsInWrite: oneOf(own('cachedReadsInWrite'), definition.cachedReadsInWrite ?? 'bypass', [
      'bypass',
      'throw',
      'allow',
    ]),
  };
}
