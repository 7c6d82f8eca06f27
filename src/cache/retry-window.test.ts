import { expect, test } from 'vitest';
import { RetryWindow } from './retry-window.ts';

test('a failure is remembered for the time of the window, until a success closes it', () => {
  const window = new RetryWindow(5000);
  const error = new Error('down');
  window.open('a', 1000, error);
  expect(window.failure('a', 5999)?.error).toBe(error);
  expect(window.failure('a', 6000)).toBeUndefined();
  expect(window.failure('b', 1000)).toBeUndefined();
  window.open('a', 1000, error);
  window.close('a');
  expect(window.failure('a', 1000)).toBeUndefined();
});

test('a window of no time is never open', () => {
  const window = new RetryWindow(0);
  window.open('a', 1000, new Error('down'));
  expect(window.failure('a', 1000)).toBeUndefined();
});

test('it remembers a bounded number of keys: the oldest are forgotten', () => {
  const window = new RetryWindow(5000);
  for (let key = 0; key < 10_001; key++) window.open(key, 1000, new Error('down'));
  expect(window.failure(0, 1000)).toBeUndefined();
  expect(window.failure(1, 1000)).toBeDefined();
  expect(window.failure(10_000, 1000)).toBeDefined();
});
