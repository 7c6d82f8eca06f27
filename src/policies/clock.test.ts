import { expect, test } from 'vitest';
import fc from 'fast-check';
import { ClockPolicy } from './clock.ts';
import type { Policy } from './policy.ts';

/** FIFO reinsertion as the papers write it: a queue of keys with a bit, room is made before the newcomer enters. */
class NaiveClock {
  readonly queue: { key: number; referenced: boolean }[] = [];
  readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** True for a hit. */
  request(key: number): boolean {
    const found = this.queue.find((each) => each.key === key);
    if (found !== undefined) {
      found.referenced = true;
      return true;
    }
    while (this.queue.length >= this.capacity) {
      const first = this.queue.shift()!;
      if (!first.referenced) break;
      this.queue.push({ key: first.key, referenced: false });
    }
    this.queue.push({ key, referenced: false });
    return false;
  }

  delete(key: number): void {
    const index = this.queue.findIndex((each) => each.key === key);
    if (index >= 0) this.queue.splice(index, 1);
  }
}

/** A unit-weight cache over a policy, as the near tier and the simulator use it. */
class SlotCache {
  readonly slots = new Map<number, number>();
  readonly keys: number[] = [];
  readonly free: number[] = [];
  readonly policy: Policy;
  readonly capacity: number;

  constructor(policy: Policy, capacity: number) {
    this.policy = policy;
    this.capacity = capacity;
  }

  request(key: number): boolean {
    const slot = this.slots.get(key);
    if (slot !== undefined) {
      this.policy.hit(slot);
      return true;
    }
    const fresh = this.free.pop() ?? this.keys.length;
    this.keys[fresh] = key;
    this.slots.set(key, fresh);
    this.policy.insert(fresh);
    while (this.slots.size > this.capacity) {
      const victim = this.policy.victim();
      const gone = this.keys[victim]!;
      if (this.slots.get(gone) !== victim) throw new Error(`victim ${victim} is not resident`);
      this.delete(gone);
    }
    return false;
  }

  delete(key: number): void {
    const slot = this.slots.get(key);
    if (slot === undefined) return;
    this.policy.remove(slot);
    this.slots.delete(key);
    this.free.push(slot);
  }
}

const script = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: fc.record({ delete: fc.constant(false), key: fc.nat(24) }) },
    { weight: 1, arbitrary: fc.record({ delete: fc.constant(true), key: fc.nat(24) }) },
  ),
  { maxLength: 300, size: 'max' },
);

test('gives the same answers as FIFO reinsertion over a queue, with deletes between', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), script, (capacity, steps) => {
      const naive = new NaiveClock(capacity);
      const cache = new SlotCache(new ClockPolicy(), capacity);
      for (const step of steps) {
        if (step.delete) {
          naive.delete(step.key);
          cache.delete(step.key);
        } else {
          expect(cache.request(step.key)).toBe(naive.request(step.key));
        }
        expect([...cache.slots.keys()].toSorted(ascending)).toEqual(
          naive.queue.map((each) => each.key).toSorted(ascending),
        );
        expect(cache.policy.size).toBe(naive.queue.length);
      }
    }),
    { numRuns: 300 },
  );
});

test('an empty ring has no victim; the only entry is one', () => {
  const policy = new ClockPolicy();
  expect(policy.victim()).toBe(-1);
  policy.insert(0);
  expect(policy.victim()).toBe(0);
  policy.remove(0);
  expect(policy.victim()).toBe(-1);
});

test('the newcomer is spared even if every other entry was hit', () => {
  const policy = new ClockPolicy();
  for (let slot = 0; slot < 4; slot++) policy.insert(slot);
  for (let slot = 0; slot < 3; slot++) policy.hit(slot);
  expect(policy.victim()).toBe(0);
});

test('among very many used entries the way of the hand ends early, and starts anew with each newcomer', () => {
  const policy = new ClockPolicy();
  const count = 300_000;
  for (let slot = 0; slot < count; slot++) policy.insert(slot);
  for (let slot = 0; slot < count; slot++) policy.hit(slot);
  const way = 65_536;
  for (const expected of [way, way + 1, way + 2]) {
    expect(policy.victim()).toBe(expected);
    policy.remove(expected);
  }
  policy.insert(count);
  expect(policy.victim()).toBe(2 * way + 3);
});

function ascending(a: number, b: number): number {
  return a - b;
}
