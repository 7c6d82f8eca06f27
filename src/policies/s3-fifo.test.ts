import { expect, test } from 'vitest';
import { assertSameAnswers, type NaiveCache } from '../../test/policies/same-answers.ts';
import { SlotCache } from '../../test/policies/slot-cache.ts';
import { shortestWay } from './hand-way.ts';
import { mostForgotten, mostPassed, S3FifoPolicy } from './s3-fifo.ts';

interface Entry {
  readonly key: number;
  hits: number;
}

/** The algorithm of the paper over three arrays; the first is the oldest. */
class NaiveS3Fifo implements NaiveCache {
  #small: Entry[] = [];
  #main: Entry[] = [];
  #ghosts: number[] = [];
  readonly #capacity: number;
  readonly #mainLimit: number;
  readonly #ghostLimit: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#mainLimit = capacity - Math.max(1, Math.floor(0.1 * capacity));
    this.#ghostLimit = Math.floor(0.9 * capacity);
  }

  request(key: number): boolean {
    const found = [...this.#small, ...this.#main].find((each) => each.key === key);
    if (found !== undefined) {
      found.hits = Math.min(found.hits + 1, 3);
      return true;
    }
    const returning = this.#ghosts.includes(key);
    this.#ghosts = this.#ghosts.filter((each) => each !== key);
    while (this.#small.length + this.#main.length >= this.#capacity) this.#evict();
    (returning ? this.#main : this.#small).push({ key, hits: 0 });
    return false;
  }

  keys(): readonly number[] {
    return [...this.#small, ...this.#main].map(({ key }) => key);
  }

  delete(key: number): void {
    this.#small = this.#small.filter((each) => each.key !== key);
    this.#main = this.#main.filter((each) => each.key !== key);
  }

  #evict(): void {
    if (this.#main.length > this.#mainLimit || this.#small.length === 0) this.#evictMain();
    else this.#evictSmall();
  }

  /** May find only entries to promote: nothing has gone then. */
  #evictSmall(): void {
    while (this.#small.length > 0) {
      const { key, hits } = this.#small.shift()!;
      if (hits > 1) this.#main.push({ key, hits: 0 });
      else {
        if (this.#ghostLimit > 0) this.#ghosts.push(key);
        if (this.#ghosts.length > this.#ghostLimit) this.#ghosts.shift();
        return;
      }
    }
  }

  #evictMain(): void {
    while (this.#main.length > 0) {
      const { key, hits } = this.#main.shift()!;
      if (hits === 0) return;
      this.#main.push({ key, hits: hits - 1 });
    }
  }
}

test('gives the same answers as the algorithm of the paper over arrays, with deletions between', () => {
  assertSameAnswers(
    (options) => new S3FifoPolicy(options),
    (capacity) => new NaiveS3Fifo(capacity),
  );
});

test('a lower capacity bounds what is remembered, too', () => {
  const cache = new SlotCache((options) => new S3FifoPolicy(options), { capacity: 1000 });
  for (let key = 0; key < 2000; key++) cache.request(key);
  cache.resize(10);
  for (let key = 3000; key < 3100; key++) cache.request(key);
  cache.request(1500);
  for (let key = 4000; key < 4010; key++) cache.request(key);
  expect(cache.has(1500)).toBe(false);
});

test('among very many used entries the way of the hand ends early: four steps for each that is promoted', () => {
  const count = 2 * mostPassed;
  const policy = new S3FifoPolicy({ capacity: count, seed: 1, hashOf: (slot) => slot });
  for (let slot = 0; slot < count; slot++) {
    policy.miss(slot);
    policy.insert(slot);
    for (let hits = 0; hits < 3; hits++) policy.hit(slot);
  }
  policy.miss(count);
  expect(policy.victim()).toBe(mostPassed / 4);
});

/** A cache full of entries of weight 100, which remembers as many of them as it may. */
function full(entries: number): { policy: S3FifoPolicy; evict: () => void; come: (weight: number) => void } {
  const weights: number[] = [];
  const policy: S3FifoPolicy = new S3FifoPolicy({
    capacity: 100 * entries,
    seed: 1,
    hashOf: (slot) => slot,
    weightOf: (slot) => weights[slot]!,
  });
  const evict = (): void => policy.remove(policy.victim());
  const come = (weight: number): void => {
    const slot = weights.push(weight) - 1;
    policy.miss(slot);
    while (policy.weight + weight > 100 * entries) evict();
    policy.insert(slot);
  };
  for (let number = 0; number < 2 * entries; number++) come(100);
  return { policy, evict, come };
}

test('what is remembered weighs nine tenths of the capacity at most, also where heavy entries go for light ones', () => {
  const { policy, come } = full(10_000);
  expect(policy.ghosts).toMatchObject({ size: 9000, weight: 900_000 });
  for (let number = 0; number < 300; number++) {
    come(20_000);
    expect(policy.ghosts.weight).toBeLessThanOrEqual(900_000);
  }
});

test('a limit that has fallen far is reached again step by step: no call forgets very many', () => {
  const { policy, evict } = full(10_000);
  policy.resize(1000);
  policy.miss(-1);
  let before = policy.ghosts.size;
  evict();
  expect(before - policy.ghosts.size).toBe(mostForgotten - 1);
  before = policy.ghosts.size;
  evict();
  expect(before - policy.ghosts.size).toBe(shortestWay - 1);
  policy.miss(-2);
  before = policy.ghosts.size;
  evict();
  expect(before - policy.ghosts.size).toBe(mostForgotten - 1);
});
