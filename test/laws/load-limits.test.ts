import { describe, expect, test } from 'vitest';
import { codeOf, Fleet, sleep } from './fleet.ts';

function slow(fleet: Fleet, milliseconds: number) {
  const state = { running: 0, most: 0, loads: 0, starts: [] as number[] };
  const load = async (id: string): Promise<string> => {
    state.loads++;
    state.starts.push(fleet.runtime.clock.read());
    state.most = Math.max(state.most, ++state.running);
    await sleep(fleet.runtime, milliseconds);
    state.running--;
    return id;
  };
  return { state, load };
}

const many = Array.from({ length: 200 }, (_, index) => `id ${index}`);

describe('loads are limited per cache', () => {
  test('at once', async () => {
    const fleet = new Fleet();
    const { state, load } = slow(fleet, 100);
    const users = fleet.join().shop.define('user', { load, ttl: '5m', loads: { concurrent: 7 } });
    expect(await fleet.wait(users.getMany(many))).toEqual(new Map(many.map((id) => [id, id])));
    expect([state.most, state.loads]).toEqual([7, 200]);
  });

  test('per second', async () => {
    const fleet = new Fleet();
    const { state, load } = slow(fleet, 1);
    const users = fleet
      .join()
      .shop.define('user', { load, ttl: '5m', deadline: '1m', loads: { perSecond: 20 } });
    await fleet.wait(users.getMany(many));
    for (const start of state.starts) {
      const within = state.starts.filter((other) => other > start - 1000 && other <= start).length;
      // A second's worth may be saved up.
      expect(within).toBeLessThanOrEqual(41);
    }
    const took = state.starts.at(-1)! - state.starts[0]!;
    expect(took).toBeGreaterThan(8500);
    expect(took).toBeLessThan(10_000);
  });

  test('beyond the queue: a clear error, at once, where there is nothing stale', async () => {
    const fleet = new Fleet();
    const { state, load } = slow(fleet, 1000);
    const users = fleet.join().shop.define('user', { load, ttl: '5m', loads: { concurrent: 2, queue: 3 } });
    const outcomes = await fleet.outcomes(many.map((id) => users.get(id)));
    const codes = outcomes.map(codeOf);
    expect(codes.filter((code) => code === 'CISTERN_LOAD_LIMIT')).toHaveLength(195);
    expect(state.loads).toBe(5);
    expect(outcomes[199]).toMatchObject({
      retryable: true,
      message: expect.stringMatching(/loads\.queue.*3/),
    });
  });

  test('beyond the queue: the stale value, where there is one', async () => {
    for (const near of [true, false]) {
      const fleet = new Fleet();
      const { load } = slow(fleet, 5000);
      const users = fleet.join().shop.define('user', {
        load,
        ttl: '1m',
        staleIfError: '1h',
        loads: { concurrent: 1, queue: 0 },
        jitter: 0,
        near,
      });
      await fleet.wait(users.set('a', 'old'));
      await fleet.runtime.advance(61_000);
      const busy = users.get('b');
      await fleet.runtime.settle();
      const entry = await fleet.wait(users.entry('a'));
      expect(entry).toMatchObject({ value: 'old', status: 'stale' });
      expect(codeOf(entry.error)).toBe('CISTERN_LOAD_LIMIT');
      expect(await fleet.wait(busy)).toBe('b');
    }
  });

  test('a batch counts as one, and another cache is not held back', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join();
    let most = 0;
    let running = 0;
    const users = shop.define<string, string>('user', {
      load: (id) => id,
      loadMany: async (ids) => {
        most = Math.max(most, ++running);
        await sleep(fleet.runtime, 100);
        running--;
        return new Map(ids.map((id) => [id, id]));
      },
      absent: 'error',
      maxBatch: 10,
      ttl: '5m',
      loads: { concurrent: 2 },
    });
    const other = shop.define<string, string>('other', { load: (id) => id, ttl: '5m' });
    const all = users.getMany(many);
    const started = fleet.runtime.clock.read();
    await fleet.runtime.settle();
    expect(await fleet.wait(other.get('x'))).toBe('x');
    expect(fleet.runtime.clock.read() - started).toBeLessThan(2);
    expect((await fleet.wait(all)).size).toBe(200);
    expect(most).toBe(2);
    expect(fleet.runtime.clock.read() - started).toBeGreaterThanOrEqual(1000);
  });

  test('who leaves the queue makes room in it', async () => {
    const fleet = new Fleet();
    const { state, load } = slow(fleet, 1000);
    const users = fleet.join({ remote: undefined as never }).shop.define('user', {
      load,
      ttl: '5m',
      loads: { concurrent: 1, queue: 1 },
    });
    const first = users.get('first');
    const leaving = new AbortController();
    const second = users.get('second', { signal: leaving.signal }).catch((error: unknown) => error);
    await fleet.runtime.settle();
    expect(codeOf(await fleet.outcome(users.get('third')))).toBe('CISTERN_LOAD_LIMIT');
    leaving.abort(new Error('gone'));
    expect(await second).toEqual(new Error('gone'));
    expect(await fleet.wait(users.get('fourth'))).toBe('fourth');
    expect(await fleet.wait(first)).toBe('first');
    expect(state.loads).toBe(2);
  });
});
