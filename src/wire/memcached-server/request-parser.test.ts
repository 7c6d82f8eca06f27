import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { longestClientKey } from './request-line.ts';
import { longestRequestLine, type Received, RequestParser } from './request-parser.ts';

const largestValue = 1000;

/** One request as the test sees it. */
interface Told {
  readonly command: string;
  readonly key: string;
  readonly value: string | undefined;
  readonly text: string;
  readonly closes: boolean;
}

class Listener {
  readonly told: Told[] = [];
  readonly lines: Received['line'][] = [];
  full = false;
  /** Full after so many requests, until it is emptied. */
  limit = Number.POSITIVE_INFINITY;

  requested({ line, key, value }: Received): void {
    this.lines.push(line);
    this.told.push({
      command: line.command,
      key,
      value: value && Buffer.from(value).toString('latin1'),
      text: line.text,
      closes: line.closes,
    });
    if (this.told.length % this.limit === 0) this.full = true;
  }
}

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Parses chunks as a connection does: each is lent, and garbage afterwards; what was not read is handed over again. */
function parse(
  chunks: readonly Buffer[],
  limit = Number.POSITIVE_INFINITY,
): Listener & { parser: RequestParser } {
  const listener = new Listener();
  listener.limit = limit;
  const parser = new RequestParser(listener, largestValue);
  for (const chunk of chunks) {
    let rest: Uint8Array = Uint8Array.from(chunk);
    for (let turn = 0; ; turn++) {
      const at = parser.push(rest, 0);
      const next = rest.slice(at);
      rest.fill(0xee);
      rest = next;
      if (parser.over || !listener.full) break;
      listener.full = false;
      expect(turn).toBeLessThan(100_000);
    }
    if (!parser.over) expect(rest.length).toBe(0);
  }
  return Object.assign(listener, { parser });
}

function tell(text: string): readonly Told[] {
  return parse([latin1(text)]).told;
}

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

/** Requests of all kinds, good and bad ones. */
const key = fc.stringMatching(/^[!-~]{1,20}$/);
const value = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constantFrom('', '\r\n', 'mn\r\nmd k\r\n', 'x'.repeat(400)),
);
const request = fc.oneof(
  fc
    .tuple(key, fc.constantFrom('', ' v f c t', ' v N30 q', ' k O1 s', ' T0 t'))
    .map(([name, rest]) => `mg ${name}${rest}\r\n`),
  fc.tuple(fc.constantFrom('ms', 'set'), key, value).map(([command, name, text]) => {
    const size = latin1(text).length;
    return command === 'ms'
      ? `ms ${name} ${size} c\r\n${text}\r\n`
      : `set ${name} 0 0 ${size}\r\n${text}\r\n`;
  }),
  fc.array(key, { minLength: 1, maxLength: 200 }).map((keys) => `get ${keys.join(' ')}\r\n`),
  fc.constantFrom(
    'mn\r\n',
    'version\r\n',
    'incr k 1\r\n',
    'foo\r\n',
    'mg k Z\r\n',
    'mg k v v\r\n',
    'ms k 3 MX\r\nmn\n\r\n',
    'ms k 1500\r\n' + 'y'.repeat(1500) + '\r\n',
    'flush_all\r\n',
    'stats\r\n',
    '\r\n',
    'gat 5 a b c\r\n',
  ),
);
const stream = fc
  .array(request, { minLength: 1, maxLength: 20 })
  .map((requests) => latin1(requests.join('')));

function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const sorted = places.map((place) => place % (bytes.length + 1)).toSorted((left, right) => left - right);
  return [...sorted, bytes.length].map((place, index) =>
    bytes.subarray(index === 0 ? 0 : sorted[index - 1], place),
  );
}

describe('streams', () => {
  test('any cut of any stream gives the same requests, however often the sink is full', () => {
    fc.assert(
      fc.property(
        stream,
        fc.array(fc.nat(), { maxLength: 40 }),
        fc.constantFrom(1, 2, 7, Number.POSITIVE_INFINITY),
        (bytes, places, limit) => {
          expect(parse(cut(bytes, places), limit).told).toEqual(parse([bytes]).told);
        },
      ),
      { numRuns: 500 },
    );
    const bytes = latin1(
      `get ${'key '.repeat(900)}\r\nset k 0 0 3\r\nabc\r\nms k 1100\r\n${'z'.repeat(1100)}\r\nmn\r\n`,
    );
    expect(
      parse(
        Array.from(bytes, (byte) => Buffer.of(byte)),
        3,
      ).told,
    ).toEqual(parse([bytes]).told);
  });

  test('a mutated stream ends or goes on, in any cut alike; it never hangs, and keeps next to nothing', () => {
    const mutation = fc.record({
      place: fc.nat(),
      how: fc.constantFrom('change', 'remove', 'insert', 'cut'),
      byte: fc.oneof(fc.nat(255), fc.constantFrom(10, 13, 32, 48, 57, 45)),
    });
    fc.assert(
      fc.property(
        stream,
        fc.array(mutation, { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (bytes, mutations, places) => {
          let mutated = bytes;
          for (const { place, how, byte } of mutations) {
            const at = place % (mutated.length + 1);
            const behind = how === 'insert' ? at : how === 'cut' ? mutated.length : at + 1;
            const between = how === 'change' || how === 'insert' ? Buffer.of(byte) : Buffer.alloc(0);
            mutated = Buffer.concat([mutated.subarray(0, at), between, mutated.subarray(behind)]);
          }
          const whole = parse([mutated]);
          expect(parse(cut(mutated, places)).told).toEqual(whole.told);
          for (const [index, each] of whole.told.entries())
            if (each.closes) expect(index).toBe(whole.told.length - 1);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('a body is never executed, wherever the line in front of it is damaged', () => {
    // Each body is a command; every request that is told must come from a line outside of bodies.
    const poison = 'delete poison\r\nmd poison\r\nset poison 0 0 1\r\nx';
    const lines = [
      `set k 0 0 ${poison.length}`,
      `ms k ${poison.length} T0 c`,
      `cas k 0 0 ${poison.length} 7`,
      `append k 0 0 ${poison.length} noreply`,
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...lines),
        fc.nat(),
        fc.nat(255),
        fc.boolean(),
        (line, place, byte, removes) => {
          // The command itself stays: without it there is no body, and nobody could know better.
          const first = line.indexOf(' ') + 1;
          const at = first + (place % (line.length - first));
          if (byte === 10) return;
          const damaged = line.slice(0, at) + (removes ? '' : String.fromCharCode(byte)) + line.slice(at + 1);
          const { told } = parse([latin1(`${damaged}\r\n${poison}\r\n`)]);
          for (const each of told) {
            expect(each.key).not.toBe('poison');
            // A changed size that is still a number takes another part of the body, or waits for more.
            expect(['set', 'ms', 'cas', 'append', 'error']).toContain(each.command);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('memory: what is announced takes none before it comes', () => {
    const listener = new Listener();
    const parsers = Array.from({ length: 200 }, () => new RequestParser(listener, 2 ** 30));
    const before = process.memoryUsage().arrayBuffers;
    for (const parser of parsers) parser.push(latin1('set k 0 0 1000000000\r\nabc'), 0);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 80_000);
  });
});
