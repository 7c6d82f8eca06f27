import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StaleSpans } from './stale-spans.ts';

const month = 30 * 86_400_000;

test('the first 127 different ones are exact, in any order and however often they are asked for', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(month), { maxLength: 127 }), fc.array(fc.nat(126)), (all, order) => {
      const spans = new StaleSpans();
      const codes = all.map((span) => spans.code(span));
      for (const at of order) if (at < all.length) expect(spans.code(all[at]!)).toBe(codes[at]);
      expect(codes.map((code) => spans.span(code))).toEqual(all);
      for (const code of codes) expect(code >= 0 && code <= 255).toBe(true);
    }),
  );
});

test('however many there are, none becomes longer, none loses more than a sixth, and the first ones stay exact', () => {
  const lengths = fc.oneof(fc.nat(20), fc.nat(5000), fc.nat(3_600_000), fc.nat(month));
  fc.assert(
    fc.property(fc.array(lengths, { minLength: 300, maxLength: 600, size: 'max' }), (all) => {
      const spans = new StaleSpans();
      const codes = all.map((span) => spans.code(span));
      for (const [at, span] of all.entries()) {
        const kept = spans.span(codes[at]!);
        expect(codes[at]! <= 255).toBe(true);
        expect(kept).toBeLessThanOrEqual(span);
        expect(kept).toBeGreaterThanOrEqual(Math.floor((span * 5) / 6));
        expect(spans.span(spans.code(span))).toBe(kept);
      }
      const early = new Set(all.slice(0, 100));
      for (const span of early) expect(spans.span(spans.code(span))).toBe(span);
    }),
  );
});

test('after all exact ones are taken, every length of up to 30 days is near one that is always there', () => {
  const spans = new StaleSpans();
  for (let span = 1; span < 128; span++) spans.code(1e12 + span);
  for (let span = 1; span < 3e9; span = Math.ceil(span * 1.01)) {
    const kept = spans.span(spans.code(span));
    expect(kept).toBeLessThanOrEqual(span);
    if (span <= month) expect(kept).toBeGreaterThanOrEqual(Math.floor((span * 5) / 6));
  }
  expect(spans.span(spans.code(month))).toBe(month);
});
