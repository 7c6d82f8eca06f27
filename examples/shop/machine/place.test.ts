import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { claimPlace } from './place.ts';

const folder = mkdtempSync(join(tmpdir(), 'cistern-place-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('two shops at once get two places; the first stays, the second goes', () => {
  const first = claimPlace(folder);
  const second = claimPlace(folder);
  expect([first.folder, second.folder]).toEqual([join(folder, '1'), join(folder, '2')]);
  second.release();
  first.release();
  expect(existsSync(second.folder)).toBe(false);
  expect(existsSync(first.folder)).toBe(true);
  expect(claimPlace(folder).folder).toBe(first.folder);
});

const leftovers: [string, () => string][] = [
  ['has ended', () => `${spawnSync('true').pid} 1`],
  ['began at another time under the same number', () => `${process.pid} 1`],
];
// Only Linux tells when a process began.
const told = process.platform === 'linux' ? leftovers : leftovers.slice(0, 1);

test.each(told)('a place whose holder %s is taken over', (_, content) => {
  mkdirSync(join(folder, '1'), { recursive: true });
  writeFileSync(join(folder, '1', 'lock'), content());
  expect(claimPlace(folder).folder).toBe(join(folder, '1'));
});

test('a lock that is just being written is left alone', () => {
  mkdirSync(join(folder, '1'), { recursive: true });
  writeFileSync(join(folder, '1', 'lock'), '');
  expect(claimPlace(folder).folder).toBe(join(folder, '2'));
});
