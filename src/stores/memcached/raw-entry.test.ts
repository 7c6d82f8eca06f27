import { expect, test } from 'vitest';
import { longestLife } from '../../core/store.ts';
import { MetaReply } from '../../wire/memcached-meta/meta-reply.ts';
import { rawForm } from './raw-entry.ts';

const now = Date.UTC(2026, 0, 1);
const form = rawForm(() => now);

test.each([
  [Number.POSITIVE_INFINITY, 0],
  [0, -1],
  [1, 1],
  [1000, 1],
  [1001, 2],
  [longestLife, 2_592_000],
  [longestLife + 1000, now / 1000 + 2_592_001],
])('a life of %s ms is a time to live of %s', (milliseconds, time) => {
  expect(form.timeToLive({ freshFor: milliseconds, staleFor: 0 })).toBe(time);
  expect(form.mark(milliseconds)).toBe(time);
});

test('both spans of a life count, and wrong ones are refused', () => {
  expect(form.timeToLive({ freshFor: 1500, staleFor: 1500 })).toBe(3);
  for (const wrong of [Number.NaN, -1]) {
    expect(() => form.timeToLive({ freshFor: wrong, staleFor: 0 })).toThrow("'life'");
    expect(() => form.mark(wrong)).toThrow("'staleFor'");
    expect(() => form.threshold(wrong)).toThrow("'recache'");
    expect(() => form.span('lease', wrong)).toThrow("'lease'");
  }
});

test('a placeholder stays for whole seconds, and never without end', () => {
  expect([1, 1000, 1001, Number.POSITIVE_INFINITY].map((each) => form.span('lease', each))).toEqual([
    1, 1, 2, 2_592_000,
  ]);
});

test('a reload is won when less than the threshold is left', () => {
  // The server compares whole seconds: of 9 of them, or fewer, less than 9001 ms are left, and of 10 they may not be.
  expect([9000, 9001, 9999, 10_000, longestLife].map((each) => form.threshold(each))).toEqual([
    10, 10, 10, 11, 2_592_000,
  ]);
});

test('a placeholder is empty, without flags, and somebody has the right to it', () => {
  const answer = (more: Partial<MetaReply>): MetaReply => Object.assign(new MetaReply(), { size: 0 }, more);
  expect(form.isPlaceholder(answer({ lost: true }), false)).toBe(true);
  expect(form.isPlaceholder(answer({ won: true }), true)).toBe(true);
  expect(form.isPlaceholder(answer({ won: true, stale: true }), false)).toBe(true);
  // Won by a threshold: there was an entry.
  expect(form.isPlaceholder(answer({ won: true }), false)).toBe(false);
  for (const entry of [{}, { lost: true, size: 1 }, { lost: true, clientFlags: 1 }])
    expect(form.isPlaceholder(answer(entry), true)).toBe(false);
});
