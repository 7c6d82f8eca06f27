import { expect, test } from 'vitest';
import { parseTrace } from './trace-file.ts';

const parse = (text: string) => parseTrace('made up', new TextEncoder().encode(text));

test('reads one key per line, with or without a size, with or without a last newline', () => {
  for (const text of ['0\n1,500\n0\n12\n', '0,1\n1\n0,1\n12']) {
    const { requests, keys } = parse(text);
    expect([...requests]).toEqual([0, 1, 0, 12]);
    expect(keys).toBe(13);
  }
  expect(parse('').requests.length).toBe(0);
});

test('says which line is not one', () => {
  expect(() => parse('1\nx\n')).toThrow('made up: line 2 is not a number');
  expect(() => parse('1\n2\n\n3')).toThrow('made up: line 3 has no key');
});
