import { expect, test } from 'vitest';
import { assertSameAnswers, type NaiveCache } from '../../test/policies/same-answers.ts';
import { longestWay } from './hand-way.ts';
import { SievePolicy } from './sieve.ts';

/** Algorithm 1 of the paper: a queue whose head is the newest, and a hand that goes from the tail to the head. */
class NaiveSieve implements NaiveCache {
  /** The tail comes first. */
  readonly #queue: { readonly key: number; visited: boolean }[] = [];
  /** An index of the queue, or nothing. */
  #hand: number | undefined;
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  request(key: number): boolean {
    const found = this.#queue.find((each) => each.key === key);
    if (found !== undefined) {
      found.visited = true;
      return true;
    }
    if (this.#queue.length === this.#capacity) this.#evict();
    this.#queue.push({ key, visited: false });
    return false;
  }

  keys(): readonly number[] {
    return this.#queue.map(({ key }) => key);
  }

  delete(key: number): void {
    const index = this.#queue.findIndex((each) => each.key === key);
    if (index < 0) return;
    this.#queue.splice(index, 1);
    if (this.#hand === undefined) return;
    if (index < this.#hand) this.#hand--;
    if (this.#hand === this.#queue.length) this.#hand = undefined;
  }

  #evict(): void {
    let at = this.#hand ?? 0;
    while (this.#queue[at]!.visited) {
      this.#queue[at]!.visited = false;
      at++;
      if (at === this.#queue.length) at = 0;
    }
    this.#queue.splice(at, 1);
    this.#hand = at < this.#queue.length ? at : undefined;
  }
}

test('gives the same answers as the algorithm of the paper over a queue, with deletions between', () => {
  assertSameAnswers(
    (options) => new SievePolicy(options),
    (capacity) => new NaiveSieve(capacity),
  );
});

test('among very many used entries the way of the hand ends early', () => {
  const count = 2 * longestWay;
  const policy = new SievePolicy({ capacity: count, seed: 1, hashOf: (slot) => slot });
  for (let slot = 0; slot < count; slot++) policy.insert(slot);
  for (let slot = 0; slot < count; slot++) policy.hit(slot);
  policy.miss();
  expect(policy.victim()).toBe(longestWay);
});
