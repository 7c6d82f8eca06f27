import type { Policy, PolicyOptions } from '../../src/policies/policy.ts';

export type MakePolicy = (options: PolicyOptions) => Policy;

/** A policy that can do both in one step where one entry takes the slot of another. */
interface Exchanging extends Policy {
  exchange(slot: number, leaving: number, hash: number, weight: number): void;
}

export interface SlotCacheOptions {
  readonly capacity: number;
  readonly seed?: number;
  /** Entries have weights. Default: each weighs 1, and the policy is not told any. */
  readonly weighted?: boolean;
  /** Which of the free slots is used next. Default: the one that was freed last. */
  readonly reuse?: 'last' | 'first';
  /** A newcomer for which one victim is enough takes its slot in one step; the policy must be able to. */
  readonly exchange?: boolean;
}

/**
 * A cache over a policy that keeps the owner's side of the contract, and throws when the policy breaks its own: what it
 * names must be resident, and its size and weight must be those of what is resident.
 */
export class SlotCache {
  readonly policy: Policy;
  /** The keys that were evicted, in order. */
  readonly evicted: number[] = [];
  readonly #slots = new Map<number, number>();
  readonly #keys: number[] = [];
  readonly #weights: number[] = [];
  readonly #free: number[] = [];
  readonly #options: SlotCacheOptions;
  #capacity: number;
  #weight = 0;

  constructor(makePolicy: MakePolicy, options: SlotCacheOptions) {
    this.#options = options;
    this.#capacity = options.capacity;
    const seed = options.seed ?? 1;
    this.policy = makePolicy({
      capacity: options.capacity,
      seed,
      hashOf: (slot) => hashOf(this.#keys[slot]!, seed),
      ...(options.weighted === true ? { weightOf: (slot: number) => this.#weights[slot]! } : {}),
    });
  }

  get size(): number {
    return this.#slots.size;
  }

  get weight(): number {
    return this.#weight;
  }

  /** Slots that were ever used. */
  get slots(): number {
    return this.#keys.length;
  }

  has(key: number): boolean {
    return this.#slots.has(key);
  }

  /** The keys that are resident, the smallest first. */
  keys(): number[] {
    return [...this.#slots.keys()].toSorted((a, b) => a - b);
  }

  /** Asks for a key, and keeps it if it was not there and is not too heavy. True for a hit. */
  request(key: number, weight = 1): boolean {
    const slot = this.#slots.get(key);
    if (slot !== undefined) {
      this.policy.hit(slot);
      this.#check();
      return true;
    }
    if (weight > this.#capacity) return false;
    this.policy.miss(hashOf(key, this.#options.seed ?? 1));
    while (this.#weight + weight > this.#capacity) {
      const victim = this.#victim();
      if (
        this.#options.exchange === true &&
        this.#weight + weight - this.#weights[victim]! <= this.#capacity
      ) {
        this.#exchange(victim, key, weight);
        return false;
      }
      this.#remove(victim);
    }
    const fresh =
      (this.#options.reuse === 'first' ? this.#free.shift() : this.#free.pop()) ?? this.#keys.length;
    this.#keys[fresh] = key;
    this.#weights[fresh] = weight;
    this.#slots.set(key, fresh);
    this.#weight += weight;
    this.policy.insert(fresh);
    this.#check();
    return false;
  }

  delete(key: number): void {
    const slot = this.#slots.get(key);
    if (slot !== undefined) this.#remove(slot);
  }

  /** Replaces a value by one of another weight, if the key is there and the weight is not too much for it. */
  reweigh(key: number, weight: number): void {
    const slot = this.#slots.get(key);
    if (slot === undefined || weight > this.#capacity) return;
    const difference = weight - this.#weights[slot]!;
    this.#weights[slot] = weight;
    this.#weight += difference;
    this.policy.reweigh(slot, difference);
    this.#check();
    while (this.#weight > this.#capacity) this.evict();
  }

  resize(capacity: number): void {
    this.#capacity = capacity;
    this.policy.resize(capacity);
    this.#check();
    while (this.#weight > capacity) this.evict();
  }

  evict(): void {
    this.#remove(this.#victim());
  }

  #victim(): number {
    const victim = this.policy.victim();
    const key = this.#keys[victim];
    if (key === undefined || this.#slots.get(key) !== victim)
      throw new Error(`victim ${victim} is not resident, and ${this.size} are`);
    this.evicted.push(key);
    return victim;
  }

  #exchange(slot: number, key: number, weight: number): void {
    const seed = this.#options.seed ?? 1;
    const leaving = this.#keys[slot]!;
    const policy = this.policy as Exchanging;
    policy.exchange(slot, hashOf(leaving, seed), hashOf(key, seed), weight);
    this.#slots.delete(leaving);
    this.#weight += weight - this.#weights[slot]!;
    this.#keys[slot] = key;
    this.#weights[slot] = weight;
    this.#slots.set(key, slot);
    this.#check();
  }

  #remove(slot: number): void {
    this.policy.remove(slot);
    this.#slots.delete(this.#keys[slot]!);
    this.#weight -= this.#weights[slot]!;
    this.#free.push(slot);
    this.#check();
  }

  #check(): void {
    const { size, weight } = this.policy;
    if (size !== this.size || weight !== this.#weight)
      throw new Error(`${size} entries of ${weight} instead of ${this.size} of ${this.#weight}`);
  }
}

/** The last steps of MurmurHash3: no two keys have the same hash. */
export function hashOf(key: number, seed: number): number {
  let bits = key ^ seed;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
