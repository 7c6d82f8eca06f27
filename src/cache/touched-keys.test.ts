import { expect, test } from 'vitest';
import { TouchedKeys } from './touched-keys.ts';

test('keys are remembered while somebody watches, and forgotten when the last one ends', () => {
  const touched = new TouchedKeys();
  touched.add('before');
  touched.addAll();
  touched.watch();
  touched.add(1);
  touched.watch();
  touched.add('2');
  expect([touched.has('before'), touched.has(1), touched.has('1'), touched.has('2')]).toEqual([
    false,
    true,
    false,
    true,
  ]);
  touched.unwatch();
  expect(touched.has(1)).toBe(true);
  touched.addAll();
  expect(touched.has('anything')).toBe(true);
  touched.unwatch();
  expect([touched.has(1), touched.has('anything')]).toEqual([false, false]);
});

test('more keys than can be remembered: all count as touched', () => {
  const touched = new TouchedKeys();
  touched.watch();
  for (let key = 0; key < 1_000_000; key++) touched.add(key);
  expect(touched.has(1_000_001)).toBe(false);
  touched.add(-1);
  expect(touched.has(1_000_001)).toBe(true);
});
