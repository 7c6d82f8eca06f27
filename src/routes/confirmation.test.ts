import { expect, test } from 'vitest';
import { conflict, missing, type Reply } from '../core/store.ts';
import { cleaned, confirmed } from './confirmation.ts';
import { failure } from './failure.ts';

const stored: Reply = { kind: 'stored', cas: '7' };
const no = failure(new Error('not sent'));
const unknown = failure(new Error('timed out'), 'unknown');

test('a change of several parts is what the first says, if none failed', () => {
  expect(confirmed([stored, missing])).toBe(stored);
  expect(confirmed([conflict, stored])).toBe(conflict);
  expect(confirmed([missing, missing])).toBe(missing);
  expect(confirmed([missing, stored])).toEqual({ kind: 'stored', cas: '' });
});

test('one failure makes it a failure; nothing was applied only if nothing was anywhere', () => {
  expect(confirmed([stored, no])).toEqual({ ...no, applied: 'unknown' });
  expect(confirmed([no, missing])).toEqual(no);
  expect(confirmed([no, no])).toEqual(no);
  expect(confirmed([no, unknown])).toEqual({ ...no, applied: 'unknown' });
});

test('a change whose copies were removed is what the changed part says, if they are gone', () => {
  expect(cleaned(stored, [missing, stored])).toBe(stored);
  expect(cleaned(conflict, [stored])).toBe(conflict);
  expect(cleaned(missing, [stored])).toEqual({ kind: 'stored', cas: '' });
  expect(cleaned(no, [stored])).toBe(no);
  expect(cleaned(stored, [missing, no])).toEqual({ ...no, applied: 'unknown' });
});
