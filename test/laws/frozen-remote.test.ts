import { describe, expect, test } from 'vitest';
import { nothing } from '../../src/index.ts';
import { codeOf, Fleet, sleep, Source } from './fleet.ts';

const states = {
  'accepts and never answers': (wire: { frozen: boolean }) => void (wire.frozen = true),
  'refuses at once': (wire: { fate: unknown }) => void (wire.fate = () => ({ fail: 'unsent' })),
  'answers after its deadline': (wire: { fate: unknown }) => void (wire.fate = () => ({ after: 5000 })),
};

for (const [state, begin] of Object.entries(states)) {
  describe(`a remote tier that ${state}`, () => {
    async function broken(options: object = {}) {
      const fleet = new Fleet();
      const { shop, wire } = fleet.join({ remoteTimeout: '1s' });
      const source = new Source();
      const users = shop.define('user', {
        load: async (id: string, context: { readonly signal: AbortSignal }) => {
          await sleep(fleet.runtime, 20);
          return await source.load(id, context);
        },
        ttl: '1m',
        staleWhileRevalidate: '1h',
        staleIfError: '2h',
        nearTtl: '2h',
        jitter: 0,
        refreshAhead: 0,
        ...options,
      });
      for (const id of ['a', 'b', 'c']) source.values.set(id, `old ${id}`);
      await fleet.wait(users.get('a'));
      await fleet.runtime.advance(10);
      begin(wire);
      for (const id of ['a', 'b', 'c']) source.values.set(id, `new ${id}`);
      const timed = async <T>(work: Promise<T>): Promise<[T, number]> => {
        const started = fleet.runtime.clock.read();
        return [await fleet.wait(work), fleet.runtime.clock.read() - started];
      };
      return { fleet, shop, wire, source, users, timed };
    }

    test('fresh near hits are answered in no time', async () => {
      const { users, timed } = await broken();
      expect(await timed(users.get('a'))).toEqual(['old a', 0]);
      expect(await timed(users.getMany(['a']))).toEqual([new Map([['a', 'old a']]), 0]);
    });

    test('stale near hits are answered in no time, and reloaded behind', async () => {
      const { fleet, users, timed } = await broken();
      await fleet.runtime.advance(61_000);
      expect(await timed(users.get('a'))).toEqual(['old a', 0]);
      await fleet.runtime.advance(1100);
      expect(await timed(users.get('a'))).toEqual(['new a', 0]);
    });

    test('a cold key is answered in the remote timeout and the time of a load', async () => {
      const { fleet, users, timed } = await broken();
      await fleet.runtime.advance(10_000);
      const [value, took] = await timed(users.get('b'));
      expect(value).toBe('new b');
      expect(took).toBeLessThanOrEqual(1000 + 10 + 20);
      // And from then on by the near tier.
      expect(await timed(users.get('b'))).toEqual(['new b', 0]);
    });

    test('so is a cold process, which does not know the record', async () => {
      const { fleet, wire, timed } = await broken();
      const cold = fleet.join({ remoteTimeout: '1s' });
      begin(cold.wire);
      const users = cold.shop.define('user', {
        load: async (id: string) => await Promise.resolve(id),
        ttl: '1m',
      });
      const [value, took] = await timed(users.get('b'));
      expect(value).toBe('b');
      expect(took).toBeLessThanOrEqual(1010);
      expect(wire.frozen || cold.wire.asked.length > 0).toBe(true);
    });

    test('changes end soon and say that they are not confirmed', async () => {
      const { users, timed } = await broken();
      for (const change of [
        () => users.delete('a'),
        () => users.expire('b'),
        () => users.set('c', 'set'),
        () => users.clear(),
        () => users.mutate('a', () => undefined),
      ]) {
        const [answer, took] = await timed(change());
        expect(answer).toMatchObject({ confirmed: false });
        expect(took).toBeLessThanOrEqual(2100);
      }
      // This process at least sees its own change.
      expect(await timed(users.delete('a'))).toBeDefined();
      expect((await timed(users.get('a')))[0]).toBe('new a');
    });

    test('request scopes, refresh and warm work without it', async () => {
      const { fleet, shop, users } = await broken();
      expect(await fleet.wait(shop.request(async () => await users.get('b')))).toBe('new b');
      expect(await fleet.wait(users.refresh('a'))).toBe('new a');
      expect(await fleet.wait(users.warm(['b', 'c']))).toEqual({ warmed: 2, failed: 0 });
    });

    test('loads stay one per key and process', async () => {
      const { fleet, source, users } = await broken();
      const before = source.loads;
      await fleet.wait(Promise.all(Array.from({ length: 500 }, () => users.get('b'))));
      expect(source.loads - before).toBe(1);
    });

    test('with a source that is down too: the stale value, else its error', async () => {
      const { fleet, source, users, timed } = await broken({ staleWhileRevalidate: 0 });
      source.load satisfies unknown;
      await fleet.runtime.advance(61_000);
      source.values.clear();
      const failing = fleet.join({ remoteTimeout: '1s' });
      begin(failing.wire);
      const down = failing.shop.define<string, string>('user', {
        load: () => Promise.reject(new Error('down')),
        ttl: '1m',
      });
      expect(await fleet.outcome(down.get('x'))).toEqual(new Error('down'));
      const [value, took] = await timed(
        users.get('a', { deadline: 900 }).catch((error: unknown) => codeOf(error)),
      );
      expect([value, took <= 900]).toEqual([undefined, true]);
    });
  });
}

test('a remote tier that keeps nothing is like none: the near tier keeps its entries', async () => {
  const fleet = new Fleet();
  const { shop } = fleet.join({ remote: nothing({ runtime: fleet.runtime }) });
  const users = shop.define('user', { load: (id: string) => id, ttl: '1m', nearTtl: '30s', jitter: 0 });
  await fleet.wait(users.getMany(['a', 'b']));
  await fleet.runtime.settle();
  await fleet.runtime.advance(29_000);
  expect([users.peek('a'), users.peek('b')]).toEqual(['a', 'b']);
  expect(await fleet.wait(users.set('c', 'set'))).toMatchObject({ confirmed: false });
  expect(await fleet.wait(users.get('c'))).toBe('set');
});

test('real time: with a remote tier that never answers, near hits take less than a millisecond', async () => {
  const { cistern } = await import('../../src/index.ts');
  const shop = cistern({
    name: 'shop',
    remoteTimeout: 20,
    remote: {
      name: 'frozen',
      parts: [],
      execute: () => new Promise(() => undefined),
      close: async () => undefined,
    },
  });
  const users = shop.define('user', {
    load: (id: number) => ({ id }),
    ttl: 60,
    jitter: 0,
    refreshAhead: 0,
    staleWhileRevalidate: '1h',
    nearTtl: '1h',
  });
  await users.get(1);
  const durations: number[] = [];
  const until = performance.now() + 200;
  while (performance.now() < until) {
    const started = performance.now();
    // oxlint-disable-next-line no-await-in-loop
    await users.get(1);
    durations.push(performance.now() - started);
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  durations.sort((left, right) => left - right);
  expect(durations.length).toBeGreaterThan(20);
  expect(durations[Math.floor(durations.length * 0.9)]).toBeLessThan(1);
  await shop.close();
});
