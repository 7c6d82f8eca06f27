import { describe, expect, test } from 'vitest';
import { notFound } from '../../src/index.ts';
import { codeOf, Fleet, sleep } from './fleet.ts';

/** A source that can be switched off, and counts. */
function fragile(fleet: Fleet, delay = 0) {
  const source = { down: true, loads: 0, value: 'new', error: new Error('source is down') };
  const load = async (id: string): Promise<string> => {
    source.loads++;
    if (delay > 0) await sleep(fleet.runtime, delay);
    if (source.down && id !== 'up') throw source.error;
    return source.value;
  };
  return { source, load };
}

const tiers = {
  near: { remote: undefined as never },
  remote: { near: false },
  both: {},
} as const;

describe('a loader failure', () => {
  for (const [tier, options] of Object.entries(tiers)) {
    test(`runs once per flight and rejects all its waiters with the same error (${tier})`, async () => {
      const fleet = new Fleet();
      const { source, load } = fragile(fleet, 50);
      const users = fleet.join(options).shop.define('user', { load, ttl: '5m' });
      const settled = fleet.wait(Promise.allSettled(Array.from({ length: 5000 }, () => users.get('a'))));
      const reasons = (await settled).map((each) => (each.status === 'rejected' ? each.reason : each.value));
      expect(reasons.every((reason) => reason === source.error)).toBe(true);
      expect(source.loads).toBe(1);
    });

    test(`serves the stale value within staleIfError, and says why (${tier})`, async () => {
      const fleet = new Fleet();
      const { source, load } = fragile(fleet);
      const users = fleet.join(options).shop.define('user', {
        load,
        ttl: '1m',
        staleIfError: '10m',
        jitter: 0,
      });
      await fleet.wait(users.set('a', 'old'));
      await fleet.runtime.advance(61_000);
      const entry = await fleet.wait(users.entry('a'));
      expect(entry).toMatchObject({ value: 'old', status: 'stale', error: source.error });
      expect(entry.age).toBe(61_000);
      expect(entry.expiresIn).toBe(-1000);
      await fleet.runtime.advance(600_000);
      expect(await fleet.outcome(users.get('a'))).toBe(source.error);
    });

    test(`opens a retry window: a dead source is not asked by every request (${tier})`, async () => {
      const fleet = new Fleet();
      const { source, load } = fragile(fleet);
      const spans = { ttl: '1m', staleIfError: '10m', retryAfterError: '5s', jitter: 0 } as const;
      for (const staleWhileRevalidate of [0, '10m'] as const) {
        const name = `user${staleWhileRevalidate}`;
        const users = fleet.join(options).shop.define(name, { load, ...spans, staleWhileRevalidate });
        await fleet.wait(users.set('a', 'old'));
        source.loads = 0;
        await fleet.runtime.advance(61_000);
        for (let second = 0; second < 20; second++) {
          for (let read = 0; read < 5; read++) expect(await fleet.wait(users.get('a'))).toBe('old');
          await fleet.runtime.advance(1000);
        }
        expect(source.loads).toBeGreaterThanOrEqual(3);
        expect(source.loads).toBeLessThanOrEqual(5);
        source.down = false;
        await fleet.runtime.advance(5000);
        await fleet.wait(users.get('a'));
        await fleet.runtime.settle();
        expect(await fleet.wait(users.get('a'))).toBe('new');
        source.down = true;
      }
    });

    test(`opens a retry window that a change or a load that succeeds closes (${tier})`, async () => {
      const fleet = new Fleet();
      const { source, load } = fragile(fleet);
      const users = fleet.join(options).shop.define('user', {
        load,
        ttl: '1s',
        staleIfError: '10m',
        retryAfterError: '5m',
        jitter: 0,
      });
      for (const close of [
        async () => await users.set('a', 'set'),
        async () => await users.delete('a').then(async () => await users.set('a', 'set')),
        async () => await users.refresh('a'),
      ]) {
        source.down = true;
        await fleet.wait(users.set('a', 'old'));
        await fleet.runtime.advance(2000);
        await fleet.wait(users.get('a'));
        source.loads = 0;
        expect(await fleet.wait(users.get('a'))).toBe('old');
        expect(source.loads).toBe(0);
        source.down = false;
        await fleet.wait<unknown>(close());
        await fleet.runtime.advance(2000);
        expect(await fleet.wait(users.get('a'))).toBe('new');
      }
    });

    test(`never deletes or overwrites an entry (${tier})`, async () => {
      const fleet = new Fleet();
      const { source, load } = fragile(fleet);
      const users = fleet.join(options).shop.define('user', { load, ttl: '5m', staleIfError: '1h' });
      await fleet.wait(users.set('a', 'old'));
      expect(await fleet.outcome(users.refresh('a'))).toBe(source.error);
      expect(await fleet.wait(users.entry('a'))).toMatchObject({ value: 'old', status: 'hit' });
      source.error = notFound as never;
      expect(codeOf(await fleet.outcome(users.refresh('a')))).toBe('CISTERN_LOAD_FAILED');
      expect(await fleet.wait(users.get('a'))).toBe('old');
    });

    test(`of a refresh does not take the stale value from a get that waits for it (${tier})`, async () => {
      const fleet = new Fleet();
      const { source, load } = fragile(fleet, 50);
      const users = fleet.join(options).shop.define('user', {
        load,
        ttl: '1m',
        staleIfError: '10m',
        jitter: 0,
      });
      await fleet.wait(users.set('a', 'old'));
      await fleet.runtime.advance(61_000);
      const refreshed = fleet.outcome(users.refresh('a'));
      await fleet.runtime.settle();
      const got = fleet.outcome(users.get('a'));
      expect(await refreshed).toBe(source.error);
      expect(await got).toBe('old');
    });

    test(`that comes after staleIfError has ended does not serve what is older (${tier})`, async () => {
      const fleet = new Fleet();
      const { source, load } = fragile(fleet, 5000);
      const users = fleet.join(options).shop.define('user', {
        load,
        ttl: '1m',
        staleIfError: '2s',
        jitter: 0,
      });
      await fleet.wait(users.set('a', 'old'));
      await fleet.runtime.advance(61_000);
      // Stale enough when it is asked, too old when the source fails.
      expect(await fleet.outcome(users.get('a'))).toBe(source.error);
    });
  }

  test('that is no Error is one for the caller: a coded one', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join();
    for (const [index, thrown] of [undefined, null, 'text', 0, notFound].entries()) {
      const users = shop.define<string, string>(`user${index}`, {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors
        load: () => Promise.reject(thrown as unknown as Error),
        ttl: '5m',
      });
      const settled = await fleet.wait(Promise.allSettled([users.get('a'), users.get('a'), users.get('a')]));
      expect(settled.map((each) => each.status)).toEqual(['rejected', 'rejected', 'rejected']);
      const [first, second] = settled as PromiseRejectedResult[];
      expect(codeOf(first!.reason)).toBe('CISTERN_LOAD_FAILED');
      expect(first!.reason).toBe(second!.reason);
      expect((first!.reason as Error).cause).toBe(thrown);
    }
  });

  test('thrown synchronously is the same as a rejection', async () => {
    const fleet = new Fleet();
    const error = new Error('at once');
    const users = fleet.join().shop.define<string, string>('user', {
      load: () => {
        throw error;
      },
      ttl: '5m',
    });
    expect(await fleet.outcome(users.get('a'))).toBe(error);
  });

  test('can be followed at once by another try, which gets its own answer', async () => {
    for (const options of Object.values(tiers)) {
      const fleet = new Fleet();
      const { shop } = fleet.join(options);
      let loads = 0;
      const users = shop.define<string, string>('user', {
        load: () => (++loads % 2 === 1 ? Promise.reject(new Error('odd')) : `load ${loads}`),
        ttl: '5m',
      });
      const tries: (() => Promise<unknown>)[] = [
        () => users.get('a').catch(() => users.get('a')),
        () => users.entry('b').catch(() => users.entry('b')),
        () => users.getMany(['c']).catch(() => users.getMany(['c'])),
        () => users.refresh('d').catch(() => users.refresh('d')),
        () => shop.request(async () => await users.get('e').catch(() => users.get('e'))),
        () => shop.getOrSet('f', { ttl: 1 }, () => ++loads).catch(() => undefined),
      ];
      for (const attempt of tries) expect(await fleet.wait(attempt())).toBeDefined();
    }
  });

  test('is no failure of a tier: the next get loads again', async () => {
    const fleet = new Fleet();
    const { source, load } = fragile(fleet);
    const users = fleet.join().shop.define('user', { load, ttl: '5m' });
    expect(await fleet.outcome(users.get('a'))).toBe(source.error);
    source.down = false;
    expect(await fleet.wait(users.get('a'))).toBe('new');
    expect(users.stats()).toMatchObject({ loads: 2, loadErrors: 1 });
  });

  test('leaves a fresh entry alone that is refreshed ahead of its time', async () => {
    const fleet = new Fleet(3);
    const { source, load } = fragile(fleet, 2000);
    const { shop } = fleet.join({ remote: undefined as never });
    const users = shop.define('user', { load, ttl: '10s', jitter: 0, refreshAhead: 100 });
    source.down = false;
    await fleet.wait(users.get('a'));
    source.down = true;
    const loads = source.loads;
    for (let step = 0; step < 99; step++) {
      expect(await fleet.wait(users.get('a'))).toBe('new');
      await fleet.runtime.advance(100);
    }
    expect(source.loads - loads).toBeGreaterThanOrEqual(1);
    expect(source.loads - loads).toBeLessThanOrEqual(3);
  });

  for (const staleIfError of [0, '1h'] as const) {
    test(`does not bring back what another process has deleted (staleIfError ${staleIfError})`, async () => {
      const fleet = new Fleet();
      const { source, load } = fragile(fleet);
      const define = { load, ttl: '5m', staleIfError, nearTtl: '2s' } as const;
      const [one, other] = [fleet.join(), fleet.join()].map(({ shop }) => shop.define('user', define));
      await fleet.wait(one!.set('a', 'deleted elsewhere'));
      expect(await fleet.wait(other!.delete('a'))).toEqual({ confirmed: true });
      // Within nearTtl the near copy is answered, and no longer.
      expect(await fleet.wait(one!.get('a'))).toBe('deleted elsewhere');
      await fleet.runtime.advance(2000);
      expect(await fleet.outcome(one!.get('a'))).toBe(source.error);
    });
  }

  test('does not bring it back for those who join a load that began after the delete', async () => {
    const fleet = new Fleet();
    const { source, load } = fragile(fleet, 300);
    const define = { load, ttl: '5m', staleIfError: '1h', nearTtl: '2s' } as const;
    const [one, other] = [fleet.join(), fleet.join()].map(({ shop }) => shop.define('user', define));
    await fleet.wait(one!.set('a', 'deleted elsewhere'));
    await fleet.wait(other!.delete('a'));
    await fleet.runtime.advance(2000);
    for (const begin of [() => one!.get('a'), () => one!.refresh('a')]) {
      const first = begin().catch((error: unknown) => error);
      await fleet.runtime.advance(100);
      const joined = one!.get('a').catch((error: unknown) => error);
      expect(await fleet.wait(Promise.all([first, joined]))).toEqual([source.error, source.error]);
    }
  });

  test('of a refresh answers a get that waits for it with the newest copy there is, not its own older one', async () => {
    const fleet = new Fleet();
    const { source, load } = fragile(fleet, 300);
    const define = { load, ttl: '5m', staleIfError: '1h', nearTtl: '2s' } as const;
    const [a, b] = [fleet.join(), fleet.join()];
    const [one, other] = [a, b].map(({ shop }) => shop.define('user', define));
    await fleet.wait(one!.set('a', 'older'));
    await fleet.wait(other!.set('a', 'newer'));
    await fleet.runtime.advance(2000);
    a.wire.fate = (operation) => (operation.kind === 'get' ? { after: 50 } : undefined);
    const refreshed = one!.refresh('a').catch((error: unknown) => error);
    await fleet.runtime.advance(10);
    const joined = one!.get('a');
    expect(await fleet.wait(Promise.all([refreshed, joined]))).toEqual([source.error, 'newer']);
  });

  test('with a remote tier that is down too: only a stale span allows a copy older than nearTtl', async () => {
    for (const staleIfError of [0, '1h'] as const) {
      const fleet = new Fleet();
      const { source, load } = fragile(fleet);
      const { shop, wire } = fleet.join();
      const users = shop.define('user', { load, ttl: '5m', staleIfError, nearTtl: '2s' });
      await fleet.wait(users.set('a', 'old'));
      wire.fate = () => ({ fail: 'unsent' });
      await fleet.runtime.advance(2000);
      const answer = await fleet.outcome(users.get('a'));
      expect(answer).toBe(staleIfError === 0 ? source.error : 'old');
    }
  });
});
