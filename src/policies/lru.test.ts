import { test } from 'vitest';
import { assertSameAnswers, type NaiveCache } from '../../test/policies/same-answers.ts';
import { LruPolicy } from './lru.ts';

class NaiveLru implements NaiveCache {
  /** The key that was asked for last stands last. */
  #stack: number[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  request(key: number): boolean {
    const hit = this.#stack.includes(key);
    this.delete(key);
    if (this.#stack.length === this.#capacity) this.#stack.shift();
    this.#stack.push(key);
    return hit;
  }

  keys(): readonly number[] {
    return this.#stack;
  }

  delete(key: number): void {
    this.#stack = this.#stack.filter((each) => each !== key);
  }
}

test('gives the same answers as a stack of keys, with deletions between', () => {
  assertSameAnswers(
    (options) => new LruPolicy(options),
    (capacity) => new NaiveLru(capacity),
  );
});
