import { expect, test } from 'vitest';
import { largestLent } from '../../core/lending.ts';
import { ValueSlab } from './value-slab.ts';

/** Values of many chunks, each with the bytes that it must keep. */
function copied(slab: ValueSlab, chunks: number, mark: number): readonly [Uint8Array, Buffer][] {
  const values: [Uint8Array, Buffer][] = [];
  const chunk = new Uint8Array(40_000);
  for (let number = 0; number < chunks; number++) {
    for (let at = 0; at < chunk.length; at++) chunk[at] = (at * 7 + number + mark) & 255;
    for (let at = 0; at + 1010 < chunk.length; at += 1010) {
      values.push([slab.copy(chunk, at, at + 1000), Buffer.from(chunk.slice(at, at + 1000))]);
    }
    slab.release();
  }
  chunk.fill(0);
  return values;
}

function expectKept(values: readonly [Uint8Array, Buffer][]): void {
  for (const [value, wanted] of values) expect(wanted.equals(value)).toBe(true);
}

test('values are for good, whatever is copied later', () => {
  const slab = new ValueSlab();
  const values = [...copied(slab, 5, 1), ...copied(slab, 5, 2)];
  expectKept(values);
});

test('values that are lent are good until it is called back; then their memory is used again', () => {
  let takeBack: (() => void)[] = [];
  const slab = new ValueSlab((callback) => void takeBack.push(callback));
  const first = copied(slab, 5, 1);
  const large = slab.copy(new Uint8Array(10_000).fill(9), 0, 10_000);
  expectKept(first);
  expect(takeBack).toHaveLength(1);
  const memory = new Set(first.map(([value]) => value.buffer));
  for (const callback of takeBack.splice(0)) callback();

  const second = copied(slab, 5, 2);
  takeBack = takeBack.splice(0);
  expect(takeBack).toHaveLength(1);
  expectKept(second);
  expect(second.every(([value]) => memory.has(value.buffer))).toBe(true);
  expect(large.every((byte) => byte === 9)).toBe(true);
});

test('a value that is too large to be lent is for good, even where it lies behind a small one', () => {
  let takeBack = (): void => undefined;
  const slab = new ValueSlab((callback) => (takeBack = callback));
  const chunk = new Uint8Array(60_000).fill(1);
  const small = slab.copy(chunk, 0, 10);
  const lent = slab.copy(chunk, 10, 10 + largestLent);
  const large = slab.copy(chunk, 10, 11 + largestLent);
  slab.release();
  takeBack();
  slab.copy(new Uint8Array(60_000).fill(2), 0, 10);
  expect([small[0], lent[0], lent.at(-1)]).toEqual([2, 2, 2]);
  expect(large).toEqual(new Uint8Array(largestLent + 1).fill(1));
});
