import { describe, expect, test } from 'vitest';
import { longestClientKey } from './request-line.ts';
import { largestValue, latin1, parse, tell } from '../../../test/proxy/parsed-requests.ts';
import { longestRequestLine, type Received, RequestParser } from './request-parser.ts';

const plain = { value: undefined, text: '', closes: false };

describe('requests', () => {
  test('of the meta protocol', () => {
    const { told, lines } = parse([
      latin1(
        'mg a v f c t N30 R5 T60 q O12\r\nms b 3 T60 F7 C9 MA c\r\nx\r\n\r\nmd c I T5 q\r\nma d D5 J7 N60 MD\r\nmn\r\n',
      ),
    ]);
    expect(told.map(({ command, key, value }) => [command, key, value])).toEqual([
      ['mg', 'a', undefined],
      ['ms', 'b', 'x\r\n'],
      ['md', 'c', undefined],
      ['ma', 'd', undefined],
      ['mn', '', undefined],
    ]);
    const [get, store, remove, count] = lines;
    expect(get).toMatchObject({
      letters: 'vfctNRTqO',
      vivify: 30,
      recache: 5,
      timeToLive: 60,
      quiet: true,
      opaque: 'O12',
    });
    expect(store).toMatchObject({ bytes: 3, timeToLive: 60, clientFlags: 7, compare: '9', mode: 'append' });
    expect(remove).toMatchObject({ stale: true, timeToLive: 5, quiet: true });
    expect(count).toMatchObject({ delta: -5n, initial: 7n, vivify: 60 });
  });

  test('of the classic protocol', () => {
    const { told, lines } = parse([
      latin1(
        'get a\r\ngets a b\r\ngat 30 c\r\nset d 7 60 2\r\nhi\r\ncas e 1 -1 1 99 noreply\r\nx\r\nincr f 5\r\ndecr g 18446744073709551615 noreply\r\n' +
          'touch h 0\r\ndelete i 0\r\nflush_all noreply\r\nversion\r\nverbosity 1\r\nstats items\r\nquit\r\n',
      ),
    ]);
    expect(
      told.map(({ command, key, value }) => (value === undefined ? [command, key] : [command, key, value])),
    ).toEqual([
      ['get', 'a'],
      ['gets', 'a'],
      ['gets', 'b'],
      ['end', ''],
      ['gat', 'c'],
      ['end', ''],
      ['set', 'd', 'hi'],
      ['cas', 'e', 'x'],
      ['incr', 'f'],
      ['decr', 'g'],
      ['touch', 'h'],
      ['delete', 'i'],
      ['flush_all', 'noreply'],
      ['version', ''],
      ['verbosity', '1'],
      ['stats', 'items'],
      ['quit', ''],
    ]);
    expect(lines[0]!.last).toBe(true);
    expect(lines[1]!.last).toBe(false);
    expect(lines[4]!.timeToLive).toBe(30);
    expect(lines[6]).toMatchObject({ clientFlags: 7, timeToLive: 60, bytes: 2, mode: 'set', quiet: false });
    expect(lines[7]).toMatchObject({ compare: '99', timeToLive: -1, quiet: true });
    expect(lines[9]).toMatchObject({ delta: -18446744073709551615n, quiet: true });
    expect(lines[12]!.quiet).toBe(true);
    expect(lines[15]!.text).toBe('items');
  });

  test('lines that were read before are told with their own keys', () => {
    const { told, lines } = parse([
      latin1('mg a v t\r\nmg b v t\r\nmg c v\r\nmg d v t\r\nget e\r\nget f\r\n'),
    ]);
    expect(told.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(lines[1]).toBe(lines[0]);
    expect(lines[3]!.letters).toBe('vt');
    expect(lines[2]!.letters).toBe('v');
  });

  test('a command without a key is never taken for another with another argument', () => {
    expect(
      tell('verbosity 1\r\nverbosity x\r\nflush_all 0\r\nflush_all x\r\ndelete noreply\r\n').map(
        ({ command }) => command,
      ),
    ).toEqual(['verbosity', 'error', 'flush_all', 'error', 'delete']);
  });

  test('keys: base64 is decoded, and what is not printable is told', () => {
    const keys: (readonly [string, string, boolean])[] = [];
    const sink = {
      full: false,
      requested: ({ token, key, printable }: Received) => void keys.push([token, key, printable]),
    };
    new RequestParser(sink, largestValue).push(
      latin1('mg Zm9v b\r\nmg Y2Fm6SBrZXkK b\r\nget caf\xe9\r\nget a\tb\r\nget ~!\r\n'),
      0,
    );
    expect(keys).toEqual([
      ['Zm9v', 'foo', true],
      ['Y2Fm6SBrZXkK', 'caf\xe9 key\n', false],
      ['caf\xe9', 'caf\xe9', false],
      ['a\tb', 'a\tb', false],
      ['~!', '~!', true],
    ]);
  });

  test('a line may end in a line feed alone, begin with spaces, and have more of them', () => {
    expect(tell('get a\n  get   b   c \r\nmn\n').map(({ command, key }) => [command, key])).toEqual([
      ['get', 'a'],
      ['get', 'b'],
      ['get', 'c'],
      ['end', ''],
      ['mn', ''],
    ]);
  });

  test('many keys in one line, however long it is', () => {
    for (const count of [10, 300, 20_000]) {
      const keys = Array.from({ length: count }, (_, index) => `key:${index}`);
      const { told } = parse([latin1(`get ${keys.join(' ')}\r\nmn\r\n`)]);
      expect(told.map(({ command, key }) => command + key)).toEqual([
        ...keys.map((key) => `get${key}`),
        'end',
        'mn',
      ]);
    }
  });
});

const key251 = 'k'.repeat(longestClientKey + 1);

describe('what is no request', () => {
  test.each([
    ['foo', 'ERROR'],
    ['', 'ERROR'],
    ['x', 'ERROR'],
    ['GET k', 'ERROR'],
    ['get', 'ERROR'],
    ['touch k', 'ERROR'],
    ['touch k x', 'CLIENT_ERROR invalid exptime argument'],
    ['gat x k', 'CLIENT_ERROR invalid exptime argument'],
    ['incr k', 'ERROR'],
    ['incr k -1', 'CLIENT_ERROR invalid numeric delta argument'],
    ['incr k x noreply', ''],
    ['delete k 5', 'CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]'],
    ['flush_all x', 'CLIENT_ERROR invalid exptime argument'],
    ['flush_all 1 2 3', 'ERROR'],
    ['verbosity', 'ERROR'],
    [`get a ${key251}`, 'CLIENT_ERROR bad command line format'],
    [`mg ${key251} v`, 'CLIENT_ERROR bad command line format'],
    ['mg', 'ERROR'],
    ['me', 'CLIENT_ERROR bad command line format'],
    ['mg k v v', 'CLIENT_ERROR duplicate flag'],
    ['mg k Z', 'CLIENT_ERROR invalid flag'],
    ['mg k E5', 'CLIENT_ERROR invalid flag'],
    ['mg k Tx', 'CLIENT_ERROR bad token in command line format'],
    ['mg k T99999999999', 'CLIENT_ERROR bad token in command line format'],
    [`mg k O${'1'.repeat(32)}`, 'CLIENT_ERROR opaque token too long'],
    ['mg k v f c t s k q O1 P1 L1 N1 T1 R1 h l u b M1 x', 'CLIENT_ERROR options flags are too long'],
    ['mg abc b', 'CLIENT_ERROR error decoding key'],
    ['md k x', 'CLIENT_ERROR invalid or duplicate flag'],
    ['ma k MX', 'CLIENT_ERROR invalid mode for ma M token'],
    ['ma k Dx', 'CLIENT_ERROR invalid or duplicate flag'],
  ])('%s', (line, text) => {
    expect(tell(`${line}\r\nmn\r\n`)).toEqual([
      { ...plain, command: 'error', key: expect.any(String), text },
      { ...plain, command: 'mn', key: '' },
    ]);
  });

  test.each([
    ['ms k 5 MX', 'CLIENT_ERROR invalid mode for ms M token'],
    ['ms k 5 MAB', 'CLIENT_ERROR incorrect length for M token'],
    ['ms k 5 Tx', 'CLIENT_ERROR bad token in command line format'],
    ['ms k 5 F4294967296', 'CLIENT_ERROR bad command line format'],
    ['ms abc 5 b', 'CLIENT_ERROR error decoding key'],
    [`ms ${key251} 5`, 'CLIENT_ERROR bad command line format'],
    ['set k -1 0 5', 'CLIENT_ERROR bad command line format'],
    ['set k 0 99999999999 5', 'CLIENT_ERROR bad command line format'],
    [`set ${key251} 0 0 5`, 'CLIENT_ERROR bad command line format'],
    ['cas k 0 0 5 x', 'CLIENT_ERROR bad command line format'],
    ['set k x 0 5 noreply', ''],
  ])('%s: its value is skipped', (line, text) => {
    expect(tell(`${line}\r\nmn\r\nx\r\nmn\r\n`)).toEqual([
      { ...plain, command: 'error', key: expect.any(String), text },
      { ...plain, command: 'mn', key: '' },
    ]);
  });

  test.each([
    'ms k',
    'ms k x',
    'ms k -1',
    'ms k S5',
    'ms k 99999999999',
    'set k 0 0',
    'set k 0 0 x',
    'set k 0 0 5 1 2',
    'append k 0 0 -5',
    'cas k 0 0 5',
  ])('%s: nobody knows where its value ends, so nothing behind it is read', (line) => {
    const { told, parser } = parse([latin1(`${line}\r\ndelete k\r\nmn\r\n`)]);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ command: 'error', closes: true });
    expect(told[0]!.text).toMatch(/^(?:ERROR|CLIENT_ERROR bad command line format)$/);
    expect(parser.over).toBe(true);
    expect(parser.push(latin1('mn\r\n'), 0)).toBe(0);
  });

  test.each(['set k 0 0 5\r\ntoo long a value\r\n', 'ms k 5\r\nab\r\nmn\r\nmn\r\n', 'set k 0 0 0\r\nx\r\n'])(
    'a value of another size than its line says ends all: %j',
    (text) => {
      const { told, parser } = parse([latin1(`${text}delete k\r\n`)]);
      expect(told).toEqual([
        { ...plain, command: 'error', key: '', text: 'CLIENT_ERROR bad data chunk', closes: true },
      ]);
      expect(parser.over).toBe(true);
    },
  );

  test('a value larger than allowed is told at once, and skipped', () => {
    const value = `${'x'.repeat(largestValue - 8)}\r\nmd k\r\n!`;
    for (const line of [`set k 0 0 ${value.length}`, `ms k ${value.length}`]) {
      const { told } = parse([latin1(`${line}\r\n`)]);
      expect(told).toMatchObject([{ key: 'k', value: undefined }]);
      expect(
        tell(`${line}\r\n${value}\r\nmn\r\n`)
          .map(({ command }) => command)
          .slice(1),
      ).toEqual(['mn']);
      // Skipped does not mean trusted.
      expect(tell(`${line}\r\n${value}!\r\nmn\r\n`).slice(1)).toMatchObject([
        { command: 'error', closes: true },
      ]);
    }
  });

  test('a line without an end is given up, unless it is one of many keys', () => {
    for (const line of [
      'x'.repeat(5000),
      `mg ${'k'.repeat(5000)}`,
      ' '.repeat(5000),
      `set ${'k'.repeat(5000)}`,
    ]) {
      const { told, parser } = parse([latin1(line)]);
      expect(told).toEqual([{ ...plain, command: 'error', key: '', closes: true }]);
      expect(parser.over).toBe(true);
    }
    const long = `get ${'k '.repeat(5000)}`;
    expect(tell(`${long}${key251} k\r\nmn\r\n`).slice(-2)).toMatchObject([
      { command: 'error', text: 'CLIENT_ERROR bad command line format' },
      { command: 'mn' },
    ]);
    expect(tell(`gat x ${'k '.repeat(5000)}\r\nmn\r\n`)).toMatchObject([
      { command: 'error', text: 'CLIENT_ERROR invalid exptime argument' },
      { command: 'mn' },
    ]);
  });

  test('the longest line is one that still fits', () => {
    const line = (length: number): string => `mg k v${' '.repeat(length - 6)}`;
    expect(tell(`${line(longestRequestLine)}\nmn\r\n`).map(({ command }) => command)).toEqual(['mg', 'mn']);
    expect(tell(`${line(longestRequestLine + 1)}\nmn\r\n`)).toMatchObject([
      { command: 'error', closes: true },
    ]);
  });
});
