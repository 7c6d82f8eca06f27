import type { KeyPart } from '../../core/key.ts';
import { Chance } from '../../policies/chance.ts';
import type { HotKeys } from './hot-keys.ts';

/** Of near hits of caches with a near tier one in so many is counted, for all of them: the hit itself takes hardly longer than counting. */
const sampleOf = 16;

/** What hot keys must know of a cache. */
export interface HotCacheParts {
  readonly name: string;
  /** Whether near hits are so many and so quick that only some are counted: the near tier is on. */
  readonly sampled: boolean;
  /** Whether its hot keys are kept near although the near tier is off. */
  readonly kept: boolean;
  /** The key as its caller knows it. */
  readonly callersKey: (key: KeyPart) => KeyPart;
  /** The name of a key in the store, `undefined` while there is none. */
  readonly nameOf: (key: KeyPart) => string | undefined;
}

/** One cache's part of the hot keys. */
export class HotCache {
  readonly name: string;
  readonly callersKey: HotCacheParts['callersKey'];
  readonly nameOf: HotCacheParts['nameOf'];
  /** For the hashes of its keys: the same key in another cache is another key. */
  readonly seed: number;
  /** Those that are hot now. Changed by `HotKeys` alone. */
  readonly keys: Set<KeyPart> = new Set();
  /** How long the near tier may answer a hot key unasked where it is off for the cache, in milliseconds; 0: not at all. */
  readonly nearTtl: number;
  readonly #owner: HotKeys;
  readonly #every: number;
  readonly #chance: Chance;

  /** Made by `HotKeys.cache`. */
  constructor(owner: HotKeys, parts: HotCacheParts, seed: number) {
    this.name = parts.name;
    this.callersKey = parts.callersKey;
    this.nameOf = parts.nameOf;
    this.seed = seed;
    this.nearTtl = parts.kept ? owner.settings.nearTtl : 0;
    this.#owner = owner;
    this.#every = parts.sampled ? sampleOf : 1;
    this.#chance = new Chance(seed);
  }

  /** A key was asked for, and the near tier did not answer at once. */
  request(key: KeyPart): void {
    this.#owner.request(this, key, 1);
  }

  /**
   * A near hit, which stands for those that were not counted. Answers which hit from this one on is the next to be counted: not each
   * sixteenth, as a load that goes round would then show one key only.
   */
  hit(key: KeyPart): number {
    this.#owner.request(this, key, this.#every);
    return this.#every === 1 ? 1 : 1 + this.#chance.below(2 * this.#every - 1);
  }
}
