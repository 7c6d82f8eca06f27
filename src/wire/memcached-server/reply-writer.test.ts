import fc from 'fast-check';
import { expect, test } from 'vitest';
import { largestLent } from '../../core/lending.ts';
import { AnsweredEntry, writeCode, writeEntry } from './meta-answer.ts';
import { ReplyWriter } from './reply-writer.ts';
import { RequestLine } from './request-line.ts';

function taken(writer: ReplyWriter): string {
  return Buffer.concat(writer.take()).toString('latin1');
}

test('texts, numbers and values come out as they went in, over any number of blocks', () => {
  const piece = fc.oneof(
    fc.string({ maxLength: 300 }).map((text) => ({ text: Buffer.from(text).toString('latin1') })),
    fc
      .oneof(
        fc.nat(),
        fc.constantFrom(0, 9, 10, 999_999_999, 1_000_000_000, 1_000_000_001, 4_294_967_295, 1e15),
      )
      .map((number) => ({ number })),
    fc
      .oneof(fc.nat(200), fc.integer({ min: 32_760, max: 32_776 }), fc.constant(70_000))
      .map((size) => ({ size })),
  );
  fc.assert(
    fc.property(
      fc.array(fc.array(piece, { maxLength: 40 }), { maxLength: 6 }),
      fc.boolean(),
      (batches, reuses) => {
        const writer = new ReplyWriter();
        for (const batch of batches) {
          let expected = '';
          for (const each of batch) {
            if ('text' in each) {
              writer.text(each.text);
              expected += each.text;
            } else if ('number' in each) {
              writer.number(each.number);
              expected += each.number;
            } else {
              writer.value(Buffer.alloc(each.size, 'v'));
              expected += `${'v'.repeat(each.size)}\r\n`;
            }
          }
          expect(writer.size).toBe(expected.length);
          expect(taken(writer)).toBe(expected);
          expect(writer.size).toBe(0);
          if (reuses) writer.sent();
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('what a socket may still read is not written over', () => {
  const writer = new ReplyWriter();
  writer.text('first');
  const first = writer.take();
  writer.text('second');
  writer.take();
  expect(Buffer.concat(first).toString()).toBe('first');
  writer.sent();
  writer.text('third');
  expect(taken(writer)).toBe('third');
  expect(Buffer.concat(first).toString()).toBe('third');
});

test('what was written since the last time is still there when all that was taken is sent', () => {
  const writer = new ReplyWriter();
  writer.text('first');
  writer.take();
  writer.text('second');
  writer.sent();
  writer.text(' third ');
  writer.value(Buffer.alloc(40_000, 'v'));
  writer.sent();
  writer.text('fourth');
  expect(taken(writer)).toBe(`second third ${'v'.repeat(40_000)}\r\nfourth`);
});

test('a large value is handed on as it is', () => {
  const writer = new ReplyWriter();
  const value = Buffer.alloc(40_000);
  writer.text('VA 40000\r\n');
  writer.value(value);
  const parts = writer.take();
  expect(parts).toContain(value);
  expect(parts.map((part) => part.length)).toEqual([10, 40_000, 2]);
});

test('a value that may be lent is copied: its bytes are another value when the socket reads them', () => {
  const writer = new ReplyWriter();
  const value = Buffer.alloc(largestLent, 'v');
  writer.value(value);
  value.fill('!');
  expect(taken(writer)).toBe(`${'v'.repeat(largestLent)}\r\n`);
});

test('flags are answered in the order in which they were asked for, marks behind them', () => {
  const writer = new ReplyWriter();
  const line = new RequestLine('mg');
  line.letters = 'kOtsfcvN';
  line.opaque = 'O12';
  line.base64 = true;
  line.wantsValue = true;
  const entry = new AnsweredEntry();
  entry.cas = '18446744073709551615';
  entry.clientFlags = 4_294_967_295;
  entry.timeToLive = 59;
  entry.lost = entry.stale = true;
  writeEntry(writer, line, 'Zm9v', Buffer.from('hi'), entry);
  expect(taken(writer)).toBe('VA 2 kZm9v b O12 t59 s2 f4294967295 c18446744073709551615 Z X\r\nhi\r\n');
  line.wantsValue = false;
  entry.timeToLive = -1;
  entry.lost = false;
  entry.won = true;
  writeEntry(writer, line, 'Zm9v', Buffer.from('hi'), entry);
  expect(taken(writer)).toBe('HD kZm9v b O12 t-1 s2 f4294967295 c18446744073709551615 X W\r\n');
  writeCode(writer, line, 'Zm9v', 'EN', '0');
  expect(taken(writer)).toBe('EN kZm9v b O12\r\n');
});
