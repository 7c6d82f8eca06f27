import { channel } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Events } from '../../src/core/events.ts';
import type { Operation, Reply } from '../../src/core/store.ts';
import { memcached, type MemcachedOptions } from '../../src/stores/memcached/memcached.ts';
import type { MemcachedStore } from '../../src/stores/memcached/memcached-pool.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing/fake-runtime.ts';
import { SimulatedMemcached } from '../servers/simulated-memcached.ts';
import { type Asked, get, life, remove, set } from './fenced-world.ts';

let runtime: FakeRuntime;
let server: SimulatedMemcached;
let store: MemcachedStore;
let told: string[];
const listen = (message: unknown): void => void told.push((message as Events['journal']).state);

function open(options: Partial<MemcachedOptions> = {}): void {
  store = memcached({ servers: ['127.0.0.1:11211'], runtime, pool: { initial: 1, max: 1 }, ...options });
}

async function one(operation: Asked): Promise<Reply> {
  return await runtime.until(store.execute({ deadline: Infinity, ...operation } as Operation));
}

/** The server does not get what goes to this key, from now on. */
function block(key: string): void {
  server.intercept = (line) => (line.includes(`:${key} `) || line.endsWith(`:${key}`) ? 'drop' : undefined);
}

const nameOf = (key: string): string => [...server.items.keys()].find((each) => each.endsWith(`:${key}`))!;

beforeEach(() => {
  runtime = fakeRuntime({ seed: 4 });
  server = new SimulatedMemcached(runtime);
  told = [];
  channel('cistern:journal').subscribe(listen);
});
afterEach(async () => {
  channel('cistern:journal').unsubscribe(listen);
  await runtime.until(store.close());
});

describe('a lost invalidation', () => {
  test('closes its key for this process, and no other, until it is repaired', async () => {
    open();
    await one(set('k', 'old'));
    await one(set('other'));
    block('k');
    expect(await one(remove('k'))).toMatchObject({ kind: 'failed', applied: 'unknown' });
    expect(await one(get('k'))).toMatchObject({ kind: 'failed', applied: 'no' });
    expect(store.journal()).toMatchObject({ pending: 1, lost: 1 });
    server.intercept = undefined;
    await runtime.advance(5000);
    expect(store.journal()).toMatchObject({ pending: 0, repaired: 1 });
    expect((await one(get('k'))).kind).toBe('miss');
    expect((await one(get('other'))).kind).toBe('hit');
    expect(told).toEqual(['lost', 'repaired']);
  });

  test('is repaired as soon as the server answers a probe', async () => {
    open({ health: { firstPause: '5s', longestPause: '5s' } });
    await one(set('k', 'old'));
    server.listener.answer = 'refuse';
    server.listener.cutAll();
    await runtime.advance(1);
    expect((await one(remove('k'))).kind).toBe('failed');
    await runtime.advance(60_000);
    expect(store.journal()!.pending).toBe(1);
    server.listener.answer = 'accept';
    for (let waited = 0; store.journal()!.pending > 0 && waited < 30_000; waited += 10)
      await runtime.advance(10);
    expect((await one(get('k'))).kind).toBe('miss');
  });

  test('a value whose answer was lost and that lands after its key was removed is removed too', async () => {
    open();
    await one(set('k', 'first'));
    const name = nameOf('k');
    block('k');
    expect(await one(set('k', 'late'))).toMatchObject({ kind: 'failed', applied: 'unknown' });
    server.intercept = undefined;
    await runtime.advance(5000);
    expect((await one(get('k'))).kind).toBe('miss');
    server.store(name, 'late');
    await runtime.advance(12_000);
    expect((await one(get('k'))).kind).toBe('miss');
    expect(store.journal()!.pending).toBe(0);
  });

  test('a set that a server has no room for is none: the old value is gone', async () => {
    open();
    await one(set('k', 'old'));
    server.intercept = (line) =>
      line.startsWith('ms ') ? 'SERVER_ERROR object too large for cache\r\n' : undefined;
    expect((await one(set('k', 'large'))).kind).toBe('failed');
    expect(store.journal()).toMatchObject({ lost: 0, pending: 0 });
  });

  test('wrong operations are none', async () => {
    open();
    expect((await one(remove('with space'))).kind).toBe('failed');
    expect((await one(remove('k'.repeat(300)))).kind).toBe('failed');
    expect(store.journal()!.lost).toBe(0);
  });

  test('after a new incarnation nothing of the server is read under the old name, and the key is repaired under the new one', async () => {
    open();
    await one(set('k', 'old'));
    block('k');
    await one(remove('k'));
    const another = memcached({ servers: ['127.0.0.1:11211'], runtime, pool: { initial: 1, max: 1 } });
    server.intercept = undefined;
    server.items.delete('~cistern:main');
    const asked = another.execute({ kind: 'get', key: 'k', deadline: Infinity });
    await runtime.until(asked);
    await runtime.until(another.execute({ ...set('k', 'still old'), deadline: Infinity } as Operation));
    await runtime.advance(5000);
    expect((await runtime.until(another.execute({ kind: 'get', key: 'k', deadline: Infinity }))).kind).toBe(
      'miss',
    );
    await runtime.until(another.close());
  });

  test('more than there is room for: everything fails until the server has a new incarnation', async () => {
    open({ journal: { maxEntries: 3 } });
    const keys = ['a', 'b', 'c', 'd'];
    for (const key of [...keys, 'other']) await one(set(key));
    server.listener.answer = 'refuse';
    server.listener.cutAll();
    for (const key of keys) await one(remove(key));
    expect(store.journal()).toMatchObject({
      pending: 0,
      servers: [{ server: '127.0.0.1:11211', fencing: true }],
    });
    server.listener.answer = 'accept';
    expect((await one(get('other'))).kind).toBe('failed');
    await runtime.advance(30_000);
    expect(store.journal()).toMatchObject({ fenced: 1, servers: [{ fencing: false }] });
    expect(told).toEqual(['lost', 'lost', 'lost', 'overflowed', 'lost', 'fenced']);
    for (const key of [...keys, 'other']) expect((await one(get(key))).kind).toBe('miss');
  });
});

describe('closing', () => {
  test('repairs first what can be repaired', async () => {
    open();
    await one(set('k', 'old'));
    const name = nameOf('k');
    server.intercept = (line) => (line.startsWith('md ') ? 'SERVER_ERROR busy\r\n' : undefined);
    await one(remove('k'));
    server.intercept = undefined;
    await runtime.until(store.close());
    expect(server.items.has(name)).toBe(false);
  });

  test('takes no longer than a second, and no time at all when nothing is owed', async () => {
    open();
    await one(set('k'));
    const before = runtime.clock.read();
    await runtime.until(store.close());
    expect(runtime.clock.read()).toBe(before);
    open();
    await one(set('k'));
    server.listener.frozen = true;
    await one(remove('k'));
    const from = runtime.clock.read();
    await runtime.until(store.close());
    expect(runtime.clock.read() - from).toBeLessThanOrEqual(1001);
  });
});

describe('with a file', () => {
  const journal = { path: '/var/journal' };

  test('what a process lost is repaired by the next one, before the key is read', async () => {
    open({ journal });
    await one(set('k', 'old'));
    block('k');
    const lost = store.execute({ ...remove('k'), deadline: Infinity } as Operation);
    expect((await runtime.until(lost)).kind).toBe('failed');
    // Killed: nothing of it runs any more, and the file is what it is. Another process begins.
    const disk = Uint8Array.from(runtime.disk.get(journal.path)!);
    server.intercept = undefined;
    runtime.disk.set('/var/next', disk);
    const next = memcached({
      servers: ['127.0.0.1:11211'],
      runtime,
      journal: { path: '/var/next' },
      pool: { initial: 1, max: 1 },
    });
    const first = await runtime.until(next.execute({ kind: 'get', key: 'k', deadline: Infinity }));
    expect(first.kind).not.toBe('hit');
    await runtime.advance(1000);
    expect(next.journal()).toMatchObject({ pending: 0, repaired: 1 });
    expect((await runtime.until(next.execute({ kind: 'get', key: 'k', deadline: Infinity }))).kind).toBe(
      'miss',
    );
    await runtime.until(next.close());
  });

  test('without a fence, too, nothing is answered before the file is read', async () => {
    open({ journal, fence: false });
    await one(set('k', 'old'));
    server.intercept = (line) => (line === 'md k' ? 'SERVER_ERROR busy\r\n' : undefined);
    await one(remove('k'));
    runtime.disk.set('/var/next', Uint8Array.from(runtime.disk.get(journal.path)!));
    const next = memcached({
      servers: ['127.0.0.1:11211'],
      runtime,
      fence: false,
      journal: { path: '/var/next' },
    });
    const reply = await runtime.until(next.execute({ kind: 'get', key: 'k', deadline: Infinity }));
    expect(reply.kind).toBe('failed');
    server.intercept = undefined;
    await runtime.advance(1000);
    expect((await runtime.until(next.execute({ kind: 'get', key: 'k', deadline: Infinity }))).kind).toBe(
      'miss',
    );
    await runtime.until(next.close());
  });

  test('a store that could not be made has not taken it', () => {
    const wrong = { servers: ['127.0.0.1:11211', '127.0.0.1:11212'], runtime, journal, placement: 'none' };
    expect(() => memcached(wrong as never)).toThrow(/'placement'/);
    open({ journal });
  });

  test('two stores cannot share it', () => {
    open({ journal });
    expect(() => memcached({ servers: ['127.0.0.1:11211'], runtime, journal })).toThrow(
      expect.objectContaining({ code: 'CISTERN_JOURNAL' }),
    );
  });
});

describe('onWriteFailure', () => {
  test('is told of lost invalidations, and Cistern keeps none', async () => {
    const failures: unknown[] = [];
    open({ onWriteFailure: (failure) => void failures.push(failure) });
    await one(set('k'));
    block('k');
    const touch: Asked = { kind: 'touch', key: 'k', life, routingKey: 'r' };
    await one(touch);
    expect(failures).toEqual([
      {
        server: '127.0.0.1:11211',
        operation: 'touch',
        key: 'k',
        routingKey: 'r',
        applied: 'unknown',
        error: expect.any(Error),
      },
    ]);
    expect(store.journal()).toBeUndefined();
    await one(get('k'));
    expect(failures).toHaveLength(1);
  });

  test('is waited for, a second at most; what it throws hurts nobody', async () => {
    const written = Promise.withResolvers<void>();
    let answer: () => void | Promise<void> = () => written.promise;
    open({
      onWriteFailure: () => answer(),
    });
    await one(set('k'));
    block('k');
    let answered = false;
    const reply = store
      .execute({ ...remove('k'), deadline: Infinity } as Operation)
      .finally(() => (answered = true));
    await runtime.advance(200);
    expect(answered).toBe(false);
    written.resolve();
    expect((await runtime.until(reply)).kind).toBe('failed');
    const before = runtime.clock.read();
    answer = () => new Promise(() => undefined);
    expect((await one(remove('k'))).kind).toBe('failed');
    expect(runtime.clock.read() - before).toBeLessThan(1100);
    answer = () => Promise.reject(new Error('on purpose'));
    expect((await one(remove('k'))).kind).toBe('failed');
    answer = () => {
      throw new Error('on purpose');
    };
    expect((await one(remove('k'))).kind).toBe('failed');
  });
});

test.each([
  { poolName: '' },
  { poolName: 'with space' },
  { fence: 'yes' },
  { onWriteFailure: 7 },
  { journal: true },
  { journal: {}, onWriteFailure: () => undefined },
])('%o is refused, by name', (options) => {
  open();
  expect(() => memcached({ servers: ['127.0.0.1:1'], runtime, ...options } as never)).toThrow(
    `'${Object.keys(options)[0]}'`,
  );
});
