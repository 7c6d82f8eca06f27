import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, world } from '../../test/routes/wire.ts';
import type { Store } from '../core/store.ts';
import { memory } from '../stores/memory/memory.ts';
import { prefixed } from './prefixed.ts';

routeContract('prefixed', 3, ([a, b, otherwise]) => prefixed({ 'law:': a!, 'law:Z': b! }, otherwise!));

describe('prefixed', () => {
  test('a key goes to the pool of the longest prefix that it begins with', async () => {
    const prefix = fc.stringMatching(/^[ab:]{1,4}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(prefix, { maxLength: 6 }),
        fc.array(fc.stringMatching(/^[ab:]{1,6}$/), { minLength: 1, maxLength: 10 }),
        async (prefixes, keys) => {
          const { runtime, wires } = world(prefixes.length + 1);
          const otherwise = wires.at(-1)!;
          const store = prefixed(
            Object.fromEntries(prefixes.map((each, index) => [each, wires[index]!])),
            otherwise,
          );
          for (const key of keys) {
            for (const wire of wires) wire.asked.length = 0;
            await ask(runtime, store, { kind: 'get', key });
            const longest = prefixes
              .filter((each) => key.startsWith(each))
              .toSorted((a, b) => b.length - a.length)[0];
            const expected = longest === undefined ? otherwise : wires[prefixes.indexOf(longest)]!;
            expect(wires.filter((wire) => wire.asked.length > 0)).toEqual([expected]);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test('the promise of a pool that keeps the contract is handed on', () => {
    const inner = prefixed({ a: memory() }, memory());
    const promise = Promise.resolve({ kind: 'notFound' } as const);
    inner.execute = () => promise;
    const store = prefixed({ 'user:': memory() }, inner);
    expect(store.execute({ kind: 'get', key: 'k', deadline: 1 })).toBe(promise);
  });

  test('a pool may have several prefixes, and is closed once; without prefixes there is no route', async () => {
    const { runtime, wires } = world(2);
    const [pool, otherwise] = wires;
    const store = prefixed({ 'a:': pool!, 'b:': pool!, 'c:': otherwise! }, otherwise!);
    expect(store.parts).toEqual([otherwise, pool]);
    await runtime.until(store.close());
    expect([pool!.closed, otherwise!.closed]).toEqual([1, 1]);
    expect([prefixed({}, pool!), prefixed({ a: pool! }, pool!)]).toEqual([pool, pool]);
  });

  test.each<[string, () => unknown, RegExp]>([
    ['a list', () => prefixed([] as never, memory()), /'pools' is \[\]/],
    ['an empty prefix', () => prefixed({ '': memory() }, memory()), /'prefix' is ''/],
    ['a prefix that no key has', () => prefixed({ 'a b': memory() }, memory()), /'prefix' is 'a b'/],
    ['no pool', () => prefixed({ a: 7 as unknown as Store }, memory()), /'a' is 7/],
    ['no other', () => prefixed({}, undefined as unknown as Store), /'otherwise' is undefined/],
  ])('%s is refused', (_what, make, said) => {
    expect(make).toThrow(said);
  });
});
