import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keys, plain } from './formats/plain.ts';
import { LineReader } from './line-reader.ts';
import type { TraceSink } from './trace-format.ts';

function gathering(): { sink: TraceSink; read: string[] } {
  const read: string[] = [];
  return { read, sink: { request: (key) => void read.push(key), ignored: () => {}, warn: () => {} } };
}

test('lines are the same, wherever the text is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\r', ',', '\n', '\n') })), (pieces) => {
      const { sink, read } = gathering();
      const reader = new LineReader(keys.parser({}), sink);
      for (const piece of pieces) reader.push(piece);
      reader.end();
      const lines = pieces.join('').split('\n');
      if (lines.at(-1) === '') lines.pop();
      expect(reader.lines).toBe(lines.length);
      expect(read).toEqual(lines.map((line) => line.replace(/\r$/, '')).filter((line) => line !== ''));
    }),
  );
});

test('malformed lines are counted, the first few with number and text', () => {
  const { sink, read } = gathering();
  const reader = new LineReader(plain.parser({}), sink);
  reader.push('good\n\nnot good\n');
  for (let line = 0; line < 100; line++) reader.push(`a,${'x'.repeat(200)}\n`);
  reader.end();
  expect(read).toEqual(['good']);
  expect(reader.malformed).toBe(101);
  expect(reader.firstMalformed).toHaveLength(5);
  expect(reader.firstMalformed[0]).toEqual({ line: 3, problem: 'has a blank in its key', text: 'not good' });
  expect(reader.firstMalformed[1]!.text).toHaveLength(80);
});

test('a file that is one endless line takes no memory', () => {
  const { sink, read } = gathering();
  const reader = new LineReader(plain.parser({}), sink);
  for (let piece = 0; piece < 40; piece++) reader.push('x'.repeat(1 << 16));
  reader.push('\nnext\n');
  reader.end();
  expect(reader.firstMalformed[0]).toMatchObject({ line: 1, problem: 'is longer than 1048576 characters' });
  expect(read).toEqual(['next']);
});
