import { expect, test } from 'vitest';
import { assertSameAnswers, type NaiveCache } from '../../test/policies/same-answers.ts';
import { SlotCache } from '../../test/policies/slot-cache.ts';
import { ArcPolicy } from './arc.ts';

/** Figure 4 of the paper over four arrays, with its names; the first of each is the least recently used. */
class NaiveArc implements NaiveCache {
  #t1: number[] = [];
  #t2: number[] = [];
  #b1: number[] = [];
  #b2: number[] = [];
  #p = 0;
  readonly #c: number;

  constructor(capacity: number) {
    this.#c = capacity;
  }

  request(x: number): boolean {
    const c = this.#c;
    if (this.#t1.includes(x) || this.#t2.includes(x)) {
      this.#t1 = without(this.#t1, x);
      this.#t2 = [...without(this.#t2, x), x];
      return true;
    }
    if (this.#b1.includes(x)) {
      this.#p = Math.min(this.#p + Math.max(this.#b2.length / this.#b1.length, 1), c);
      this.#b1 = without(this.#b1, x);
      this.#replace(false);
      this.#t2.push(x);
    } else if (this.#b2.includes(x)) {
      this.#p = Math.max(this.#p - Math.max(this.#b1.length / this.#b2.length, 1), 0);
      this.#b2 = without(this.#b2, x);
      this.#replace(true);
      this.#t2.push(x);
    } else {
      const l1 = this.#t1.length + this.#b1.length;
      const both = l1 + this.#t2.length + this.#b2.length;
      if (l1 === c) {
        if (this.#t1.length < c) {
          this.#b1.shift();
          this.#replace(false);
        } else this.#t1.shift();
      } else if (both >= c) {
        if (both === 2 * c) this.#b2.shift();
        this.#replace(false);
      }
      this.#t1.push(x);
    }
    return false;
  }

  keys(): readonly number[] {
    return [...this.#t1, ...this.#t2];
  }

  #replace(inB2: boolean): void {
    const { length } = this.#t1;
    if (length >= 1 && ((inB2 && length === this.#p) || length > this.#p)) this.#b1.push(this.#t1.shift()!);
    else this.#b2.push(this.#t2.shift()!);
  }
}

function without(list: readonly number[], key: number): number[] {
  return list.filter((each) => each !== key);
}

test('gives the same answers as figure 4 of the paper over arrays', () => {
  assertSameAnswers(
    (options) => new ArcPolicy(options),
    (capacity) => new NaiveArc(capacity),
  );
});

test('ghosts are forgotten as the room of deleted entries fills up again', () => {
  const cache = new SlotCache((options) => new ArcPolicy(options), { capacity: 10 });
  for (const key of [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]) cache.request(key);
  for (let key = 10; key < 30; key++) cache.request(key);
  for (const key of cache.keys()) cache.delete(key);
  for (let key = 30; key < 40; key++) cache.request(key);
  // Was a ghost: as one, it would come to the list of what was asked for again, and stay.
  cache.request(24);
  for (let key = 40; key < 50; key++) cache.request(key);
  expect(cache.has(24)).toBe(false);
});
