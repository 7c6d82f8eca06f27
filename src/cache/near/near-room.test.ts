import { expect, test } from 'vitest';
import { LruPolicy } from '../../policies/lru.ts';
import { NearRoom, type RoomOwner } from './near-room.ts';

const times = { until: 50, freshUntil: 50, confirmedUntil: Infinity, staleUntil: 50, loadedAt: 1 };

/** A room for so many entries, and how many of each owner are inside. */
class Counted {
  readonly room: NearRoom;
  readonly #entries = new Map<number, number>();

  constructor(maxEntries: number, maxBytes = 1e9) {
    this.room = new NearRoom({
      maxBytes,
      maxEntries,
      defer: undefined,
      policy: (slab) => new LruPolicy({ capacity: maxEntries, seed: 1, hashOf: (slot) => slab.hashOf(slot) }),
    });
  }

  own(): number {
    let number = 0;
    const less = (): void => void this.#entries.set(number, this.of(number) - 1);
    const owner: RoomOwner = { leaves: less, swept: less };
    number = this.room.own(owner);
    return number;
  }

  add(owner: number, weight = 1): number {
    const slot = this.room.add('key', 1, 'value', weight, owner, times, 2);
    if (slot >= 0) this.#entries.set(owner, this.of(owner) + 1);
    return slot;
  }

  of(owner: number): number {
    return this.#entries.get(owner) ?? 0;
  }
}

test('an entry of a full room takes the place of one other, and that is known', () => {
  const counted = new Counted(300);
  const owner = counted.own();
  for (let number = 0; number < 300; number++) counted.add(owner);
  expect(counted.room.overflowed).toBe(false);
  expect(counted.add(owner)).toBe(0);
  expect([counted.of(owner), counted.room.resident, counted.room.bytes]).toEqual([300, 300, 300]);
  expect(counted.room.overflowed).toBe(true);
});

test('a full room lets go of the dead first, wherever they are', () => {
  const counted = new Counted(300);
  const [one, other] = [counted.own(), counted.own()];
  // In the middle, far from where the sweep has got to.
  for (let number = 0; number < 300; number++) counted.add(number >= 150 && number < 170 ? other : one);
  counted.room.disown(other, 20);
  for (let number = 1; number <= 20; number++) {
    counted.add(one);
    expect(counted.of(one)).toBe(280 + number);
  }
  expect([counted.of(other), counted.room.overflowed]).toEqual([0, false]);
});

test('a heavy one takes the places of several, in a room that is full in both ways', () => {
  const counted = new Counted(10, 100);
  const owner = counted.own();
  for (let number = 0; number < 10; number++) counted.add(owner, 10);
  counted.add(owner, 45);
  expect([counted.of(owner), counted.room.bytes]).toEqual([6, 95]);
});

test('one gives way where that is all there is to do, and else `add` is to be asked', () => {
  const counted = new Counted(40, 1000);
  const [owner, other] = [counted.own(), counted.own()];
  const { room } = counted;
  const added = (): void => void counted.add(owner, 10);
  // There is room.
  for (let number = 0; number < 40; number++) {
    expect(room.giveWay(10)).toBe(-1);
    if (number === 7) counted.add(other, 10);
    else added();
  }
  expect(room.overflowed).toBe(false);
  // None is told, counted or let go: that is the caller's.
  expect(room.giveWay(10)).toBe(0);
  expect([room.overflowed, room.resident, room.bytes, counted.of(owner)]).toEqual([true, 40, 400, 39]);
  // It would not be enough: one goes, and `add` does the rest.
  expect(room.giveWay(620)).toBe(-1);
  expect([room.resident, counted.of(owner)]).toEqual([39, 38]);
  added();
  // Not while there are dead ones to sweep, or more than there may be.
  counted.room.disown(other, 1);
  expect(room.giveWay(10)).toBe(-1);
  expect(room.resident).toBe(40);
  added();
  room.resize(1000, 20, 20);
  expect(room.giveWay(10)).toBe(-1);
  expect(room.resident).toBe(39);
});

test('every 32nd new entry sweeps, whichever way it comes', () => {
  const counted = new Counted(64);
  const owner = counted.own();
  let refused = 0;
  for (let number = 0; number < 64; number++) counted.add(owner);
  for (let number = 0; number < 320; number++) {
    if (counted.room.giveWay(1) >= 0) continue;
    refused++;
    counted.add(owner);
  }
  expect(refused).toBe(10);
});
