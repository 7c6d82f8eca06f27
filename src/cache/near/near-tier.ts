import { wrongOption } from '../../core/error.ts';
import { realRuntime } from '../../core/runtime.ts';
import { makePolicy, type PolicyName } from '../../policies/policy-by-name.ts';
import { WTinyLfuPolicy } from '../../policies/w-tinylfu.ts';
import { type EntrySlab, mostOwners } from './entry-slab.ts';
import { entryWeight, type EntryWeight, type IndexName } from './entry-weight.ts';
import { ChainTable } from './chain-table.ts';
import { HashIndex } from './hash-index.ts';
import { HashTable } from './hash-table.ts';
import { LiveCurve, type SizeEstimate } from './live-curve.ts';
import { MapIndex } from './map-index.ts';
import { type EntryNature, NearIndex, type RemovalListener } from './near-index.ts';
import { NearRoom } from './near-room.ts';
import { SwiftIndex } from './swift-index.ts';

export type { EntryNature };

export interface NearTierOptions {
  /** Keys, values and what holds them, as estimated: the tier never counts more. */
  readonly maxBytes: number;
  /** Default: as many as fit. */
  readonly maxEntries?: number;
  /** Default: W-TinyLFU. */
  readonly policy?: PolicyName;
  /** Default: our own. */
  readonly index?: IndexName;
  /** Whether to estimate what another size would bring. Default true. */
  readonly estimate?: boolean;
  readonly removed?: RemovalListener;
  /** The runtime's: sweeps what was cleared in the background. Without it, new entries sweep. */
  readonly defer?: (callback: () => void) => void;
  /** 32 bits for the hash of keys and for chance. Default: random, so that nobody outside can choose keys that collide. */
  readonly seed?: number;
}

/** How full the tables of an index are at most where a plain policy is chosen, and with it its few bytes. The default's are made for speed. */
const dense = 0.85;

const roomy = (slab: EntrySlab): ChainTable => new ChainTable(slab);
const thrifty = (slab: EntrySlab): HashTable => new HashTable(slab, dense);

const tooMany = `one of at most ${mostOwners} caches with a near tier that one object has`;

/**
 * The in-process tier: live values under one budget for all caches of a process, each with an index of its own.
 * Synchronous throughout; no call takes longer than 5 ms at a million entries.
 */
export class NearTier {
  readonly policyName: PolicyName;
  readonly indexName: IndexName;
  readonly #room: NearRoom;
  readonly #seed: number;
  readonly #weight: EntryWeight;
  readonly #curve: LiveCurve;
  readonly #removed: RemovalListener | undefined;
  readonly #indexes: NearIndex[] = [];
  /** Whether the policy counts entries; else it counts bytes. */
  readonly #byEntries: boolean;
  #closed = false;

  constructor(options: NearTierOptions) {
    const { maxBytes, maxEntries = Number.POSITIVE_INFINITY, policy = 'w-tinylfu', index = 'hash' } = options;
    const seed = (options.seed ?? realRuntime.random() * 2 ** 32) | 0;
    this.policyName = policy;
    this.indexName = index;
    this.#seed = seed;
    this.#weight = entryWeight(policy, index);
    this.#removed = options.removed;
    this.#byEntries = maxEntries !== Number.POSITIVE_INFINITY;
    this.#room = new NearRoom({
      maxBytes,
      maxEntries,
      defer: options.defer,
      policy: (slab) =>
        makePolicy(policy, {
          capacity: this.#byEntries ? maxEntries : maxBytes,
          seed,
          hashOf: (slot) => slab.hashOf(slot),
          weightOf: this.#byEntries ? undefined : (slot) => slab.weightOf(slot),
        }),
    });
    this.#curve = new LiveCurve(options.estimate ?? true, this.#room);
  }

  /** A new index; the name is for people. Throws `CISTERN_OPTION` if there are 4,095. */
  index(name: string): NearIndex {
    if (this.#indexes.length >= mostOwners) throw wrongOption('define', name, tooMany);
    const index = this.#newIndex(name);
    this.#indexes.push(index);
    if (this.#closed) index.close();
    return index;
  }

  #newIndex(name: string): NearIndex {
    const { slab, policy } = this.#room;
    const seed = this.#seed;
    const parts = {
      name,
      room: this.#room,
      weight: this.#weight,
      curve: this.#curve,
      removed: this.#removed,
    };
    if (this.indexName === 'map') return new NearIndex({ ...parts, keys: new MapIndex(slab, seed) });
    if (!(policy instanceof WTinyLfuPolicy))
      return new NearIndex({ ...parts, keys: new HashIndex(slab, seed, thrifty) });
    return new SwiftIndex({ ...parts, keys: new HashIndex(slab, seed, roomy), policy, seed });
  }

  get indexes(): readonly NearIndex[] {
    return this.#indexes;
  }

  /** Slots there are, from 0: to look at all entries bit by bit. */
  get slots(): number {
    return this.#room.slab.end;
  }

  /** The index of the live entry in a slot; `undefined` if there is none. */
  indexAt(slot: number): NearIndex | undefined {
    return this.#room.ownerAt(slot) as NearIndex | undefined;
  }

  /** Bytes counted, those of cleared entries included until they are swept. */
  get bytes(): number {
    return this.#room.bytes;
  }

  get maxBytes(): number {
    return this.#room.maxBytes;
  }

  /** As many as there are slots, 16,777,214, if only bytes are limited. */
  get maxEntries(): number {
    return this.#room.maxEntries;
  }

  /** Live entries of all indexes. */
  get size(): number {
    return this.#indexes.reduce((sum, index) => sum + index.size, 0);
  }

  /** Entries that hold memory: live ones, and cleared ones not swept yet. */
  get resident(): number {
    return this.#room.resident;
  }

  /** What another size would bring; `undefined` until there have been enough requests. */
  estimate(): SizeEstimate | undefined {
    return this.#curve.estimate();
  }

  /** Other limits from now on. A smaller tier lets go of what is too much bit by bit: in the background, and with each new entry. */
  resize(maxBytes: number, maxEntries: number = this.#room.maxEntries): void {
    this.#room.resize(maxBytes, maxEntries, this.#byEntries ? maxEntries : maxBytes);
  }

  /** Empties all indexes; nothing is kept from now on. */
  close(): void {
    this.#closed = true;
    for (const index of this.#indexes) index.close();
    this.#room.close();
  }
}
