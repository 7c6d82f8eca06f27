import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metaCode, MetaReply, wordsCode } from './meta-reply.ts';
import { largestValue, longestLine, ReplyParser } from './reply-parser.ts';

const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** Feeds chunks as a socket would: each in the same memory, which is overwritten afterwards. */
function parse(chunks: readonly Uint8Array[]): { replies: MetaReply[]; problem: string | undefined } {
  const replies: MetaReply[] = [];
  const parser = new ReplyParser({
    answered(reply) {
      replies.push(Object.assign(new MetaReply(), reply));
      return undefined;
    },
  });
  const memory = new Uint8Array(Math.max(1, ...chunks.map((chunk) => chunk.length)));
  let problem: string | undefined;
  for (const chunk of chunks) {
    memory.set(chunk);
    problem = parser.push(memory.subarray(0, chunk.length));
    memory.fill(0x58);
  }
  return { replies, problem };
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set([0, ...places, bytes.length])]
    .filter((place) => place <= bytes.length)
    .toSorted((a, b) => a - b);
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

describe('one answer', () => {
  test.each([
    ['HD\r\n', { code: metaCode.HD }],
    ['EN\r\n', { code: metaCode.EN }],
    ['NF c0 kabc O9\r\n', { code: metaCode.NF, cas: '0' }],
    ['NS  c0\r\n', { code: metaCode.NS, cas: '0' }],
    ['EX \r\n', { code: metaCode.EX }],
    ['HD s0 f7 c5 W X\r\n', { code: metaCode.HD, size: 0, clientFlags: 7, cas: '5', won: true, stale: true }],
    ['VA 0 t-1 c20 f0 h0 l0 W\r\n\r\n', { value: '', size: 0, timeToLive: -1, cas: '20', won: true }],
    [
      'VA 3 t30 c38 f7 Z X\r\nval\r\n',
      { value: 'val', size: 3, timeToLive: 30, cas: '38', clientFlags: 7, lost: true, stale: true },
    ],
    ['VA 4 f4294967295\r\n\r\n\r\n\r\n', { value: '\r\n\r\n', size: 4, clientFlags: 4_294_967_295 }],
    ['VA 2 t4294967148 b kYQ== Oabc q? :x\r\nEN\r\n', { value: 'EN', size: 2, timeToLive: 4_294_967_148 }],
    ['VA 1 c18446744073709551615\r\nx\r\n', { value: 'x', size: 1, cas: '18446744073709551615' }],
    ['VA 1 c999999999999999\r\nx\r\n', { value: 'x', size: 1, cas: '999999999999999' }],
    ['VA 1 c9007199254740993\r\nx\r\n', { value: 'x', size: 1, cas: '9007199254740993' }],
    ['VERSION 1.6.18\r\n', { words: 'VERSION 1.6.18' }],
    ['ERROR\r\n', { words: 'ERROR' }],
    ['CLIENT_ERROR bad data chunk\r\n', { words: 'CLIENT_ERROR bad data chunk' }],
    ['SERVER_ERROR out of memory storing object\r\n', { words: 'SERVER_ERROR out of memory storing object' }],
  ])('%j', (text, expected) => {
    const { value, ...rest } = expected as { value?: string };
    const code = value !== undefined ? metaCode.VA : 'words' in rest ? wordsCode : undefined;
    const { replies, problem } = parse([latin1(text)]);
    expect(problem).toBeUndefined();
    expect(replies).toMatchObject([
      { ...(code !== undefined && { code }), ...rest, ...(value !== undefined && { value: latin1(value) }) },
    ]);
  });

  test('what one answer told does not stick to the next', () => {
    const { replies } = parse([latin1('VA 1 c9 t5 f7 s1 W X Z\r\nx\r\nHD\r\n')]);
    expect(replies[1]).toEqual(Object.assign(new MetaReply(), { code: metaCode.HD }));
  });
});

describe('what is no answer', () => {
  test.each([
    ['an unknown code', 'OO\r\n'],
    ['another unknown code', 'MN\r\n'],
    ['a size that is none', 'VA x\r\n'],
    ['no size', 'VA\r\n'],
    ['an empty size', 'VA  5\r\nhello\r\n'],
    ['a negative size', 'VA -1\r\n'],
    ['a size over the largest', `VA ${largestValue + 1}\r\n`],
    ['a size of many digits', 'VA 00000000005\r\nhello\r\n'],
    ['a size with something behind', 'VA 5x\r\nhello\r\n'],
    ['a value that is longer', 'VA 2\r\nabc\r\n'],
    ['a value that is shorter', 'VA 5\r\nabc\r\nHD\r\n'],
    ['a value that ends in LF alone', 'VA 3\r\nabc\n\n'],
    ['a line that ends in LF alone', 'HD t1\nEN\r\n'],
    ['a short line that ends in LF alone', 'HD\nEN\r\n'],
    ['words that end in LF alone', 'ERROR\n'],
    ['a CR inside a line', 'HD \rx\r\n'],
    ['an empty line', '\r\n\r\n'],
    ['a flag that is no number', 'HD tx\r\n'],
    ['a flag without its number', 'HD c\r\n'],
    ['a number of many digits', 'HD c123456789012345678901\r\n'],
    ['no line at all', 'x'.repeat(longestLine + 1)],
    ['a meta line without an end', `HD ${'k'.repeat(longestLine)}`],
  ])('%s', (_what, text) => {
    const bytes = latin1(text);
    const whole = parse([bytes]);
    expect(whole.problem).toBeTypeOf('string');
    expect(whole.replies).toEqual([]);
    const bytewise = parse(cut(bytes, [...bytes.keys()]));
    expect(bytewise.problem).toBeTypeOf('string');
    expect(bytewise.replies).toEqual([]);
  });

  test('nothing is read behind it, nor ever after', () => {
    const { replies, problem } = parse([latin1('HD\r\nOO\r\nHD\r\n'), latin1('HD\r\n')]);
    expect(replies).toHaveLength(1);
    expect(problem).toContain('OO');
  });

  test('nothing is read behind an answer that its taker refused', () => {
    let count = 0;
    const parser = new ReplyParser({ answered: () => (++count === 2 ? 'refused' : undefined) });
    expect(parser.push(latin1('HD\r\nHD\r\nHD\r\n'))).toBe('refused');
    expect(parser.push(latin1('HD\r\n'))).toBe('refused');
    expect(count).toBe(2);
  });
});

const digits64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const flag = fc.oneof(
  digits64.map((cas) => `c${cas}`),
  fc.integer({ min: -1, max: 4_294_967_295 }).map((seconds) => `t${seconds}`),
  fc.integer({ min: 0, max: 4_294_967_295 }).map((flags) => `f${flags}`),
  fc.constantFrom('W', 'X', 'Z', 's5', 'h1', 'l99', 'O12ab', 'kuser:1', 'b', 'n', 'Qfuture=1'),
);
const flags = fc.array(flag, { maxLength: 6 }).map((list) => list.map((each) => ` ${each}`).join(''));
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => latin1(text)),
  fc.constantFrom('', '\r\n', 'EN\r\n', 'VA 5\r\n', '\r\nHD\r\n').map(latin1),
  fc.integer({ min: 0, max: 70_000 }).map((size) => new Uint8Array(size).fill(0x0d)),
  fc.uint8Array({ maxLength: 3000 }),
);
const answer: fc.Arbitrary<{ line: string; body: Uint8Array | undefined }> = fc.oneof(
  fc.record({
    line: fc.tuple(fc.constantFrom('HD', 'EN', 'NF', 'NS', 'EX'), flags).map((p) => p.join('')),
    body: fc.constant(undefined),
  }),
  fc.tuple(value, flags).map(([body, list]) => ({ line: `VA ${body.length}${list}`, body })),
  fc.record({
    line: fc.constantFrom(
      'ERROR',
      'CLIENT_ERROR bad data chunk',
      'SERVER_ERROR object too large for cache',
      'VERSION 1.6.45',
    ),
    body: fc.constant(undefined),
  }),
);

test('any cut of any stream of answers gives the same answers', () => {
  fc.assert(
    fc.property(
      fc.array(answer, { maxLength: 40 }),
      fc.array(fc.nat(), { maxLength: 30 }),
      (answers, places) => {
        const bytes = new Uint8Array(
          Buffer.concat(
            answers.flatMap(({ line, body }) => [
              latin1(`${line}\r\n`),
              ...(body === undefined ? [] : [body, latin1('\r\n')]),
            ]),
          ),
        );
        const whole = parse([bytes]);
        expect(whole.problem).toBeUndefined();
        expect(whole.replies.map((reply) => reply.value ?? null)).toEqual(
          answers.map(({ body }) => body ?? null),
        );
        const cutAnywhere = parse(
          cut(
            bytes,
            places.map((place) => place % (bytes.length + 1)),
          ),
        );
        expect(cutAnywhere).toEqual(whole);
        if (bytes.length < 5000) expect(parse(cut(bytes, [...bytes.keys()]))).toEqual(whole);
      },
    ),
    { numRuns: 300 },
  );
});

test('no bytes whatever make it throw, loop or answer with more than there was', () => {
  const soup = fc.array(
    fc.oneof(
      fc.constantFrom('VA ', '5', '\r\n', 'HD', ' ', 'c', 't-1', 'W', 'EN\r\n', 'ERROR', '\n', '\r', '0'),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(soup, fc.array(fc.nat(60), { maxLength: 5 }), (pieces, places) => {
      const bytes = latin1(pieces.join(''));
      const { replies } = parse(cut(bytes, places));
      expect(replies.length).toBeLessThanOrEqual(bytes.length / 3);
    }),
    { numRuns: 1000 },
  );
});

test('a kept value holds at most 32 KiB of other values in memory', () => {
  const one = `VA 100\r\n${'x'.repeat(100)}\r\n`;
  const { replies } = parse([latin1(one.repeat(500))]);
  expect(replies).toHaveLength(500);
  for (const { value: kept } of replies) expect(kept!.buffer.byteLength).toBeLessThanOrEqual(32_768);
  expect(new Set(replies.map(({ value: kept }) => kept!.buffer)).size).toBeLessThan(6);
});
