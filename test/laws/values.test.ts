import { describe, expect, test } from 'vitest';
import { notFound } from '../../src/index.ts';
import { codeOf, Fleet } from './fleet.ts';

const values: Record<string, () => unknown> = {
  zero: () => 0,
  'minus zero': () => -0,
  NaN: () => Number.NaN,
  infinity: () => Number.NEGATIVE_INFINITY,
  'empty text': () => '',
  false: () => false,
  null: () => null,
  undefined: () => undefined,
  bigint: () => 2n ** 80n,
  'lone surrogate': () => 'a\ud800b',
  date: () => new Date(1234.0),
  'invalid date': () => new Date(Number.NaN),
  map: () =>
    new Map<unknown, unknown>([
      [1, 'one'],
      ['1', new Map([[{ a: 1 }, 2n]])],
    ]),
  set: () => new Set([1, '1', null, undefined]),
  buffer: () => Buffer.from([1, 2, 255]),
  'array buffer': () => new Uint8Array([9, 8]).buffer,
  'typed arrays': () => [new Uint8Array(3), new Float64Array([1.5]), new BigInt64Array([-1n])],
  'data view': () => new DataView(new Uint8Array([1, 2]).buffer),
  'undefined inside': () => ({ a: undefined, b: null, c: [undefined, null] }),
  '__proto__ as a name': () => JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as unknown,
  nested: () => ({ list: [{ at: new Date(5), ids: new Set([1n]) }], by: new Map([['x', Buffer.from('y')]]) }),
};

describe('every value comes back as it went in, from every tier', () => {
  for (const [name, make] of Object.entries(values)) {
    for (const sharing of ['frozen', 'clone'] as const) {
      test(`${name} (${sharing})`, async () => {
        const fleet = new Fleet();
        const define = { load: make, ttl: '5m', sharing } as const;
        const first = fleet.join().shop.define<string, unknown>('value', define);
        const second = fleet.join().shop.define<string, unknown>('value', define);
        const seen: Record<string, unknown> = {
          source: await fleet.wait(first.get('a')),
        };
        await fleet.runtime.settle();
        seen['near'] = await fleet.wait(first.get('a'));
        seen['near, hot'] = await fleet.wait(first.get('a')).then(() => first.get('a'));
        seen['peek'] = first.peek('a');
        seen['remote'] = await fleet.wait(second.get('a'));
        seen['entry'] = (await fleet.wait(second.entry('a'))).value;
        seen['many'] = (await fleet.wait(second.getMany(['a']))).get('a');
        await fleet.wait(first.set('b', make()));
        seen['set'] = await fleet.wait(first.get('b'));
        seen['set, remote'] = await fleet.wait(second.get('b'));
        const expected = make();
        for (const [tier, value] of Object.entries(seen)) {
          expect({ [tier]: value }).toStrictEqual({ [tier]: expected });
          expect(Object.is(value, expected) || typeof expected === 'object').toBe(true);
          expect(Buffer.isBuffer(value)).toBe(Buffer.isBuffer(expected));
        }
        expect(first.stats().loads + second.stats().loads).toBe(1);
      });
    }
  }

  test('undefined, null and notFound are three different answers', async () => {
    const fleet = new Fleet();
    const answers: Record<string, unknown> = { undefined: undefined, null: null, notFound };
    const define = { load: (id: string) => answers[id], ttl: '5m' } as const;
    const caches = [fleet.join(), fleet.join()].map(({ shop }) => shop.define('value', define));
    for (const cache of [...caches, ...caches]) {
      const entries = await fleet.wait(cache.entries(Object.keys(answers)));
      const told = [...entries.values()].map(({ value, status }) => [value, status === 'negative']);
      expect(told).toEqual([
        [undefined, false],
        [null, false],
        [undefined, true],
      ]);
      const many = await fleet.wait(cache.getMany(Object.keys(answers)));
      expect([...many]).toEqual([
        ['undefined', undefined],
        ['null', null],
      ]);
      await fleet.runtime.settle();
    }
    expect(caches.map((cache) => cache.stats().loads)).toEqual([3, 0]);
  });
});

describe('what was handed out cannot be changed into the cache', () => {
  const make = () => ({
    list: [1, { deep: 'x' }],
    at: new Date(5),
    map: new Map([['k', { v: 1 }]]),
    set: new Set([1]),
    // With memory of its own: small Buffers share a pool.
    bytes: Buffer.alloc(3, 'abc'),
  });
  const attacks: Record<string, (value: ReturnType<typeof make>) => unknown> = {
    'a field': (value) => (value.list = []),
    'an array': (value) => value.list.push(2),
    'something deep inside': (value) => ((value.list[1] as { deep: string }).deep = 'changed'),
    'a Date': (value) => value.at.setTime(9),
    'a Map': (value) => value.map.set('k', { v: 2 }),
    'a value in a Map': (value) => (value.map.get('k')!.v = 2),
    'a Set': (value) => value.set.clear(),
    'a Buffer': (value) => value.bytes.fill(0),
    'the memory behind a Buffer': (value) => new Uint8Array(value.bytes.buffer).fill(0),
  };
  const without = () => {
    const { bytes: _, ...rest } = make();
    return rest as ReturnType<typeof make>;
  };
  for (const sharing of ['frozen', 'clone'] as const) {
    for (const [what, attack] of Object.entries(attacks)) {
      for (const plain of [true, false]) {
        if (plain && what.includes('Buffer')) continue;
        test(`by changing ${what} (${sharing}, ${plain ? 'freezable' : 'with a Buffer'})`, async () => {
          const fleet = new Fleet();
          const source = plain ? without : make;
          let loaded: unknown;
          let stale: unknown;
          const users = fleet.join().shop.define<string, ReturnType<typeof make>>('value', {
            load: (_, context) => {
              stale = context.stale;
              if (stale === undefined) return (loaded = source()) as ReturnType<typeof make>;
              tryTo(() => attack(stale as ReturnType<typeof make>));
              throw new Error('source is down');
            },
            ttl: '1m',
            staleIfError: '1h',
            nearTtl: '2h',
            jitter: 0,
            sharing,
          });
          const clean = source();
          const read = async (): Promise<ReturnType<typeof make>> => await fleet.wait(users.get('a'));
          const first = await read();
          await fleet.runtime.settle();
          tryTo(() => attack(first));
          tryTo(() => attack(loaded as ReturnType<typeof make>));
          for (let hit = 0; hit < 4; hit++) {
            const value = await read();
            expect(value).toEqual(clean);
            tryTo(() => attack(value));
            tryTo(() => attack(users.peek('a') as ReturnType<typeof make>));
          }
          const { value } = await fleet.wait(users.entry('a'));
          tryTo(() => attack(value!));
          await fleet.runtime.advance(61_000);
          expect(await read()).toEqual(clean);
          // The loader was given the old value, and attacked it.
          expect(stale).toBeDefined();
          expect(await read()).toEqual(clean);
        });
      }
    }
  }

  test('the first caller gets the same frozen value as the later ones', async () => {
    const fleet = new Fleet();
    const users = fleet.join().shop.define('value', { load: (id: string) => ({ id, list: [1] }), ttl: '1m' });
    const first = await fleet.wait(users.get('a'));
    expect(await fleet.wait(users.get('a'))).toBe(first);
    expect(users.peek('a')).toBe(first);
    expect([Object.isFrozen(first), Object.isFrozen(first.list)]).toEqual([true, true]);
  });

  test('callers of one flight do not share what cannot be frozen', async () => {
    const fleet = new Fleet();
    const users = fleet.join().shop.define('value', { load: () => Buffer.from('abc'), ttl: '1m' });
    const [first, second] = await fleet.wait(Promise.all([users.get('a' as never), users.get('a' as never)]));
    first!.fill(0);
    expect(String(second)).toBe('abc');
    const scoped = fleet.join().shop;
    const buffers = scoped.define<string, Buffer>('value', { load: () => Buffer.from('abc'), ttl: '1m' });
    const seen = scoped.request(async () => {
      (await buffers.get('a')).fill(0);
      return String(await buffers.get('a'));
    });
    expect(await fleet.wait(seen)).toBe('abc');
  });

  test("with sharing 'shared' all get the one live value", async () => {
    const fleet = new Fleet();
    const live = { changed: false };
    const users = fleet.join().shop.define('value', { load: () => live, ttl: '1m', sharing: 'shared' });
    const first = await fleet.wait(users.get('a' as never));
    first.changed = true;
    expect(users.peek('a' as never)).toBe(live);
  });
});

describe('what cannot be kept', () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const bad: Record<string, unknown> = {
    'a function': () => 1,
    'a symbol': Symbol('x'),
    'a function inside': { deep: [{ fn: () => 1 }] },
    'a circle': circle,
    'a class instance': new (class Money {
      amount = 1;
    })(),
    'a getter': {
      get surprise() {
        return 1;
      },
    },
  };
  for (const [name, value] of Object.entries(bad)) {
    test(`${name}: a coded error from set, before anything is changed; get loads and keeps nothing`, async () => {
      const fleet = new Fleet();
      let loads = 0;
      const users = fleet.join().shop.define<string, unknown>('value', {
        load: () => {
          loads++;
          return value;
        },
        ttl: '1m',
      });
      await fleet.wait(users.set('a', 'before'));
      const error = await fleet.outcome(users.set('a', value));
      expect(codeOf(error)).toBe('CISTERN_UNSTORABLE');
      expect((error as Error).message).toMatch(/cache 'value'.*value/);
      expect(await fleet.wait(users.get('a'))).toBe('before');
      expect(await fleet.wait(users.get('b'))).toBe(value);
      await fleet.runtime.settle();
      expect(await fleet.wait(users.get('b'))).toBe(value);
      expect([loads, users.stats().notKept]).toEqual([2, 2]);
    });
  }

  test('over maxValueBytes: a coded error from set, with the numbers; get loads and keeps nothing', async () => {
    const fleet = new Fleet();
    const large = 'x'.repeat(2000);
    const users = fleet.join().shop.define<string, string>('value', {
      load: () => large,
      ttl: '1m',
      maxValueBytes: '1kb',
    });
    await fleet.wait(users.set('a', 'before'));
    const error = await fleet.outcome(users.set('a', large));
    expect(codeOf(error)).toBe('CISTERN_TOO_LARGE');
    expect((error as Error).message).toMatch(/20\d\d bytes.*1024.*maxValueBytes/);
    expect(await fleet.wait(users.get('a'))).toBe('before');
    expect(await fleet.wait(users.get('b'))).toBe(large);
    await fleet.runtime.settle();
    expect(users.peek('b')).toBeUndefined();
  });

  test('over maxValueBytes in a cache without a remote tier: a coded error from set, too', async () => {
    const users = new Fleet().join().shop.define<string, string>('value', {
      load: () => 'small',
      ttl: '1m',
      remote: false,
      maxValueBytes: '1kb',
    });
    await expect(users.set('a', 'x'.repeat(2000))).rejects.toMatchObject({ code: 'CISTERN_TOO_LARGE' });
  });

  test("what ttl calls 'skip' is answered and kept nowhere; set with it removes the entry", async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const users = shop.define<string, string>('value', {
      load: () => 'skip me',
      ttl: (value) => (value === 'skip me' ? 'skip' : '1m'),
    });
    expect(await fleet.wait(users.get('a'))).toBe('skip me');
    await fleet.runtime.settle();
    expect(users.peek('a')).toBeUndefined();
    expect(wire.entries('set')).toHaveLength(0);
    await fleet.wait(users.set('a', 'keep me'));
    expect(users.peek('a')).toBe('keep me');
    await fleet.wait(users.set('a', 'skip me'));
    expect(users.peek('a')).toBeUndefined();
    expect(await fleet.wait(users.get('a'))).toBe('skip me');
  });

  test('notFound with negativeTtl 0 is answered and not kept', async () => {
    const fleet = new Fleet();
    let loads = 0;
    const { shop, wire } = fleet.join();
    const load = () => {
      loads++;
      return notFound;
    };
    const never = shop.define<string, typeof notFound>('never', { load, ttl: '1m', negativeTtl: 0 });
    for (let read = 0; read < 3; read++) expect(await fleet.wait(never.get('a'))).toBeUndefined();
    expect([loads, wire.entries('set').length]).toEqual([3, 0]);
    const some = shop.define<string, typeof notFound>('some', {
      load,
      ttl: '1m',
      negativeTtl: '2s',
      jitter: 0,
    });
    for (let read = 0; read < 3; read++) expect(await fleet.wait(some.get('a'))).toBeUndefined();
    expect(loads).toBe(4);
    await fleet.runtime.advance(2000);
    await fleet.wait(some.get('a'));
    expect(loads).toBe(5);
  });
});

/** An attack on a frozen value throws; on a copy it succeeds; neither may reach the cache. */
function tryTo(attack: () => unknown): void {
  try {
    attack();
  } catch {
    return;
  }
}
