import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Every text that matches, once each. */
const found = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map((match) => match[1]!))].toSorted();

test('errors.md has a row for every error code, and for no other', () => {
  const codes = found(read('src/core/error.ts'), /^ {2}readonly (CISTERN_\w+):/gm);
  expect(codes.length).toBeGreaterThan(10);
  expect(found(read('docs/reference/errors.md'), /^\| `(CISTERN_\w+)` \|/gm)).toEqual(codes);
});

test('events.md has a row for every channel, and for no other', () => {
  const kinds = found(read('src/core/events.ts'), /channel\('(cistern:[\w-]+)'\)/g);
  expect(kinds.length).toBeGreaterThan(3);
  expect(found(read('docs/reference/events.md'), /^\| `(cistern:[\w-]+)` \|/gm)).toEqual(kinds);
});
