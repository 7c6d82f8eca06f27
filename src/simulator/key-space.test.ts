import { describe, expect, test } from 'vitest';
import { DistinctCounter } from './distinct-counter.ts';
import { type KeyDimension, KeySpace } from './key-space.ts';
import { TextHash } from './key-table.ts';

test.each([0, 1, 10, 1000, 5000, 100_000])('%i different things are counted to a few per cent', (count) => {
  const counter = new DistinctCounter();
  const hash = new TextHash();
  for (let turn = 0; turn < 2; turn++) {
    for (let index = 0; index < count; index++) {
      hash.read(`thing ${index}`);
      counter.add(hash.first, hash.second);
    }
  }
  expect(Math.abs(counter.estimate - count)).toBeLessThanOrEqual(0.07 * count);
});

/** What is found in keys that are all asked for so often as they stand in the list. */
function dimensionsOf(keys: readonly string[]): readonly KeyDimension[] {
  const space = new KeySpace();
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  const labels = Int32Array.from(counts.keys(), (key) => space.label(key));
  return space.dimensions(labels, Int32Array.from(counts.values()), 1);
}

const many = Array.from({ length: 5000 }, (_, index) => index);

describe('the part that makes the keys too many is found', () => {
  test('a parameter with a value of its own in each request', () => {
    const [worst, ...others] = dimensionsOf(
      many.map((at) => `/item/${at % 40}?currency=${at % 2 ? 'EUR' : 'USD'}&session=${at * 7919}`),
    );
    expect(worst).toMatchObject({ parameter: 'session', keys: 5000, reads: 5000, explodes: true });
    expect(worst!.example).toEqual(['/item/0?currency=USD&session=', '0', '']);
    expect(Math.abs(worst!.values - 5000)).toBeLessThan(350);
    expect(Math.abs(worst!.keysWithout - 40)).toBeLessThan(5);
    expect(others.some(({ explodes }) => explodes)).toBe(false);
  });

  test('a segment', () => {
    const [worst] = dimensionsOf(many.map((at) => `basket:${at % 30}:${at}:lines`));
    expect(worst).toMatchObject({
      parameter: undefined,
      explodes: true,
      example: ['basket:0:', '0', ':lines'],
    });
  });

  test('parts of different families of keys are told apart', () => {
    const found = dimensionsOf(
      many.flatMap((at) => [`item:${at % 50}`, `search:${at}`, `user:${at % 20}:${at % 30}`]),
    );
    expect(found.filter(({ explodes }) => explodes).map(({ example }) => example.join('|'))).toEqual([
      'search:|0|',
    ]);
  });

  test('keys without the usual delimiters are cut at others', () => {
    const [worst] = dimensionsOf(many.map((at) => `item_${at % 10}_${at}`));
    expect(worst).toMatchObject({ explodes: true, example: ['item_0_', '0', ''] });
  });
});

test('ids that are asked for again are no explosion, though they make the most keys', () => {
  const [most] = dimensionsOf([0, 1, 2].flatMap(() => many.map((at) => `item:${at}`)));
  expect(most).toMatchObject({ keys: 5000, reads: 15_000, explodes: false });
  expect(most!.keysWithout).toBeLessThanOrEqual(2);
});

test('two parts that multiply each other are both told', () => {
  const found = dimensionsOf(many.map((at) => `page:${at % 50}:${Math.floor(at / 50)}`));
  expect(found.map(({ example }) => example.join('|'))).toEqual(['page:0:|0|', 'page:|0|:0']);
});

test.each([[['a', 'b', 'c']], [many.map(String)], [[]], [['a:b']], [[':::', '?', '=', 'a=b=c']]])(
  '%j has no such part',
  (keys) => {
    expect(dimensionsOf(keys).filter(({ explodes }) => explodes)).toEqual([]);
  },
);

test('thousands of forms of keys are bounded', () => {
  const keys = many.map((at) =>
    Array.from({ length: 1 + (at % 40) }, (_, part) => `p${at}x${part}=${part}`).join('&'),
  );
  expect(dimensionsOf(keys).length).toBeLessThanOrEqual(256);
});
