import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RequestParser } from '../../src/wire/memcached-server/request-parser.ts';
import { latin1, Listener, parse } from './parsed-requests.ts';

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
