import { describe, expect, test } from 'vitest';
import { type Bytes, bytes } from './bytes.ts';

describe('bytes', () => {
  test.each<[Bytes, number]>([
    [1, 1],
    [1023.9, 1023],
    ['17b', 17],
    ['1kb', 1024],
    ['1.5kb', 1536],
    ['64mb', 67_108_864],
    ['2gb', 2_147_483_648],
  ])('%s is %d bytes', (value, expected) => {
    expect(bytes('maxBytes', value)).toBe(expected);
  });

  test('units may be written in capitals by those who bypass the types', () => {
    expect(bytes('maxBytes', '1KB' as Bytes)).toBe(1024);
  });

  test.each([
    [0],
    [-1],
    [0.9],
    [Number.NaN],
    [Infinity],
    [''],
    ['12'],
    ['12 mb'],
    ['12mib'],
    ['-1kb'],
    ['9999999999gb'],
    [undefined],
    [null],
    [5n],
    [{}],
  ])('%s is refused, naming option, value and range', (value) => {
    expect(() => bytes('maxBytes', value as Bytes)).toThrow(
      expect.objectContaining({
        code: 'CISTERN_OPTION',
        message: expect.stringMatching(
          /^Option 'maxBytes' is .*'64mb'.*from 1 to 9007199254740991 bytes/s,
        ) as string,
      }),
    );
  });

  test('both ends belong to the range', () => {
    expect(bytes('maxBytes', 0, 0)).toBe(0);
    expect(bytes('maxBytes', '1kb', 1024, 1024)).toBe(1024);
    expect(() => bytes('maxBytes', 1023, 1024)).toThrow('from 1024 to');
    expect(() => bytes('maxBytes', 1025, 1, 1024)).toThrow('from 1 to 1024 bytes');
  });
});
