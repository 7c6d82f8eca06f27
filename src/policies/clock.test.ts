import { expect, test } from 'vitest';
import { assertSameAnswers, type NaiveCache } from '../../test/policies/same-answers.ts';
import { ClockPolicy } from './clock.ts';
import { longestWay, shortestWay } from './hand-way.ts';

/** FIFO reinsertion: a queue of keys with a bit. */
class NaiveClock implements NaiveCache {
  #queue: { readonly key: number; referenced: boolean }[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  request(key: number): boolean {
    const found = this.#queue.find((each) => each.key === key);
    if (found !== undefined) {
      found.referenced = true;
      return true;
    }
    while (this.#queue.length >= this.#capacity) {
      const first = this.#queue.shift()!;
      if (first.referenced) this.#queue.push({ key: first.key, referenced: false });
    }
    this.#queue.push({ key, referenced: false });
    return false;
  }

  keys(): readonly number[] {
    return this.#queue.map(({ key }) => key);
  }

  delete(key: number): void {
    this.#queue = this.#queue.filter((each) => each.key !== key);
  }
}

test('gives the same answers as FIFO reinsertion over a queue, with deletions between', () => {
  assertSameAnswers(
    (options) => new ClockPolicy(options),
    (capacity) => new NaiveClock(capacity),
  );
});

test('among very many used entries the way of the hand ends early, and starts anew with each newcomer', () => {
  const count = 3 * longestWay;
  const policy = new ClockPolicy({ capacity: count, seed: 1, hashOf: (slot) => slot });
  for (let slot = 0; slot < count; slot++) policy.insert(slot);
  for (let slot = 0; slot < count; slot++) policy.hit(slot);
  const evict = (): number => {
    const victim = policy.victim();
    policy.remove(victim);
    return victim;
  };
  policy.miss();
  expect(evict()).toBe(longestWay);
  expect(evict()).toBe(longestWay + 1 + shortestWay);
  policy.miss();
  expect(evict()).toBe(2 * longestWay + 2 + shortestWay);
});
