import { tell } from '../../core/events.ts';
import type { HotKeySet } from '../../core/hot-key-set.ts';
import type { KeyPart } from '../../core/key.ts';
import type { Clock, Runtime, Timer } from '../../core/runtime.ts';
import { HeavyHitters } from '../../policies/heavy-hitters.ts';
import { keyHash } from '../near/key-hash.ts';
import { HotCache, type HotCacheParts } from './hot-cache.ts';
import type { HotKeysSettings } from './hot-keys-options.ts';

/** A request counts half after so many milliseconds: what counts for a rate, and how soon a key that is twice as hot as it must be is found. */
const halfLife = 2000;

/** Counts age in steps of so many milliseconds, 2 % each. */
const step = halfLife / 32;

/** How often it is looked up which keys are still hot. */
const reviewEvery = 1000;

/** A key stays hot until it has this share of the rate that made it so: a key at the threshold is neither found nor lost all the time. */
const stays = 0.5;

/** When all places are taken: who is this much hotter than the least hot key takes its place. */
const hotter = 1.25;

/** Counters at least, and per key that may be hot. A key is sure to be found whose rate is above that of all requests divided by the counters. */
const leastCounters = 2048;
const countersPerKey = 8;

/** A hot key, as `shop.stats()` tells it. */
export interface HotKey {
  readonly cache: string;
  /** Its one part as it is; several parts as one text, as in the event `removed`. */
  readonly key: KeyPart;
  /** Requests per second in this process, of the last few seconds: at least so many. */
  readonly perSecond: number;
  /** Hot for so many milliseconds. */
  readonly milliseconds: number;
}

interface Found {
  readonly cache: HotCache;
  readonly key: KeyPart;
  readonly hash: number;
  readonly since: number;
  /** In the set that a route asks. */
  name: string | undefined;
}

/**
 * Finds the keys of all caches of one object that are asked for more often than a rate. Costs a request that goes to the remote
 * tier some 0.1 µs, and near hits of caches with a near tier a few ns, since one of 16 is counted. Memory: a counter takes some 40 bytes.
 */
export class HotKeys {
  readonly settings: HotKeysSettings;
  readonly #split: HotKeySet | undefined;
  readonly #runtime: Runtime;
  readonly #clock: Clock;
  readonly #sketch: HeavyHitters;
  readonly #seed: number;
  readonly #found = new Map<number, Found>();
  /** By slot of the sketch: the hash of the hot key that has it. */
  readonly #marks: Int32Array;
  #nextStep: number;
  /** The count of a key with the rate `above`, when all has aged for long enough. */
  readonly #enough: number;
  /** The least count of those that are hot, when it was last looked up. */
  #lowest = 0;
  #caches = 0;
  #timer: Timer | undefined;

  constructor(settings: HotKeysSettings, split: HotKeySet | undefined, runtime: Runtime) {
    this.settings = settings;
    this.#split = split;
    this.#runtime = runtime;
    this.#clock = runtime.clock;
    this.#seed = (runtime.random() * 2 ** 32) | 0;
    this.#sketch = new HeavyHitters(Math.max(leastCounters, countersPerKey * settings.most));
    this.#marks = new Int32Array(this.#sketch.counters);
    this.#enough = settings.above / rateOf(1);
    this.#nextStep = runtime.clock.read() + step;
  }

  /** A cache's part; `undefined` if it takes none. */
  cache(parts: HotCacheParts): HotCache | undefined {
    if (this.settings.caches?.includes(parts.name) === false) return undefined;
    return new HotCache(this, parts, Math.imul(++this.#caches, 0x9e3779b1) ^ this.#seed);
  }

  /** A key of a cache was asked for, once or several times. */
  request(cache: HotCache, key: KeyPart, times: number): void {
    const now = this.#clock.tick || this.#clock.read();
    if (now >= this.#nextStep) this.#age(now);
    // 0 marks no key.
    const hash = keyHash(key, cache.seed) || 1;
    const slot = this.#sketch.record(hash, times);
    if (this.#sketch.least(slot) >= this.#enough && this.#marks[slot] !== hash)
      this.#heat(cache, key, hash, slot, now);
  }

  /** The hot keys, the hottest first. */
  statistics(): readonly HotKey[] {
    const now = this.#clock.read();
    this.#age(now);
    return [...this.#found.values()]
      .map((found) => this.#told(found, now))
      .toSorted((one, other) => other.perSecond - one.perSecond);
  }

  close(): void {
    this.#timer?.cancel();
    for (const found of this.#found.values()) this.#rename(found, undefined);
  }

  #age(now: number): void {
    if (now < this.#nextStep) return;
    const steps = Math.floor((now - this.#nextStep) / step) + 1;
    this.#nextStep += steps * step;
    // Beyond it, nothing is left anyway.
    this.#sketch.age(2 ** (-Math.min(steps, 1000) / 32));
  }

  #heat(cache: HotCache, key: KeyPart, hash: number, slot: number, now: number): void {
    if (this.#found.has(hash)) {
      // It lost its counter in between.
      this.#marks[slot] = hash;
      return;
    }
    if (this.#found.size >= this.settings.most) {
      const count = this.#sketch.least(slot);
      if (count < hotter * this.#lowest) return;
      const coolest = this.#coolest();
      if (count < hotter * this.#countOf(coolest)) return;
      this.#cool(coolest, now);
      this.#coolest();
    }
    const found: Found = { cache, key, hash, since: now, name: undefined };
    this.#found.set(hash, found);
    this.#marks[slot] = hash;
    cache.keys.add(key);
    this.#rename(found, cache.nameOf(key));
    if (this.#found.size === this.settings.most) this.#coolest();
    this.#timer ??= this.#runtime.after(reviewEvery, this.#review, false);
    const { perSecond } = this.#told(found, now);
    tell('hot-key-found', { cache: cache.name, key: cache.callersKey(key), perSecond });
  }

  readonly #review = (): void => {
    const now = this.#clock.read();
    this.#age(now);
    for (const found of this.#found.values()) {
      if (this.#countOf(found) < stays * this.#enough) this.#cool(found, now);
      // A clear gives it another name.
      else this.#rename(found, found.cache.nameOf(found.key));
    }
    if (this.#found.size > 0) this.#coolest();
    this.#timer = this.#found.size === 0 ? undefined : this.#runtime.after(reviewEvery, this.#review, false);
  };

  /** The least hot one, and how hot that is. */
  #coolest(): Found {
    let coolest: Found | undefined;
    this.#lowest = Number.POSITIVE_INFINITY;
    for (const found of this.#found.values()) {
      const count = this.#countOf(found);
      if (count >= this.#lowest) continue;
      this.#lowest = count;
      coolest = found;
    }
    return coolest!;
  }

  #cool(found: Found, now: number): void {
    const { cache, key, hash } = found;
    const { perSecond, milliseconds } = this.#told(found, now);
    this.#found.delete(hash);
    const slot = this.#sketch.find(hash);
    if (slot >= 0) this.#marks[slot] = 0;
    cache.keys.delete(key);
    this.#rename(found, undefined);
    tell('hot-key-gone', { cache: cache.name, key: cache.callersKey(key), perSecond, milliseconds });
  }

  #countOf({ hash }: Found): number {
    const slot = this.#sketch.find(hash);
    return slot < 0 ? 0 : this.#sketch.least(slot);
  }

  #told(found: Found, now: number): HotKey {
    const { cache, key, since } = found;
    const perSecond = Math.round(this.#countOf(found) * rateOf(1));
    return {
      cache: cache.name,
      key: cache.callersKey(key),
      perSecond,
      milliseconds: Math.round(now - since),
    };
  }

  #rename(found: Found, name: string | undefined): void {
    const split = this.#split;
    if (split === undefined || found.name === name) return;
    if (found.name !== undefined) split.delete(found.name);
    if (name !== undefined) split.add(name);
    found.name = name;
  }
}

/** Requests per second that keep a count where it is. */
function rateOf(count: number): number {
  return (count * Math.LN2 * 1000) / halfLife;
}
