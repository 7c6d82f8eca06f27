import { describe, expect, test } from 'vitest';
import { type Cistern, memory } from '../../src/index.ts';
import { fakeRuntime } from '../../src/testing.ts';
import { sleep, Wire } from './fleet.ts';
import { path, Restart } from './restart.ts';

describe('the clocks', () => {
  const define = (shop: Cistern, more: object = {}) =>
    shop.define('user', { load: (): string => 'loaded', ttl: '10s', jitter: 0, refreshAhead: 0, ...more });

  test.each([
    [0, 4000],
    [1500, 2500],
    [3999, 1],
    // Backwards: the restart took no time, and the life that was left is what is left.
    [-5000, 4000],
    [-86_400_000, 4000],
  ])('%d ms later an entry with 4 s left has %d ms left', async (later, left) => {
    const before = new Restart();
    const users = define(before.shop);
    await users.set(1, 'saved');
    await before.runtime.advance(6000);
    await before.save();
    const { shop, runtime } = before.next({}, later);
    const after = define(shop);
    await runtime.until(shop.restoreNear(path));
    expect(await runtime.until(after.entry(1))).toMatchObject({ value: 'saved', expiresIn: left });
    await runtime.advance(left);
    expect(await runtime.until(after.get(1))).toBe('loaded');
  });

  test('the time that the save took counts: no clock that goes backwards gives it back', async () => {
    const before = new Restart();
    const users = define(before.shop);
    // Blocks are written one by one, and each takes its time.
    const { files } = before.runtime;
    (before.runtime as { files: typeof files }).files = {
      ...files,
      draft: async (name) => {
        const draft = await files.draft(name);
        return {
          ...draft,
          write: async (content) => {
            await sleep(before.runtime, 500);
            await draft.write(content);
          },
        };
      },
    };
    for (let id = 0; id < 10; id++) await users.set(id, `${id}`.repeat(70_000));
    await users.set(10, 'last');
    await before.save();
    expect(before.runtime.clock.read()).toBeGreaterThan(1_005_000);
    const took = before.runtime.clock.read() - 1_000_000;
    const { shop, runtime } = before.next({}, -1_000_000);
    const after = define(shop);
    await runtime.until(shop.restoreNear(path));
    // But for the last write, that of the end.
    for (const id of [0, 5, 10]) expect((await after.entry(id)).expiresIn).toBe(10_000 - took + 500);
  });
});

describe('with a remote tier', () => {
  /** Two processes, one after the other, and the store that both use. */
  async function twoLives(
    more: object,
    meanwhile: (server: ReturnType<typeof memory>, shop: Cistern) => Promise<unknown> = async () => undefined,
  ) {
    const world = fakeRuntime({ seed: 9 });
    const server = memory({ runtime: world });
    const before = new Restart({ remote: server }, world);
    const define = (shop: Cistern, answer: string) =>
      shop.define('user', {
        load: (): string | Promise<string> => (answer === '' ? Promise.reject(new Error('source')) : answer),
        ttl: '1h',
        jitter: 0,
        nearTtl: '10m',
        ...more,
      });
    const users = define(before.shop, 'old');
    await world.until(users.get(1));
    await world.settle();
    await before.save();
    await world.until(meanwhile(server, before.shop));
    // The same clock: it is the store's, too.
    const wire = new Wire(server, world);
    const next = new Restart({ remote: wire }, world);
    return {
      world,
      wire,
      next,
      define,
      restored: async () => await world.until(next.shop.restoreNear(path)),
    };
  }

  test('what was restored is not answered before the remote tier has confirmed it', async () => {
    const { world, wire, next, define, restored } = await twoLives({ staleIfError: '1h' });
    const users = define(next.shop, 'new');
    expect(await restored()).toMatchObject({ restored: 1 });
    expect(users.peek(1)).toBeUndefined();
    expect(wire.entries('get')).toHaveLength(0);
    expect(await world.until(users.entry(1))).toMatchObject({ value: 'old', tier: 'remote', status: 'hit' });
    expect(wire.entries('get')).toHaveLength(1);
    expect(users.peek(1)).toBe('old');
  });

  test('it is what is left when neither the remote tier nor the source can answer', async () => {
    const { world, wire, next, define, restored } = await twoLives({ staleIfError: '1h' });
    const users = define(next.shop, '');
    wire.frozen = true;
    expect(await restored()).toMatchObject({ restored: 1 });
    expect(await world.until(users.entry(1))).toMatchObject({ value: 'old', status: 'stale', tier: 'near' });
  });

  test('without a stale span it would never be answered, and does not come back', async () => {
    const { next, define, restored } = await twoLives({});
    define(next.shop, 'new');
    expect(await restored()).toMatchObject({ restored: 0, skipped: 1 });
  });

  test('what another process deleted meanwhile is not answered', async () => {
    const { world, next, define, restored } = await twoLives({ staleIfError: '1h' }, async (server) => {
      const elsewhere = new Restart({ remote: server }, fakeRuntime({ seed: 3 }));
      await other(elsewhere.shop).delete(1);
    });
    const users = define(next.shop, 'new');
    expect(await restored()).toMatchObject({ restored: 1 });
    expect(await world.until(users.get(1))).toBe('new');
  });

  test('what was cleared meanwhile, or lost by the server, does not come back', async () => {
    const { next, define, restored } = await twoLives({ staleIfError: '1h' }, async (server) => {
      const elsewhere = new Restart({ remote: server }, fakeRuntime({ seed: 3 }));
      await other(elsewhere.shop).clear();
    });
    define(next.shop, 'new');
    expect(await restored()).toMatchObject({ restored: 0, skipped: 1, unknown: [] });
  });

  test('what was cleared while the remote tier could not be asked goes as soon as it can', async () => {
    const { world, wire, next, define, restored } = await twoLives({ staleIfError: '1h' }, async (server) => {
      const elsewhere = new Restart({ remote: server }, fakeRuntime({ seed: 3 }));
      await other(elsewhere.shop).clear();
    });
    const users = define(next.shop, '');
    const further = define2(next.shop);
    wire.frozen = true;
    expect(await restored()).toMatchObject({ restored: 1 });
    expect(await world.until(users.get(1))).toBe('old');
    wire.frozen = false;
    await world.until(further.get(2));
    await world.settle();
    expect(users.stats().near.entries).toBe(0);
    expect(further.peek(2)).toBe('further');
    wire.frozen = true;
    await expect(world.until(users.get(1))).rejects.toThrow('source');
  });

  function define2(shop: Cistern) {
    return shop.define('further', { load: (id: number): string => (id === 2 ? 'further' : ''), ttl: '1h' });
  }

  function other(shop: Cistern) {
    return shop.define('user', { load: (): string => 'other', ttl: '1h', staleIfError: '1h' });
  }
});
