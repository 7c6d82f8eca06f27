import { describe, expect, test } from 'vitest';
import { Fleet, sleep, Source } from './fleet.ts';

const tiers = { none: { enabled: false }, near: { remote: undefined as never }, both: {} } as const;

function shopOf(fleet: Fleet, tier: keyof typeof tiers) {
  const { shop, wire } = fleet.join(tiers[tier]);
  const source = new Source();
  source.values.set('a', 'first');
  // Kept nowhere longer than a moment: only the scope makes the second read the same.
  const users = shop.define('user', { load: source.load, ttl: 1, jitter: 0, refreshAhead: 0 });
  return { shop, wire, source, users };
}

describe('a request scope', () => {
  for (const tier of ['none', 'near', 'both'] as const) {
    test(`reads each key at most once (tiers: ${tier})`, async () => {
      const fleet = new Fleet();
      const { shop, source, users } = shopOf(fleet, tier);
      const seen = await fleet.wait(
        shop.request(async () => {
          const first = await users.get('a');
          source.values.set('a', 'second');
          await sleep(fleet.runtime, 10_000);
          const many = await users.getMany(['a']);
          const { value } = await users.entry('a', { signal: new AbortController().signal });
          const nested = await shop.request(async () => await users.get('a'));
          return [first, await users.get('a'), many.get('a'), value, nested];
        }),
      );
      expect(seen).toEqual(Array.from({ length: 5 }, () => 'first'));
      expect(source.loads).toBe(1);
    });

    test(`shares nothing with another that runs at the same time (tiers: ${tier})`, async () => {
      const fleet = new Fleet();
      const { shop, source, users } = shopOf(fleet, tier);
      const gate = Promise.withResolvers<void>();
      const one = shop.request(async () => {
        const first = await users.get('a');
        await gate.promise;
        return [first, await users.get('a')];
      });
      await fleet.runtime.advance(1000);
      source.values.set('a', 'second');
      const two = shop.request(async () => {
        const first = await users.get('a');
        gate.resolve();
        await sleep(fleet.runtime, 10);
        return [first, await users.get('a')];
      });
      expect(await fleet.wait(two)).toEqual(['second', 'second']);
      expect(await fleet.wait(one)).toEqual(['first', 'first']);
    });
  }

  test('reads each key once though the first call has a signal or a deadline', async () => {
    const fleet = new Fleet();
    const { shop, source, users } = shopOf(fleet, 'none');
    await fleet.wait(
      shop.request(async () => {
        const { signal } = new AbortController();
        await users.get('a', { signal, deadline: '1s' });
        await users.get('a', { signal });
        await users.get('a');
      }),
    );
    expect(source.loads).toBe(1);
  });

  test('does not remember a failure', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join({ enabled: false });
    let loads = 0;
    const users = shop.define<string, string>('user', {
      load: () => (++loads === 1 ? Promise.reject(new Error('once')) : 'value'),
      ttl: '1m',
    });
    const seen = shop.request(async () => {
      const first = await users.get('a').catch((error: unknown) => (error as Error).message);
      return [first, await users.get('a'), await users.get('a')];
    });
    expect(await fleet.wait(seen)).toEqual(['once', 'value', 'value']);
    expect(loads).toBe(2);
  });

  for (const way of ['set', 'delete', 'expire', 'refresh', 'mutate', 'clear'] as const) {
    test(`drops what a ${way} inside it changes, also what was read meanwhile`, async () => {
      const fleet = new Fleet();
      const { shop, wire, source, users } = shopOf(fleet, 'both');
      const change = async (): Promise<unknown> => {
        if (way === 'set') return await users.set('a', 'second');
        if (way === 'clear') return await users.clear();
        if (way === 'mutate') return await users.mutate('a', () => undefined);
        return await users[way]('a');
      };
      const seen = shop.request(async () => {
        const first = await users.get('a');
        source.values.set('a', 'second');
        wire.fate = (operation) => (operation.kind === 'get' ? { after: 5 } : { before: 10, after: 10 });
        const changed = change();
        const meanwhile = users.get('a');
        await changed;
        await meanwhile;
        await sleep(fleet.runtime, 100);
        return [first, await users.get('a')];
      });
      expect(await fleet.wait(seen)).toEqual(['first', 'second']);
    });
  }

  test('is over when its body is: work that goes on afterwards reads the caches', async () => {
    const fleet = new Fleet();
    const { shop, source, users } = shopOf(fleet, 'both');
    const later: string[] = [];
    const over = Promise.withResolvers<void>();
    await fleet.wait(
      shop.request(async () => {
        await users.get('a');
        // As a poller that the first request of a process happens to start.
        void sleep(fleet.runtime, 1000).then(async () => {
          later.push(await users.get('a'));
          over.resolve();
        });
      }),
    );
    source.values.set('a', 'second');
    const other = shop.request(async () => await over.promise);
    await fleet.wait(other);
    expect(later).toEqual(['second']);
  });

  test('passes on what its body answers and throws', async () => {
    const fleet = new Fleet();
    const { shop } = shopOf(fleet, 'both');
    expect(await shop.request(() => 5)).toBe(5);
    await expect(
      shop.request(() => {
        throw new Error('mine');
      }),
    ).rejects.toThrow('mine');
  });
});
