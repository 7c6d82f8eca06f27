import { describe, expect, test } from 'vitest';
import { readErrorLine } from './error-line.ts';
import {
  countRequest,
  deleteRequest,
  getRequest,
  invalidateRequest,
  storeRequest,
  touchRequest,
  unwinRequest,
  writeRequest,
} from './meta-request.ts';
import { presentFeatures, readVersion } from './server-version.ts';

/** A line with the key `k` in it. */
function withKey(line: string): string {
  const block = new Uint8Array(line.length + 3);
  writeRequest(line, '', 'k', block, 1);
  expect([block[0], block.at(-1)], 'bytes beside the line').toEqual([0, 0]);
  return Buffer.from(block.subarray(1, -1)).toString('latin1');
}

test('requests are written as the protocol wants them, flags in the order R, T, N', () => {
  expect(withKey(getRequest(0, undefined, 0))).toBe('mg k v f c t\r\n');
  expect(withKey(getRequest(0, undefined, 30))).toBe('mg k v f c t N30\r\n');
  expect(withKey(getRequest(0, undefined, 31))).toBe('mg k v f c t N31\r\n');
  expect(withKey(getRequest(10, 300, 30))).toBe('mg k v f c R10 T300 t N30\r\n');
  expect(withKey(getRequest(10, undefined, 0))).toBe('mg k v f c R10 t\r\n');
  expect(withKey(storeRequest(5, 300, 7, 'set', undefined))).toBe('ms k 5 T300 F7 c\r\n');
  expect(withKey(storeRequest(0, 1, 0, 'prepend', '12'))).toBe('ms k 0 T1 F0 MP c C12\r\n');
  expect(withKey(unwinRequest('12'))).toBe('ms k 0 MA c C12\r\n\r\n');
  expect(withKey(deleteRequest(undefined))).toBe('md k\r\n');
  expect(withKey(deleteRequest('9'))).toBe('md k C9\r\n');
  expect(withKey(invalidateRequest(30, undefined))).toBe('md k I T30\r\n');
  expect(withKey(invalidateRequest(undefined, '9'))).toBe('md k I C9\r\n');
  expect(withKey(touchRequest(60))).toBe('mg k s f c T60\r\n');
  expect(withKey(countRequest(5n, undefined))).toBe('ma k D5 v t c\r\n');
  expect(withKey(countRequest(-5n, { value: 9n, timeToLive: 60 }))).toBe('ma k MD D5 N60 J9 v t c\r\n');
});

describe('error lines', () => {
  test.each([
    ['SERVER_ERROR object too large for cache', true, { refused: false, outOfStep: false }],
    ['SERVER_ERROR out of memory storing object', true, { refused: false, outOfStep: false }],
    ['CLIENT_ERROR bad command line format', true, { refused: true, outOfStep: true }],
    ['CLIENT_ERROR bad command line format', false, { refused: true, outOfStep: false }],
    ['CLIENT_ERROR bad data chunk', true, { refused: true, outOfStep: true }],
    ['CLIENT_ERROR invalid flag', true, { refused: true, outOfStep: false }],
    ['CLIENT_ERROR unauthenticated', true, { refused: true, outOfStep: true }],
    [
      'CLIENT_ERROR cannot increment or decrement non-numeric value',
      false,
      { refused: true, outOfStep: false },
    ],
    ['ERROR', true, { refused: true, outOfStep: true }],
    ['ERROR', false, { refused: true, outOfStep: false }],
    ['ERROR Too many open connections', false, { refused: true, outOfStep: true }],
    ['VERSION 1.6.18', false, undefined],
    ['ERRORS', false, undefined],
    ['STORED', true, undefined],
  ])('%s (with a value: %s)', (words, carriesValue, expected) => {
    expect(readErrorLine(words, carriesValue)).toEqual(expected);
  });
});

test.each([
  ['VERSION 1.5.22', { meta: false, cas: false }],
  ['VERSION 1.6.6', { meta: false, cas: false }],
  ['VERSION 1.6.10', { meta: true, cas: false }],
  ['VERSION 1.6.13', { meta: true, cas: true }],
  ['VERSION 1.6.18', { meta: true, cas: true }],
  ['VERSION 1.6.45_1', { meta: true, cas: true }],
  ['VERSION 2.0.0', { meta: true, cas: true }],
  ['VERSION somebody’s proxy', presentFeatures],
  ['ERROR', presentFeatures],
])('features by version: %s', (words, expected) => {
  expect(readVersion(words)).toEqual(expected);
});
