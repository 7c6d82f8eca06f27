import { expect, test } from 'vitest';
import { readOptions, UsageError } from './options.ts';

test('without parameters the shop measures for ten seconds and stays', () => {
  expect(readOptions([])).toEqual({ once: false, json: false, seconds: 10, shoppers: 48, port: undefined });
});

test('parameters are read, and help is asked for', () => {
  expect(readOptions(['--once', '--json', '--seconds', '3', '--shoppers=5'])).toEqual({
    once: true,
    json: true,
    seconds: 3,
    shoppers: 5,
    port: undefined,
  });
  expect(readOptions(['--port', '4000'])?.port).toBe(4000);
  expect(readOptions(['--help'])).toBeUndefined();
});

test.each([
  [['--jsom'], '--jsom'],
  [['--json'], `'--json' needs '--once'`],
  [['--seconds', '0'], `'--seconds' is '0', but must be a whole number from 1 to 600`],
  [['--seconds', 'ten'], `'--seconds' is 'ten'`],
  [['--seconds'], '--seconds'],
  [['--shoppers', '1e3'], `'--shoppers' is '1e3'`],
  [['--port', '70000'], 'from 1 to 65535'],
  [['--once', '--port', '3000'], `'--port' is of no use with '--once'`],
  [['more'], 'more'],
])('%j is refused with a message that names it', (parameters, message) => {
  expect(() => readOptions(parameters)).toThrow(UsageError);
  expect(() => readOptions(parameters)).toThrow(message);
});
