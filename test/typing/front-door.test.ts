import { describe, expect, expectTypeOf, test } from 'vitest';
import { cistern, type Duration, memory, notFound, type StandardSchema, tenant } from '../../src/index.ts';

// What compiles here, and what must not: `tsc` is the test; a `@ts-expect-error` without an error fails it.

interface User {
  readonly id: string;
  readonly name: string;
}
declare const findUser: (id: string) => Promise<User | undefined>;
declare const schema: StandardSchema<User>;

const shop = cistern({ name: 'types', remote: memory() });

/** For the compiler alone: the code in it never runs. */
function expectToCompile(code: () => unknown): void {
  expect(code).toBeTypeOf('function');
}

describe('what get answers', () => {
  test('is V, and undefined only where the loader may answer notFound', () => {
    const always = shop.define('always', { load: (id: string): User => ({ id, name: 'x' }), ttl: '1m' });
    const maybe = shop.define('maybe', {
      load: async (id: string) => (await findUser(id)) ?? notFound,
      ttl: '1m',
    });
    expectTypeOf<ReturnType<typeof always.get>>().resolves.toEqualTypeOf<User>();
    expectTypeOf<ReturnType<typeof maybe.get>>().resolves.toEqualTypeOf<User | undefined>();
    expectTypeOf<ReturnType<typeof always.refresh>>().resolves.toEqualTypeOf<User>();
    expectTypeOf<ReturnType<typeof maybe.refresh>>().resolves.toEqualTypeOf<User | undefined>();
    // peek may always miss, getMany leaves out.
    expectTypeOf<ReturnType<typeof always.peek>>().toEqualTypeOf<User | undefined>();
    expectTypeOf<ReturnType<typeof maybe.getMany>>().resolves.toEqualTypeOf<Map<string, User>>();
    expectToCompile(() => {
      void maybe.set('a', notFound);
      void maybe.set('a', { id: 'a', name: 'x' });
      // @ts-expect-error not a User
      void maybe.set('a', 'text');
    });
  });

  test('keeps null and undefined that the loader answers', () => {
    const nullable = shop.define('nullable', {
      load: (id: string): User | null => (id === '' ? null : { id, name: id }),
      ttl: '1m',
    });
    expectTypeOf<ReturnType<typeof nullable.get>>().resolves.toEqualTypeOf<User | null>();
    const optional = shop.define('optional', {
      load: (id: number): string | undefined => (id > 0 ? 'x' : undefined),
      ttl: '1m',
    });
    expectTypeOf<ReturnType<typeof optional.get>>().resolves.toEqualTypeOf<string | undefined>();
  });

  test('is typed through memoize, getOrSet and request', () => {
    const price = shop.memoize(
      'price',
      async (sku: string, amount: number) => await Promise.resolve({ sku, amount }),
      {
        key: (sku, amount) => [sku, amount],
        ttl: '1m',
      },
    );
    expectTypeOf(price).parameters.toEqualTypeOf<[sku: string, amount: number]>();
    expectTypeOf(price).returns.resolves.toEqualTypeOf<{ sku: string; amount: number }>();
    expectToCompile(async () => {
      expectTypeOf(await shop.getOrSet('k', { ttl: '1m' }, () => 5)).toEqualTypeOf<number>();
      expectTypeOf(
        await shop.getOrSet('k', { ttl: '1m' }, () => (shop.name === '' ? 5 : notFound)),
      ).toEqualTypeOf<number | undefined>();
      expectTypeOf(await shop.request(async () => await Promise.resolve('x'))).toEqualTypeOf<string>();
      // @ts-expect-error wrong arguments
      void price('a', 'b');
      // @ts-expect-error the key is mandatory
      shop.memoize('other', (id: string) => id, { ttl: '1m' });
    });
  });
});

describe('ids and keys', () => {
  test('a definition without key is for ids that are strings, numbers, bigints or booleans', () => {
    expectToCompile(() => {
      shop.define('s', { load: (id: string) => id, ttl: 1 });
      shop.define('n', { load: (id: number) => id, ttl: 1 });
      shop.define('b', { load: (id: bigint) => id, ttl: 1 });
      shop.define('f', { load: (id: boolean) => id, ttl: 1 });
      // @ts-expect-error an object needs a key function
      shop.define('o', { load: (id: { readonly id: number }) => id, ttl: 1 });
      // @ts-expect-error so does a date
      shop.define('d', { load: (id: Date) => id, ttl: 1 });
      shop.define('k', { key: (id: { readonly id: number }) => [id.id], load: (id) => id.id, ttl: 1 });
    });
  });

  test('a key is a tuple of at least one primitive', () => {
    expectToCompile(() => {
      shop.define('p', { key: (id: Date) => [id.getTime(), 'x', 1n, true], load: (id) => id, ttl: 1 });
      // @ts-expect-error empty
      shop.define('e', { key: (_id: Date) => [], load: (id: Date) => id, ttl: 1 });
      // @ts-expect-error an object in it
      shop.define('o', { key: (id: Date) => [id], load: (each: Date) => each, ttl: 1 });
      // @ts-expect-error no tuple
      shop.define('t', { key: (id: Date) => id.getTime(), load: (each: Date) => each, ttl: 1 });
      // @ts-expect-error null in it
      shop.define('u', { key: (_id: Date) => [null], load: (each: Date) => each, ttl: 1 });
    });
  });

  test('the ids of all calls are those of the loader', () => {
    const users = shop.define('ids', { load: (id: number) => id, ttl: 1 });
    expectToCompile(() => {
      // @ts-expect-error a string
      void users.get('1');
      // @ts-expect-error a string
      void users.getMany(['1']);
      // @ts-expect-error a string
      void users.mutate(['1'], () => 1);
      void users.mutate(1, () => 'x', { also: (result) => [result.length] });
      // @ts-expect-error also answers ids
      void users.mutate(1, () => 'x', { also: (result) => [result] });
    });
  });

  test('the keys of a private cache begin with a tenant', () => {
    interface Note {
      readonly user: number;
      readonly id: string;
    }
    const rest = { load: (note: Note) => note.id, ttl: 1, private: true } as const;
    expectToCompile(() => {
      shop.define('mine', { ...rest, key: ({ user, id }: Note) => [tenant(user), id] });
      // @ts-expect-error no tenant
      shop.define('none', { ...rest, key: ({ user, id }: Note) => [user, id] });
      // @ts-expect-error the tenant is not first
      shop.define('late', { ...rest, key: ({ user, id }: Note) => [id, tenant(user)] });
      // @ts-expect-error no key at all
      shop.define('keyless', { private: true, load: (id: string) => id, ttl: 1 });
      // @ts-expect-error a tenant is not nobody
      tenant(undefined);
    });
  });
});

describe('options', () => {
  test('durations are numbers, or numbers with a unit', () => {
    expectTypeOf<'5m'>().toExtend<Duration>();
    expectTypeOf<'1.5h'>().toExtend<Duration>();
    expectTypeOf<'5min'>().not.toExtend<Duration>();
    expectTypeOf<'soon'>().not.toExtend<Duration>();
    expectToCompile(() => {
      // @ts-expect-error a typo
      shop.define('typo', { load: (id: string) => id, ttl: '5mins' });
      // @ts-expect-error no such option
      shop.define('unknown', { load: (id: string) => id, ttl: '5m', timeToLive: 5 });
      // @ts-expect-error ttl is mandatory
      shop.define('forever', { load: (id: string) => id });
      // @ts-expect-error a size has another unit
      cistern({ name: 'x', near: { maxBytes: '64m' } });
      // @ts-expect-error no such option
      cistern({ name: 'x', l1: {} });
    });
  });

  test('ttl by value gets the value without notFound', () => {
    expectToCompile(() =>
      shop.define('by-value', {
        load: async (id: string) => (await findUser(id)) ?? notFound,
        ttl: (user) => {
          expectTypeOf(user).toEqualTypeOf<User>();
          return user.name === '' ? 'skip' : '5m';
        },
      }),
    );
  });

  test('loadMany must say what an absent id is where the loader cannot answer notFound', () => {
    expectToCompile(() => {
      shop.define('all', {
        load: (id: string) => id,
        loadMany: (ids) => new Map(ids.map((id) => [id, id])),
        absent: 'error',
        ttl: 1,
      });
      // @ts-expect-error absent is missing
      shop.define('lost', {
        load: (id: string) => id,
        loadMany: (ids: readonly string[]) => new Map(ids.map((id) => [id, id])),
        ttl: 1,
      });
      shop.define('no', {
        // @ts-expect-error notFound is not among the answers
        absent: 'notFound',
        load: (id: string) => id,
        loadMany: (ids: readonly string[]) => ids,
        ttl: 1,
      });
      const load = async (id: string) => (await findUser(id)) ?? notFound;
      shop.define('some', { load, loadMany: () => new Map(), ttl: 1 });
      shop.define('either', {
        load,
        loadMany: (ids) => ids.map(() => undefined),
        absent: 'notFound',
        ttl: 1,
      });
      // @ts-expect-error absent without loadMany
      shop.define('without', { load: (id: string) => id, absent: 'error', ttl: 1 });
    });
  });

  test('a value schema has the type of the value', () => {
    expectToCompile(() => {
      shop.define('checked', { load: (id: string): User => ({ id, name: id }), ttl: 1, value: schema });
      // @ts-expect-error another type
      shop.define('other', { load: (id: string) => id.length, ttl: 1, value: schema });
    });
  });

  test('contexts are typed without annotations', () => {
    expectToCompile(() =>
      shop.define<string, User>('context', {
        load: (id, { signal, deadline, stale }) => {
          expectTypeOf(id).toEqualTypeOf<string>();
          expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
          expectTypeOf(deadline).toEqualTypeOf<number>();
          expectTypeOf(stale).toEqualTypeOf<unknown>();
          return { id, name: id };
        },
        ttl: 1,
      }),
    );
  });
});

describe('the near tier', () => {
  test('has options and answers whose types say what they may be', () => {
    expectToCompile(() => {
      cistern({ name: 'a', near: { maxBytes: '1gb', maxEntries: 5, policy: 's3-fifo', index: 'map' } });
      cistern({ name: 'a', near: false });
      // @ts-expect-error the optimum knows the future
      cistern({ name: 'a', near: { policy: 'belady' } });
      // @ts-expect-error chosen once
      shop.resizeNear({ policy: 'lru' });
      // @ts-expect-error there may be none
      return shop.stats().near.bytes;
    });
    expectTypeOf<ReturnType<typeof shop.saveNear>>().resolves.toEqualTypeOf<{
      readonly saved: number;
      readonly skipped: number;
      readonly bytes: number;
    }>();
  });
});
