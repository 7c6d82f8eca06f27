import { describe, expect, test } from 'vitest';
import { asError, CisternError, type ErrorCode, wrongOption } from './error.ts';

/** For each code its details, and what the message must name: value, range, option, and what to do. */
const samples: {
  readonly [C in ErrorCode]: {
    readonly details: object;
    readonly names: readonly string[];
    readonly retryable: boolean;
  };
} = {
  CISTERN_OPTION: {
    details: { option: 'ttl', value: 'soon', allowed: 'a duration' },
    names: ["'ttl'", "'soon'", 'must be a duration', 'Correct it'],
    retryable: false,
  },
  CISTERN_KEY: {
    details: { cache: 'user', key: [1, null], problem: 'has a part that is null' },
    names: ["'user'", '[1, null]', 'has a part that is null', 'tuple of strings'],
    retryable: false,
  },
  CISTERN_UNSTORABLE: {
    details: { cache: 'user', path: 'value.log', problem: 'is a function' },
    names: ["'user'", 'value.log', 'is a function', 'Store plain data'],
    retryable: false,
  },
  CISTERN_TOO_LARGE: {
    details: { what: 'A value', bytes: 2048, limit: 1024, option: 'maxValueBytes' },
    names: ['A value', '2048', '1024', "'maxValueBytes'", 'raise the limit'],
    retryable: false,
  },
  CISTERN_CODEC: {
    details: { problem: 'cut short' },
    names: ['cut short', 'miss', "'version'"],
    retryable: false,
  },
  CISTERN_TIMEOUT: {
    details: { store: 'cache:11211', milliseconds: 50 },
    names: ['cache:11211', '50 ms', "'timeout'"],
    retryable: true,
  },
  CISTERN_UNAVAILABLE: {
    details: { store: 'cache:11211', problem: 'ECONNREFUSED' },
    names: ['cache:11211', 'ECONNREFUSED', 'Check'],
    retryable: true,
  },
  CISTERN_DOWN: {
    details: { store: 'cache:11211', problem: 'connect ECONNREFUSED' },
    names: ['cache:11211', 'connect ECONNREFUSED', 'probe', 'check'],
    retryable: true,
  },
  CISTERN_PROTOCOL: {
    details: { store: 'cache:11211', problem: 'HTTP/1.1' },
    names: ['cache:11211', 'HTTP/1.1', 'port'],
    retryable: true,
  },
  CISTERN_SERVER: {
    details: { store: 'cache:11211', line: 'SERVER_ERROR out of memory' },
    names: ['cache:11211', 'out of memory', 'log'],
    retryable: true,
  },
  CISTERN_OVERLOADED: {
    details: { store: 'cache:11211', what: 'operations', limit: 9, option: 'maxPending' },
    names: ['cache:11211', '9 operations', "'maxPending'", 'raise the limit'],
    retryable: true,
  },
  CISTERN_DEADLINE: {
    details: { cache: 'user', milliseconds: 70 },
    names: ["'user'", '70 ms', "'deadline'"],
    retryable: true,
  },
  CISTERN_LOAD_TIMEOUT: {
    details: { cache: 'user', milliseconds: 70 },
    names: ["'user'", '70 ms', "'loadTimeout'"],
    retryable: true,
  },
  CISTERN_LOAD_FAILED: {
    details: { cache: 'user', problem: 'threw nothing' },
    names: ["'user'", 'threw nothing', 'notFound'],
    retryable: true,
  },
  CISTERN_LOAD_LIMIT: {
    details: { cache: 'user', option: 'loads.queue', limit: 5, problem: 'has a full queue' },
    names: ["'user'", 'has a full queue', "'loads.queue' is 5", 'Raise the limit'],
    retryable: true,
  },
  CISTERN_ABSENT: {
    details: { cache: 'user', key: "'7" },
    names: ["'user'", "'7", 'Answer one for every id'],
    retryable: false,
  },
  CISTERN_IN_WRITE: {
    details: { cache: 'user' },
    names: ["'user'", 'mutate()', "'cachedReadsInWrite'"],
    retryable: false,
  },
  CISTERN_SNAPSHOT: {
    details: { path: '/var/near.snapshot', problem: 'is cut off' },
    names: ["'/var/near.snapshot'", 'is cut off', 'goes on without it', 'save a new one'],
    retryable: false,
  },
  CISTERN_JOURNAL: {
    details: { path: '/var/journal', problem: 'is in use by process 7' },
    names: ["'/var/journal'", 'is in use by process 7', 'a path of its own'],
    retryable: false,
  },
  CISTERN_MEMBERS: {
    details: { list: 'dns cache', others: ['a:1', 'b:1'] },
    names: ['dns cache', 'a:1', 'b:1'],
    retryable: true,
  },
  CISTERN_CLOSED: { details: { what: 'The store' }, names: ['The store', 'close()'], retryable: false },
};

describe('CisternError', () => {
  test.each(Object.entries(samples))(
    '%s names what was wrong and what to do',
    (code, { details, names, retryable }) => {
      const cause = new Error('below');
      const error = new CisternError(code as ErrorCode, details as never, cause);
      for (const name of names) expect(error.message).toContain(name);
      expect(error).toMatchObject({ code, name: 'CisternError', retryable, details, cause });
      expect(error).toBeInstanceOf(Error);
      expect(error.message).not.toMatch(/undefined|\[object|\n/);
      expect(error.message).toMatch(/\.$/);
    },
  );

  test('has no cause when none is given', () => {
    expect('cause' in new CisternError('CISTERN_CLOSED', { what: 'It' })).toBe(false);
  });

  test('a key without a cache is named without one', () => {
    expect(new CisternError('CISTERN_KEY', { key: Number.NaN, problem: 'is not finite' }).message).toContain(
      'Key NaN is not finite',
    );
  });

  test('a value is shown short, on one line, and never throws', () => {
    const cyclic: unknown[] = [];
    cyclic.push(cyclic, 1);
    let deep: unknown = 1;
    for (let depth = 0; depth < 10_000; depth++) deep = [deep, deep];
    const hostile = {
      toString: () => {
        throw new Error('hostile');
      },
    };
    for (const value of [
      'x'.repeat(10_000),
      'two\r\nlines\u2028and\u0007more',
      cyclic,
      deep,
      hostile,
      Object.create(null),
      Symbol('s\nt'),
      () => 1,
      Array.from({ length: 1000 }, () => 'long'.repeat(100)),
      12n ** 500n,
      -0,
      undefined,
      null,
    ]) {
      const { message } = wrongOption('ttl', value, 'a duration');
      expect(message.length).toBeLessThan(1200);
      // oxlint-disable-next-line no-control-regex
      expect(message).not.toMatch(/[\u0000-\u001f\u2028\u2029]/);
    }
  });
});

describe('asError', () => {
  test('hands an error on, and wraps everything else', () => {
    const error = new TypeError('x');
    expect(asError(error)).toBe(error);
    for (const thrown of ['text', undefined, null, 7, { code: 'E' }]) {
      const made = asError(thrown);
      expect(made).toBeInstanceOf(Error);
      expect(made.cause).toBe(thrown);
      expect(made.message).not.toBe('');
    }
  });
});
