import { afterEach, describe, expect, test } from 'vitest';
import { type HeldStore, hit } from '../../test/proxy/held-store.ts';
import { Served } from '../../test/proxy/served.ts';
import type { Talk } from '../../test/proxy/talk.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import type { ProxyOptions } from './proxy-options.ts';
import type { Proxy } from './proxy.ts';

let runtime: FakeRuntime;
let store: HeldStore;
let proxy: Proxy;
let served: Served;

async function serve(options: Partial<ProxyOptions> = {}): Promise<void> {
  served = await Served.by(options);
  ({ runtime, store, proxy } = served);
}

afterEach(async () => await served.end());

const talk = (): Promise<Talk> => served.talk();
const keysOf = (): readonly string[] => served.keys;

describe('order', () => {
  test('answers come in the order of the requests, whatever the order of the replies', async () => {
    await serve();
    const client = await talk();
    client.send('mg a v\r\nset b 0 0 1\r\nx\r\nversion\r\nget c\r\nfoo\r\nmn\r\n');
    await runtime.settle();
    expect(keysOf()).toEqual(['a', 'b', 'c']);
    expect(client.take()).toBe('');
    store.answer(2, hit('third'));
    store.answer(1);
    await runtime.settle();
    expect(client.take()).toBe('');
    store.answer(0, hit('first'));
    await runtime.settle();
    expect(client.take()).toBe(
      'VA 5\r\nfirst\r\nSTORED\r\nVERSION 1.6.18-cistern\r\nVALUE c 0 5\r\nthird\r\nEND\r\nERROR\r\nMN\r\n',
    );
  });

  test('all answers of one turn are written at once', async () => {
    await serve();
    const client = await talk();
    client.send('mg a\r\nmg b\r\nmg c\r\nmg d\r\n');
    await runtime.settle();
    client.chunks = 0;
    while (store.held.length > 0) store.answer();
    await runtime.settle();
    expect(client.take()).toBe('EN\r\nEN\r\nEN\r\nEN\r\n');
    expect(client.chunks).toBe(1);
  });

  test('less than half of what is under way waits for one turn more, and no longer', async () => {
    await serve();
    const client = await talk();
    const ask = async (): Promise<void> => {
      client.send('mg a\r\n'.repeat(10));
      await runtime.settle();
      client.chunks = 0;
      for (let count = 0; count < 3; count++) store.answer();
    };
    await ask();
    await new Promise<void>((resolve) => runtime.defer(resolve));
    while (store.held.length > 0) store.answer();
    await runtime.settle();
    expect([client.take(), client.chunks]).toEqual(['EN\r\n'.repeat(10), 1]);
    await ask();
    await runtime.settle();
    expect([client.take(), client.chunks]).toEqual(['EN\r\n'.repeat(3), 1]);
  });

  test('connections do not wait for each other', async () => {
    await serve();
    const [slow, quick] = [await talk(), await talk()];
    slow.send('mg a\r\n');
    quick.send('mg b\r\n');
    await runtime.settle();
    store.answer(1);
    await runtime.settle();
    expect([slow.take(), quick.take()]).toEqual(['', 'EN\r\n']);
  });

  test('the deadline of an operation is that of the option', async () => {
    await serve({ timeout: '70ms' });
    const client = await talk();
    client.send('mg a\r\n');
    await runtime.settle();
    expect(store.held[0]!.operation.deadline).toBe(runtime.clock.read() + 70);
  });
});

describe('limits', () => {
  test('one connection has so many requests under way, and no more; all of them are answered', async () => {
    await serve({ maxPipelined: 4 });
    const client = await talk();
    client.send('mg a\r\n'.repeat(50), `set b 0 0 5\r\nhello\r\n`.repeat(10), `get ${'k '.repeat(30)}\r\n`);
    let turns = 0;
    for (; store.held.length > 0 || turns === 0; turns++) {
      await runtime.settle();
      while (store.held.length > 0) store.answer();
      await runtime.settle();
    }
    expect(store.most).toBe(4);
    expect(client.take()).toBe('EN\r\n'.repeat(50) + 'STORED\r\n'.repeat(10) + 'END\r\n');
  });

  test('all connections together too, and none of them starves', async () => {
    await serve({ maxUnderWay: 3 });
    const clients = await Promise.all(Array.from({ length: 5 }, talk));
    for (const [index, client] of clients.entries()) client.send(`mg k${index}\r\n`.repeat(10));
    const answered: string[] = [];
    await runtime.settle();
    while (store.held.length > 0) {
      answered.push(store.answer().key);
      await runtime.settle();
    }
    expect(store.most).toBeLessThanOrEqual(3);
    expect(clients.map((client) => client.take())).toEqual(clients.map(() => 'EN\r\n'.repeat(10)));
    expect(new Set(answered.slice(0, 15)).size).toBe(5);
  });

  test('one that has left makes room for those that wait', async () => {
    await serve({ maxUnderWay: 2 });
    const [gone, waiting] = [await talk(), await talk()];
    gone.send('mg a\r\nmg b\r\n');
    await runtime.settle();
    waiting.send('mg c\r\n');
    await runtime.settle();
    gone.destroy();
    await runtime.settle();
    expect(keysOf()).toEqual(['a', 'b']);
    store.answer();
    await runtime.settle();
    expect(keysOf()).toEqual(['b', 'c']);
  });

  test('values under way are limited in bytes', async () => {
    await serve({ maxBytesUnderWay: 1000 });
    const client = await talk();
    client.send(`set k 0 0 400\r\n${'x'.repeat(400)}\r\n`.repeat(20));
    await runtime.settle();
    expect(store.held.length).toBe(3);
    while (store.held.length > 0) {
      store.answer();
      await runtime.settle();
    }
    expect(client.take()).toBe('STORED\r\n'.repeat(20));
  });

  test('a client that does not read its answers is not read either, until it does', async () => {
    await serve();
    const client = await talk();
    client.pause();
    for (let turn = 0; turn < 200; turn++) {
      client.send('mg k v\r\n'.repeat(10));
      await runtime.settle();
      while (store.held.length > 0) store.answer(0, hit('x'.repeat(10_000)));
    }
    const { bytes_written: written } = proxy.statistics;
    expect(written).toBeLessThan(1_000_000);
    expect(store.held.length).toBe(0);
    client.resume();
    for (let turn = 0; turn < 400; turn++) {
      await runtime.settle();
      while (store.held.length > 0) store.answer(0, hit('x'.repeat(10_000)));
    }
    expect(client.take().length).toBe(2000 * 10_012);
  });

  test('of large answers fewer are under way', async () => {
    await serve();
    const client = await talk();
    const asked = 1200;
    client.send('mg k v\r\n'.repeat(asked));
    await runtime.settle();
    const first = store.held.length;
    let most = 0;
    for (let count = 0; count < asked; count++) {
      if (count > first) most = Math.max(most, store.held.length);
      store.answer(0, hit(Buffer.alloc(600_000)));
      if (count % 8 === 0) {
        await runtime.settle();
        client.take();
      }
    }
    expect(first).toBe(1024);
    expect(most).toBeLessThanOrEqual(16);
  });

  test('one connection too many is told so, and closed', async () => {
    await serve({ maxConnections: 2 });
    const clients = [await talk(), await talk()];
    const third = await talk();
    expect(third.take()).toBe('ERROR Too many open connections\r\n');
    third.destroy();
    clients[0]!.destroy();
    await runtime.settle();
    const fourth = await talk();
    fourth.send('mn\r\n');
    await runtime.settle();
    expect(fourth.take()).toBe('MN\r\n');
    expect(proxy.statistics).toMatchObject({
      curr_connections: 2,
      total_connections: 4,
      rejected_connections: 1,
    });
  });

  test('idle connections are closed after the time; those that wait for an answer are not', async () => {
    await serve({ idleTimeout: '10s', timeout: '60s' });
    const [idle, half, waiting, talking] = [await talk(), await talk(), await talk(), await talk()];
    half.send('set k 0 0 100\r\nabc');
    waiting.send('mg k\r\n');
    for (let second = 0; second < 20; second += 4) {
      talking.send('mn\r\n');
      await runtime.advance(4000);
    }
    expect([idle, half, waiting, talking].map((each) => each.closed)).toEqual([true, true, false, false]);
    store.answer();
    await runtime.advance(8000);
    expect([waiting.take(), waiting.closed]).toEqual(['EN\r\n', false]);
    await runtime.advance(8000);
    expect(waiting.closed).toBe(true);
  });
});

describe('the end', () => {
  test('of a client that has said all: it gets its answers', async () => {
    await serve({ maxPipelined: 2 });
    const client = await talk();
    client.send('mg a\r\nmg b\r\nmg c\r\nquit\r\nmg d\r\n');
    await runtime.settle();
    store.answer();
    store.answer();
    await runtime.settle();
    expect([client.take(), client.closed]).toEqual(['EN\r\nEN\r\n', false]);
    store.answer();
    await runtime.advance(3000);
    expect([client.take(), client.closed]).toEqual(['EN\r\n', true]);
    expect(store.held).toEqual([]);
  });

  test('of a stream that is lost: what came before is answered, and nothing behind it is done', async () => {
    await serve();
    const client = await talk();
    client.send('mg a\r\nset k 0 0 2\r\nabc\r\ndelete a\r\n');
    await runtime.settle();
    expect(keysOf()).toEqual(['a']);
    store.answer();
    await runtime.advance(3000);
    expect([client.take(), client.closed]).toEqual(['EN\r\nCLIENT_ERROR bad data chunk\r\n', true]);
  });

  test('of the proxy: nothing new is taken, what is under way is answered, then all is closed', async () => {
    await serve();
    const [busy, idle] = [await talk(), await talk()];
    busy.send('mg a\r\n');
    await runtime.settle();
    const closed = proxy.close();
    busy.send('mg b\r\n');
    await runtime.settle();
    expect([busy.closed, idle.closed]).toEqual([false, true]);
    expect((await talk()).closed).toBe(true);
    expect(keysOf()).toEqual(['a']);
    store.answer();
    await runtime.until(closed);
    await runtime.settle();
    expect([busy.take(), busy.closed]).toEqual(['EN\r\n', true]);
    await runtime.until(proxy.close());
  });

  test('of the proxy: what takes too long is broken off', async () => {
    await serve({ drainTimeout: '1s' });
    const client = await talk();
    client.send('mg a\r\n');
    await runtime.settle();
    const closed = proxy.close();
    await runtime.advance(900);
    expect(client.closed).toBe(false);
    await runtime.advance(200);
    expect(client.closed).toBe(true);
    await runtime.until(closed);
  });
});
