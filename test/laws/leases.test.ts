import { describe, expect, test } from 'vitest';
import type { SetOperation } from '../../src/core/store.ts';
import { codeOf, Fleet, isRecord, sleep, Source } from './fleet.ts';

describe('a remote miss', () => {
  test('takes a lease, and the fill is a CAS on it: never add, never a plain set', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const source = new Source();
    const users = shop.define('user', { load: source.load, ttl: '5m' });
    await fleet.wait(users.get('a'));
    await fleet.wait(users.set('b', 'value'));
    await fleet.wait(users.refresh('a'));
    expect(wire.entries('get').every((each) => each.kind === 'get' && (each.lease ?? 0) > 0)).toBe(true);
    const fills = wire.entries('set') as readonly SetOperation[];
    expect(fills).toHaveLength(3);
    for (const fill of fills) expect([fill.mode, fill.cas]).toEqual(['set', expect.stringMatching(/./)]);
  });

  test('is one load per fleet: 4 processes with 250 callers each', async () => {
    const fleet = new Fleet();
    const source = new Source();
    source.values.set('a', 'value');
    const define = {
      load: async (id: string, context: { readonly signal: AbortSignal }) => {
        await sleep(fleet.runtime, 100);
        return await source.load(id, context);
      },
      ttl: '5m',
    } as const;
    const caches = Array.from({ length: 4 }, () => fleet.join().shop.define('user', define));
    const started = fleet.runtime.clock.read();
    const all = caches.flatMap((cache) => Array.from({ length: 250 }, () => cache.get('a')));
    const answers = await fleet.wait(Promise.all(all));
    expect(new Set(answers)).toEqual(new Set(['value']));
    expect(source.loads).toBe(1);
    // Losers poll every 2 ms, growing to a tenth of the time waited.
    expect(fleet.runtime.clock.read() - started).toBeLessThan(115);
  });

  test('losers poll, one poller per key and process, ever more slowly', async () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.join(), fleet.join()];
    const source = new Source();
    source.values.set('a', 'value');
    const define = { load: source.load, ttl: '5m' } as const;
    const winner = a.shop.define('user', define);
    const loser = b.shop.define('user', define);
    source.hold();
    const first = winner.get('a');
    await fleet.runtime.settle();
    const rest = Array.from({ length: 50 }, () => loser.get('a'));
    await fleet.runtime.advance(1000);
    const early = b.wire.entries('get').length;
    // 2 ms until 20 ms, then each a tenth (by a quarter more or less) after the one before: about 10 + ln(50)/ln(1.1).
    expect(early).toBeGreaterThan(25);
    expect(early).toBeLessThan(90);
    source.release();
    await fleet.wait(Promise.all([first, ...rest]));
    expect(source.loads).toBe(1);
  });
});

describe('what may be kept', () => {
  test('lost or conflict: the caller is answered, no tier keeps it', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const source = new Source();
    source.values.set('a', 'value');
    const users = shop.define('user', { load: source.load, ttl: '5m' });
    source.hold();
    const answer = users.get('a');
    await fleet.runtime.settle();
    // Somebody else takes the placeholder away.
    const { key } = wire.entries('get')[0]!;
    await fleet.wait(fleet.server.execute({ kind: 'delete', key, deadline: Infinity }));
    source.release();
    expect(await fleet.wait(answer)).toBe('value');
    await fleet.runtime.advance(5);
    expect(users.peek('a')).toBeUndefined();
    const found = await fleet.wait(fleet.server.execute({ kind: 'get', key, deadline: Infinity }));
    expect(found.kind).toBe('miss');
    expect(users.stats().notKept).toBe(1);
  });

  test('a remote tier that failed: the near tier alone keeps it, at most nearTtl', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const source = new Source();
    source.values.set('a', 'value');
    const users = shop.define('user', { load: source.load, ttl: '5m', nearTtl: '3s' });
    wire.fate = () => ({ fail: 'unsent' });
    expect(await fleet.wait(users.get('a'))).toBe('value');
    expect(users.peek('a')).toBe('value');
    await fleet.runtime.advance(2999);
    expect(users.peek('a')).toBe('value');
    await fleet.runtime.advance(1);
    expect(users.peek('a')).toBeUndefined();
  });

  test('a miss without a lease (CAS switched off, out of memory): the near tier alone keeps it', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const execute = wire.execute.bind(wire);
    wire.execute = async (operation) => {
      const reply = await execute(operation);
      if (operation.kind !== 'get' || isRecord(operation) || reply.kind !== 'miss') return reply;
      return { kind: 'miss', lease: 'none', cas: '' };
    };
    const source = new Source();
    source.values.set('a', 'value');
    const users = shop.define('user', { load: source.load, ttl: '5m', nearTtl: '3s' });
    expect(await fleet.wait(users.get('a'))).toBe('value');
    expect(users.peek('a')).toBe('value');
    expect(wire.entries('set')).toHaveLength(0);
    await fleet.runtime.advance(3000);
    expect(users.peek('a')).toBeUndefined();
  });

  test('the near tier is filled only after the remote fill answered; the caller does not wait for that', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const source = new Source();
    source.values.set('a', 'value');
    const users = shop.define('user', { load: source.load, ttl: '5m' });
    wire.fate = (operation) =>
      operation.kind === 'set' && !isRecord(operation) ? { after: 500 } : undefined;
    const started = fleet.runtime.clock.read();
    expect(await fleet.wait(users.get('a'))).toBe('value');
    expect(fleet.runtime.clock.read()).toBe(started);
    await fleet.runtime.advance(499);
    expect(users.peek('a')).toBeUndefined();
    await fleet.runtime.advance(2);
    expect(users.peek('a')).toBe('value');
  });
});

describe('a right that was won', () => {
  test('is given back when the load fails: the next process loads at once', async () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.join(), fleet.join()];
    const failing = a.shop.define<string, string>('user', {
      load: () => Promise.reject(new Error('source is down')),
      ttl: '5m',
    });
    const source = new Source();
    source.values.set('a', 'value');
    const users = b.shop.define('user', { load: source.load, ttl: '5m' });
    await fleet.outcome(failing.get('a'));
    await fleet.runtime.settle();
    const started = fleet.runtime.clock.read();
    expect(await fleet.wait(users.get('a'))).toBe('value');
    expect(fleet.runtime.clock.read() - started).toBeLessThan(2);
  });

  test('is given back when the value is not to be kept, or cannot be', async () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.join(), fleet.join()];
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const values: Record<string, unknown> = { skip: 'skip', large: 'x'.repeat(5000), circle };
    const options = {
      ttl: (value: unknown) => (value === 'skip' ? 'skip' : '5m'),
      maxValueBytes: 1000,
    } as const;
    const first = a.shop.define('user', { load: (id: string) => values[id], ...options });
    const second = b.shop.define<string, string>('user', { load: () => 'small', ...options });
    for (const id of Object.keys(values)) {
      expect(await fleet.wait(first.get(id))).toBe(values[id]);
      await fleet.runtime.settle();
      const started = fleet.runtime.clock.read();
      expect(await fleet.wait(second.get(id))).toBe('small');
      expect(fleet.runtime.clock.read() - started).toBeLessThan(2);
    }
  });

  test('is given back when all callers have left, and when the cistern is closed', async () => {
    for (const way of ['abort', 'close'] as const) {
      const fleet = new Fleet();
      const [a, b] = [fleet.join(), fleet.join()];
      const hung = a.shop.define<string, string>('user', {
        load: () => new Promise<string>(() => undefined),
        ttl: '5m',
      });
      const source = new Source();
      source.values.set('a', 'value');
      const users = b.shop.define('user', { load: source.load, ttl: '5m' });
      const leaving = new AbortController();
      const left = fleet.outcome(hung.get('a', { signal: leaving.signal }));
      await fleet.runtime.settle();
      if (way === 'abort') {
        leaving.abort();
        await fleet.runtime.settle();
      } else {
        // As a program that ends: what close() has not done by then will never be done.
        await fleet.wait(a.shop.close().then(() => (a.wire.frozen = true)));
      }
      await left;
      const started = fleet.runtime.clock.read();
      expect(await fleet.wait(users.get('a'))).toBe('value');
      expect(fleet.runtime.clock.read() - started).toBeLessThan(2);
    }
  });

  test('is given back when it is won after the last caller has left', async () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.join(), fleet.join()];
    const source = new Source();
    source.values.set('a', 'value');
    const define = { load: source.load, ttl: '5m' } as const;
    const users = a.shop.define('user', define);
    await fleet.wait(users.get('warm the record'));
    a.wire.fate = (operation) => (operation.kind === 'get' ? { after: 20 } : undefined);
    const leaving = new AbortController();
    const left = users.get('a', { signal: leaving.signal }).catch((error: unknown) => error);
    await fleet.runtime.advance(10);
    leaving.abort();
    await left;
    await fleet.runtime.advance(20);
    const started = fleet.runtime.clock.read();
    expect(await fleet.wait(b.shop.define('user', define).get('a'))).toBe('value');
    expect(fleet.runtime.clock.read() - started).toBeLessThan(2);
  });

  test('is given back when the fill could not be sent', async () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.join(), fleet.join()];
    a.wire.fate = (operation) =>
      operation.kind === 'set' && !isRecord(operation) ? { fail: 'unsent' } : undefined;
    const source = new Source();
    source.values.set('a', 'value');
    const define = { load: source.load, ttl: '5m' } as const;
    expect(await fleet.wait(a.shop.define('user', define).get('a'))).toBe('value');
    await fleet.runtime.settle();
    const started = fleet.runtime.clock.read();
    expect(await fleet.wait(b.shop.define('user', define).get('a'))).toBe('value');
    expect(fleet.runtime.clock.read() - started).toBeLessThan(2);
  });
});

describe('a winner that died', () => {
  /** The process is gone: nothing it asks from now on arrives. */
  function dying(fleet: Fleet) {
    const { shop, wire } = fleet.join();
    return { shop, kill: () => void (wire.frozen = true) };
  }

  test('of a lease: another takes over within the lease time, and exactly one does', async () => {
    const fleet = new Fleet();
    const dead = dying(fleet);
    const source = new Source();
    source.values.set('a', 'value');
    const define = {
      load: async (id: string, context: { readonly signal: AbortSignal }) => {
        await sleep(fleet.runtime, 20);
        return await source.load(id, context);
      },
      ttl: '5m',
      loadTimeout: '2s',
    } as const;
    void dead.shop
      .define('user', define)
      .get('a')
      .catch(() => undefined);
    await fleet.runtime.settle();
    dead.kill();
    const others = [fleet.join(), fleet.join(), fleet.join()].map(({ shop }) => shop.define('user', define));
    const started = fleet.runtime.clock.read();
    const answers = await fleet.wait(Promise.all(others.map((cache) => cache.get('a'))));
    expect(answers).toEqual(['value', 'value', 'value']);
    // The lease time is 3 s, the slowest poll a tenth of the time waited, and then comes the load.
    expect(fleet.runtime.clock.read() - started).toBeLessThan(3000 * 1.15 + 60);
    // The dead one's load ran too, as its timer does here.
    expect(source.loads).toBe(2);
  });

  for (const way of ['reload of an aged entry', 'reload of an expired entry'] as const) {
    test(`of the ${way}: another takes over within the lease time, though each call is short`, async () => {
      const fleet = new Fleet();
      const dead = dying(fleet);
      const alive = fleet.join();
      const define = { ttl: '1m', staleWhileRevalidate: '1h', staleIfError: '2h', jitter: 0 } as const;
      const hanging = dead.shop.define<string, string>('user', {
        load: (id) => (id === 'hang' ? '' : new Promise<string>(() => undefined)),
        ...define,
      });
      const source = new Source();
      const users = alive.shop.define('user', { load: source.load, ...define });
      await fleet.wait(users.set('a', 'old'));
      source.values.set('a', 'new');
      if (way === 'reload of an aged entry') await fleet.runtime.advance(61_000);
      else await fleet.wait(users.expire('a'));
      // The first process wins the right to reload, answers the old value, and dies.
      expect(await fleet.wait(hanging.get('a'))).toBe('old');
      dead.kill();
      const started = fleet.runtime.clock.read();
      let seen = '';
      while (seen !== 'new' && fleet.runtime.clock.read() - started < 120_000) {
        seen = await fleet.wait(users.get('a'));
        await fleet.runtime.advance(250);
      }
      // The lease is 11 s; the first sight of the other's claim starts the clock.
      expect(seen).toBe('new');
      expect(fleet.runtime.clock.read() - started).toBeLessThan(13_000);
    });
  }

  test('of a reload without staleWhileRevalidate: callers do not wait for the dead until their deadline for ever', async () => {
    const fleet = new Fleet();
    const dead = dying(fleet);
    const alive = fleet.join();
    const define = { ttl: '1m', staleIfError: '2h', jitter: 0, nearTtl: '1s' } as const;
    const hanging = dead.shop.define<string, string>('user', {
      load: () => new Promise<string>(() => undefined),
      ...define,
    });
    const source = new Source();
    const users = alive.shop.define('user', { load: source.load, ...define });
    await fleet.wait(users.set('a', 'old'));
    source.values.set('a', 'new');
    await fleet.runtime.advance(61_000);
    void hanging.get('a').catch(() => undefined);
    await fleet.runtime.settle();
    dead.kill();
    const started = fleet.runtime.clock.read();
    let seen = '';
    while (seen !== 'new' && fleet.runtime.clock.read() - started < 120_000) {
      seen = await fleet.wait(users.get('a'));
      await fleet.runtime.advance(250);
    }
    expect(seen).toBe('new');
    expect(fleet.runtime.clock.read() - started).toBeLessThan(24_000);
  });
});

test('after a conflict on a lease fill, a placeholder that is still there is deleted by its new CAS', async () => {
  const fleet = new Fleet();
  const [a, b] = [fleet.join(), fleet.join()];
  const source = new Source();
  source.values.set('a', 'value');
  const define = { load: source.load, ttl: '5m' } as const;
  const users = a.shop.define('user', define);
  source.hold();
  const answer = users.get('a');
  await fleet.runtime.settle();
  const { key } = a.wire.entries('get')[0]!;
  // As memcached before 1.6.24 does when it moves a page: the placeholder stays, its CAS changes.
  await fleet.wait(fleet.server.execute({ kind: 'delete', key, deadline: Infinity }));
  await fleet.wait(fleet.server.execute({ kind: 'get', key, lease: 60_000, deadline: Infinity }));
  source.release();
  expect(await fleet.wait(answer)).toBe('value');
  await fleet.runtime.settle();
  const started = fleet.runtime.clock.read();
  expect(await fleet.wait(b.shop.define('user', define).get('a'))).toBe('value');
  expect(fleet.runtime.clock.read() - started).toBeLessThan(2);
});

test('a loser answers the stale value, else loads within the limits, before its deadline', async () => {
  const fleet = new Fleet();
  const [a, b] = [fleet.join(), fleet.join()];
  const hung = a.shop.define<string, string>('user', {
    load: () => new Promise<string>(() => undefined),
    ttl: '5m',
    loadTimeout: '1h',
  });
  const source = new Source();
  source.values.set('a', 'own load');
  const users = b.shop.define('user', { load: source.load, ttl: '5m', loadTimeout: '1h', deadline: '2s' });
  void hung.get('a', { deadline: '1h' }).catch(() => undefined);
  await fleet.runtime.settle();
  const started = fleet.runtime.clock.read();
  expect(codeOf(await fleet.outcome(users.get('a')))).toBe('own load');
  const waited = fleet.runtime.clock.read() - started;
  expect(waited).toBeGreaterThan(1500);
  expect(waited).toBeLessThan(2000);
  // Somebody else has the right: this value is kept nowhere.
  expect(users.peek('a')).toBeUndefined();
});
