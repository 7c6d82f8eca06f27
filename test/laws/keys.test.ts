import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type KeyPart, tenant } from '../../src/index.ts';
import { codeOf, Fleet } from './fleet.ts';

const part = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    '0',
    '1',
    '-0',
    '1n',
    'true',
    "'",
    ',',
    '@',
    '#',
    '\0',
    "\0'a",
    '%',
    '%2C',
    ' ',
    '\r\n',
    '\ud800',
  ),
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.boolean(),
) as fc.Arbitrary<KeyPart>;
const tuple = fc.array(part, { minLength: 1, maxLength: 3 }) as unknown as fc.Arbitrary<
  readonly [KeyPart, ...KeyPart[]]
>;

/** What the same key is: the same number of parts, each of the same type and equal (-0 is 0). */
function same(left: readonly KeyPart[], right: readonly KeyPart[]): boolean {
  return left.length === right.length && left.every((each, index) => each === right[index]);
}

describe('keys are injective', () => {
  for (const tier of ['near', 'remote'] as const) {
    test(`two ids share an entry if and only if their tuples are equal (${tier})`, async () => {
      await fc.assert(
        fc.asyncProperty(tuple, tuple, async (one, other) => {
          const fleet = new Fleet();
          const options = tier === 'near' ? { remote: undefined as never } : { near: false as const };
          const cache = fleet.join(options).shop.define('any', {
            key: (id: readonly [KeyPart, ...KeyPart[]]) => id,
            load: (id) => ({ id: id.map(String), types: id.map((each) => typeof each) }),
            ttl: '5m',
          });
          fc.pre(!(one.length === 1 && one[0] === '') && !(other.length === 1 && other[0] === ''));
          await fleet.wait(cache.get(one));
          await fleet.runtime.settle();
          await fleet.wait(cache.get(other));
          expect(cache.stats().loads).toBe(same(one, other) ? 1 : 2);
        }),
        { numRuns: 150 },
      );
    });
  }

  test('an id that is its own key: 1 is not "1", 1n or true; -0 is 0', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join();
    const cache = shop.define<KeyPart, string>('any', {
      load: (id) => `${typeof id} ${String(id)}`,
      ttl: '5m',
    });
    const ids: readonly KeyPart[] = [1, '1', 1n, true, 'true', '1n', 0, '0', '-0', false, "'1", '\0', "\0'1"];
    for (let round = 0; round < 3; round++) {
      for (const id of ids) expect(await fleet.wait(cache.get(id))).toBe(`${typeof id} ${String(id)}`);
      await fleet.runtime.settle();
    }
    expect(await fleet.wait(cache.get(-0))).toBe('number 0');
    expect(cache.stats().loads).toBe(ids.length);
  });

  test('tenants, caches, versions and families do not share entries', async () => {
    const fleet = new Fleet();
    const answers = new Set<string>();
    let made = 0;
    for (const name of ['shop', 'shop.a', 'shop-a']) {
      for (const cache of ['user', 'user.1']) {
        for (const version of [1, 11]) {
          const { shop } = fleet.join({ name });
          const users = shop.define<string, string>(cache, {
            version,
            load: () => `value ${++made}`,
            ttl: '5m',
          });
          answers.add(await fleet.wait(users.get('1')));
          answers.add(await fleet.wait(users.get('1:1')));
        }
      }
    }
    expect(answers.size).toBe(24);
    const { shop } = fleet.join({ name: 'private' });
    const notes = shop.define<{ owner: string | number | bigint; id: string }, string>('note', {
      private: true,
      key: ({ owner, id }) => [tenant(owner), id],
      load: ({ owner, id }) => `${typeof owner} ${owner} ${id}`,
      ttl: '5m',
    });
    const owners = [1, '1', 1n, 'a', "a,'b", 'a%', '@a'];
    for (const owner of owners) {
      for (const id of ['x', "a,'b"]) {
        expect(await fleet.wait(notes.get({ owner, id }))).toBe(`${typeof owner} ${owner} ${id}`);
      }
    }
    expect(notes.stats().loads).toBe(owners.length * 2);
  });

  test('memoize: argument lists that differ never share an entry', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join();
    const price = shop.memoize('price', (sku: string, currency: string) => `${sku} in ${currency}`, {
      key: (sku, currency) => [sku, currency],
      ttl: '1m',
    });
    // The pairs that collide in a well-known library's 32-bit hash, and pairs that collide when joined.
    for (const [sku, currency] of [
      ['ab', 'x'],
      ['bA', 'x'],
      ['user-ab', 'x'],
      ['user-bA', 'x'],
      ['a', 'b,c'],
      ['a,b', 'c'],
      ["a,'b", 'c'],
    ] as const) {
      expect(await fleet.wait(price(sku, currency))).toBe(`${sku} in ${currency}`);
    }
  });
});

describe('a long key', () => {
  test('is hashed to 128 bits, and verified on read: another key behind the same hash is a miss', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join({ near: false });
    const cache = shop.define('any', { load: (id: string) => `value of ${id.slice(-1)}`, ttl: '5m' });
    const [one, other] = [`${'k'.repeat(300)}1`, `${'k'.repeat(300)}2`];
    await fleet.wait(cache.get(one));
    await fleet.wait(cache.get(other));
    await fleet.runtime.settle();
    const [first, second] = wire.entries('set').map(({ key }) => key) as [string, string];
    expect(first).not.toBe(second);
    for (const key of [first, second]) {
      expect(key.length).toBeLessThanOrEqual(160);
      expect(key).toMatch(/#[\w-]{22}$/);
    }
    // As if both had the same hash.
    const found = await fleet.wait(fleet.server.execute({ kind: 'get', key: first, deadline: Infinity }));
    if (found.kind !== 'hit') throw new Error('the first entry is there');
    await fleet.wait(
      fleet.server.execute({
        kind: 'set',
        mode: 'set',
        key: second,
        value: found.value,
        flags: found.flags,
        life: { freshFor: 60_000, staleFor: 0 },
        deadline: Infinity,
      }),
    );
    expect(await fleet.wait(cache.get(other))).toBe('value of 2');
    expect(cache.stats().loads).toBe(3);
  });

  test('is printable ASCII on the wire, whatever it is made of', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join({ near: false });
    const cache = shop.define('any', { load: (id: string) => id, ttl: '5m' });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), async (id) => {
        expect(await fleet.wait(cache.get(id))).toBe(id);
      }),
      { numRuns: 100 },
    );
    expect(wire.asked.every(({ key }) => /^[!-~]{1,160}$/.test(key))).toBe(true);
  });
});

describe('a bad key', () => {
  const bad: Record<string, unknown> = {
    null: null,
    undefined: undefined,
    'an empty text': '',
    NaN: Number.NaN,
    infinity: Number.POSITIVE_INFINITY,
    'an object': {},
    'an array': [1],
    'a symbol': Symbol('x'),
    'a function': () => 1,
    'an over-long text': 'x'.repeat(9000),
  };
  for (const [name, id] of Object.entries(bad)) {
    test(`${name}: a coded error from every change, and never from get, which loads and keeps nothing`, async () => {
      const fleet = new Fleet();
      const { shop, wire } = fleet.join();
      let loads = 0;
      const cache = shop.define<string, string>('any', { load: () => `load ${++loads}`, ttl: '5m' });
      const key = id as string;
      for (const change of [
        () => cache.set(key, 'x'),
        () => cache.delete(key),
        () => cache.expire(key),
        () => cache.refresh(key),
        // An array is always a list of ids.
        () => cache.mutate([key], () => 1),
      ]) {
        expect(codeOf(await fleet.outcome(change()))).toBe('CISTERN_KEY');
      }
      expect(wire.asked).toHaveLength(0);
      expect(await fleet.wait(cache.get(key))).toBe('load 1');
      expect(await fleet.wait(cache.get(key))).toBe('load 2');
      expect((await fleet.wait(cache.getMany([key]))).get(key)).toBe('load 3');
      expect(await fleet.wait(shop.request(async () => await cache.get(key)))).toBe('load 4');
      expect((await fleet.wait(cache.entry(key))).status).toBe('loaded');
      expect(cache.peek(key)).toBeUndefined();
      expect(await fleet.wait(cache.warm([key]))).toEqual({ warmed: 1, failed: 0 });
      expect(wire.entries('set')).toHaveLength(0);
      expect(cache.stats().near.entries).toBe(0);
    });
  }

  test('of a private cache is one without its tenant', async () => {
    const fleet = new Fleet();
    const cache = fleet.join().shop.define<string, string>('note', {
      private: true,
      key: (id) => [id] as never,
      load: () => 'secret',
      ttl: '5m',
    });
    expect(codeOf(await fleet.outcome(cache.set('a', 'x')))).toBe('CISTERN_KEY');
    expect(await fleet.wait(cache.get('a'))).toBe('secret');
    expect(cache.stats().near.entries).toBe(0);
    for (const owner of ['', undefined, null, Number.NaN, {}]) {
      expect(() => tenant(owner as string)).toThrow(/names no tenant/);
    }
  });
});
