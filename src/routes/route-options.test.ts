import { expect, test } from 'vitest';
import type { Store } from '../core/store.ts';
import { memory } from '../stores/memory/memory.ts';
import {
  checkedChoice,
  checkedCount,
  checkedName,
  checkedOptions,
  checkedPart,
  checkedParts,
  checkedShare,
} from './route-options.ts';
import { checkSalts, type Salted, saltOf } from './salt.ts';

test.each<[string, () => unknown, string]>([
  ['no object', () => checkedOptions(7, []), "'options' is 7"],
  [
    'an unknown name',
    () => checkedOptions({ tll: 5 }, ['ttl']),
    "'tll' is 5, but must be left out: known are ttl",
  ],
  ['null', () => checkedOptions({ ttl: null }, ['ttl']), "'ttl' is null"],
  ['no store', () => checkedPart('main', {}), "'main' is an object, but must be a store"],
  ['no stores', () => checkedParts('parts', []), "'parts' is [], but must be an array of at least one store"],
  ['a store twice', () => twice(), "'parts[1]'"],
  ['no name', () => checkedName('', 'x'), "'name' is ''"],
  ['a share of two', () => checkedShare('share', 2), "'share' is 2, but must be a number from 0 to 1"],
  ['a share of what', () => checkedShare('share', Number.NaN), "'share' is NaN"],
  [
    'a half',
    () => checkedCount('outstanding', 1.5, 1, 9),
    "'outstanding' is 1.5, but must be a whole number from 1 to 9",
  ],
  ['too many', () => checkedCount('outstanding', 10, 1, 9), "'outstanding' is 10"],
  ['another word', () => checkedChoice('writes', 'some' as 'all', ['all', 'one']), "one of 'all', 'one'"],
])('%s is refused by name', (_what, check, said) => {
  expect(check).toThrow(
    expect.objectContaining({
      code: 'CISTERN_OPTION',
      message: expect.stringContaining(said) as string,
    }) as Error,
  );
});

function twice(): void {
  const store = memory();
  checkedParts('parts', [store, store]);
}

test('what is right is given back', () => {
  const store = memory();
  checkedOptions({ ttl: undefined }, ['ttl']);
  expect(checkedParts('parts', [store])).toEqual([store]);
  expect([checkedName(undefined, 'x'), checkedName('y', 'x')]).toEqual(['x', 'y']);
  expect([checkedShare('share', 0.5), checkedCount('n', 3, 1, 9), checkedChoice('w', 'a', ['a'])]).toEqual([
    0.5,
    3,
    'a',
  ]);
});

test('the salt of a store is seen through what wraps it alone, and must differ', () => {
  const pool = (salt?: string): Store =>
    ({ ...memory(), name: 'pool', parts: [memory(), memory()], salt }) as Salted;
  const wrapped = (store: Store): Store => ({ ...memory(), name: 'wrapped', parts: [store] });
  expect([saltOf(pool('a')), saltOf(wrapped(wrapped(pool('')))), saltOf(pool()), saltOf(memory())]).toEqual([
    'a',
    '',
    undefined,
    undefined,
  ]);
  checkSalts([pool('a'), wrapped(pool('b')), pool(), pool(), memory()]);
  expect(() => checkSalts([pool('a'), pool(), wrapped(pool('a'))])).toThrow(
    /Option 'salt' is 'a', but must be different in 'pool' and 'wrapped'/,
  );
});
