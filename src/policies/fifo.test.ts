import { test } from 'vitest';
import { assertSameAnswers, type NaiveCache } from '../../test/policies/same-answers.ts';
import { FifoPolicy } from './fifo.ts';

class NaiveFifo implements NaiveCache {
  #queue: number[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  request(key: number): boolean {
    if (this.#queue.includes(key)) return true;
    if (this.#queue.length === this.#capacity) this.#queue.shift();
    this.#queue.push(key);
    return false;
  }

  keys(): readonly number[] {
    return this.#queue;
  }

  delete(key: number): void {
    this.#queue = this.#queue.filter((each) => each !== key);
  }
}

test('gives the same answers as a queue of keys, with deletions between', () => {
  assertSameAnswers(
    (options) => new FifoPolicy(options),
    (capacity) => new NaiveFifo(capacity),
  );
});
