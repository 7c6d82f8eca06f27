import { test } from 'vitest';
import { assertSameAnswers, type NaiveCache } from '../../test/policies/same-answers.ts';
import { LfuPolicy } from './lfu.ts';

class NaiveLfu implements NaiveCache {
  #entries: { readonly key: number; requests: number; since: number }[] = [];
  #told = 0;
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  request(key: number): boolean {
    const now = this.#told++;
    const found = this.#entries.find((each) => each.key === key);
    if (found !== undefined) {
      found.requests++;
      found.since = now;
      return true;
    }
    if (this.#entries.length === this.#capacity) {
      this.#entries.sort((a, b) => a.requests - b.requests || a.since - b.since);
      this.#entries.shift();
    }
    this.#entries.push({ key, requests: 1, since: now });
    return false;
  }

  keys(): readonly number[] {
    return this.#entries.map(({ key }) => key);
  }

  delete(key: number): void {
    this.#entries = this.#entries.filter((each) => each.key !== key);
  }
}

test('gives the same answers as sorting by the number of requests, with deletions between', () => {
  assertSameAnswers(
    (options) => new LfuPolicy(options),
    (capacity) => new NaiveLfu(capacity),
  );
});
