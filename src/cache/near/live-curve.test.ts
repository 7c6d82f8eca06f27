import { expect, test } from 'vitest';
import { keyHash } from './key-hash.ts';
import { LiveCurve } from './live-curve.ts';

/** Entries that the tier holds. */
const held = 10_000;

/** Three of five requests are for one of ten thousand keys, the others for keys that never come back. Asked for the estimate every so many requests. */
function estimateAfter(requests: number, asked: number): ReturnType<LiveCurve['estimate']> {
  const curve = new LiveCurve(true, () => held);
  for (let number = 0; number < requests; number++) {
    const known = number % 5 < 3;
    curve.request(keyHash(known ? Math.imul(number, 0x9e3779b1) % held : held + number, 7));
    if (number % asked === 0) curve.estimate();
  }
  return curve.estimate();
}

test('the estimate is the same, and as near, when nobody asked for it until now: keys that are gone do not thin out the sample', () => {
  const requests = 6_000_000;
  const late = estimateAfter(requests, requests)!;
  expect(late).toEqual(estimateAfter(requests, 50_000));
  expect(late.distinct).toBeLessThan(20 * held);
});
