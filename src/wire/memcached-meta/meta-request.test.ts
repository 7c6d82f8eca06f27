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
} from './meta-request.ts';
import { presentFeatures, readVersion } from './server-version.ts';

test('requests are written as the protocol wants them, flags in the order R, T, N', () => {
  expect(getRequest('k', 0, 0, 0)).toBe('mg k v f c t\r\n');
  expect(getRequest('k', 0, 0, 30)).toBe('mg k v f c t N30\r\n');
  expect(getRequest('k', 10, 300, 30)).toBe('mg k v f c R10 T300 t N30\r\n');
  expect(getRequest('k', 10, 0, 0)).toBe('mg k v f c R10 t\r\n');
  expect(storeRequest('k', 5, 300, 7, 'set', undefined)).toBe('ms k 5 T300 F7 c\r\n');
  expect(storeRequest('k', 0, 1, 0, 'prepend', '12')).toBe('ms k 0 T1 F0 MP c C12\r\n');
  expect(unwinRequest('k', '12')).toBe('ms k 0 MA c C12\r\n\r\n');
  expect(deleteRequest('k', undefined)).toBe('md k\r\n');
  expect(deleteRequest('k', '9')).toBe('md k C9\r\n');
  expect(invalidateRequest('k', 30, undefined)).toBe('md k I T30\r\n');
  expect(invalidateRequest('k', 0, '9')).toBe('md k I C9\r\n');
  expect(touchRequest('k', 60)).toBe('mg k s f c T60\r\n');
  expect(countRequest('k', 5n, undefined)).toBe('ma k D5 v t c\r\n');
  expect(countRequest('k', -5n, { value: 9n, timeToLive: 60 })).toBe('ma k MD D5 N60 J9 v t c\r\n');
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
