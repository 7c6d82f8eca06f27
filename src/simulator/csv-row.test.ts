import fc from 'fast-check';
import { expect, test } from 'vitest';
import { guessDelimiter, readRow, writeRow } from './csv-row.ts';

test('what is written is read', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', ';', ' ', '\u00e9') });
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 6 }), (fields) => {
      // A row of one empty field is a blank line.
      fc.pre(fields.join('') !== '' || fields.length > 1);
      expect(readRow(writeRow(fields), ',')).toEqual(fields);
    }),
  );
});

test.each([
  ['a,"b', undefined],
  ['a,"b"c,d', undefined],
  ['a,"b ""c""",d', ['a', 'b "c"', 'd']],
  ['', ['']],
])('%j', (line, fields) => {
  expect(readRow(line, ',')).toEqual(fields);
});

test.each([
  ['a;b;c', ';'],
  ['a\tb', '\t'],
  ['a|b', '|'],
  ['a,b;c,d', ','],
  ['alone', ','],
])('the delimiter of %j is %j', (line, delimiter) => {
  expect(guessDelimiter([line])).toBe(delimiter);
});
