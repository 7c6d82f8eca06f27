import { afterEach, describe, expect, test } from 'vitest';
import { type HeldStore, hit } from '../../test/proxy/held-store.ts';
import { Served } from '../../test/proxy/served.ts';
import type { Talk } from '../../test/proxy/talk.ts';
import { CisternError } from '../core/error.ts';
import { conflict, type Operation, type Reply } from '../core/store.ts';
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
const answerTo = (request: string, ...replies: readonly Reply[]): Promise<string> =>
  served.answerTo(request, ...replies);

function failed(applied: 'no' | 'unknown' = 'no'): Reply {
  return {
    kind: 'failed',
    error: new CisternError('CISTERN_TIMEOUT', { store: 'memcached 10.0.0.9:11211', milliseconds: 50 }),
    applied,
  };
}

describe('failures', () => {
  test('are told by an error line; to a classic get they are a miss, of its key alone', async () => {
    await serve();
    const line =
      'SERVER_ERROR CISTERN_TIMEOUT: memcached 10.0.0.9:11211 did not answer within 50 ms. Check the server and the network, or raise ?timeout?.\r\n'.replaceAll(
        '?',
        "'",
      );
    for (const request of ['mg a v q', 'md a q', 'ma a q', 'me a', 'incr a 1', 'delete a', 'touch a 5'])
      expect(await answerTo(`${request}\r\n`, failed())).toBe(line);
    for (const request of ['ms a 1 q\r\nx', 'set a 0 0 1\r\nx', 'cas a 0 0 1 5\r\nx'])
      expect(await answerTo(`${request}\r\n`, failed('unknown'))).toBe(line);
    expect(await answerTo('set a 0 0 1 noreply\r\nx\r\n', failed('unknown'))).toBe('');
    expect(await answerTo('get a\r\n', failed())).toBe('END\r\n');
    expect(await answerTo('get a b c\r\n', hit('A'), failed(), hit('C'))).toBe(
      'VALUE a 0 1\r\nA\r\nVALUE c 0 1\r\nC\r\nEND\r\n',
    );
    expect(proxy.statistics.get_failures).toBe(3);
    expect(proxy.statistics.store_failures).toBe(13);
  });

  test('of a server are told in its own words', async () => {
    await serve();
    const server = (line: string): Reply => ({
      kind: 'failed',
      error: new CisternError('CISTERN_SERVER', { store: 'x', line }),
      applied: 'unknown',
    });
    const words = 'SERVER_ERROR out of memory storing object';
    expect(
      await answerTo('ms a 1\r\nx\r\n', server(`${words} (nothing was stored, and the old value is gone)`)),
    ).toBe(`${words}\r\n`);
    const notANumber = 'CLIENT_ERROR cannot increment or decrement non-numeric value';
    expect(await answerTo('incr a 1\r\n', server(notANumber))).toBe(`${notANumber}\r\n`);
  });

  test('of a store that breaks the contract stay with its request', async () => {
    await serve();
    const broken = store as unknown as { execute: (operation: Operation) => Promise<Reply> };
    const { execute } = broken;
    broken.execute = (operation) => {
      if (operation.key === 'throws') throw new Error('thrown\r\nOK');
      return operation.key === 'rejects'
        ? Promise.reject(new Error('rejected'))
        : execute.call(store, operation);
    };
    expect(await answerTo('mg throws\r\nmg rejects\r\nmn\r\n')).toMatch(
      /^SERVER_ERROR .*thrown\?\?OK.*\r\nSERVER_ERROR .*rejected.*\r\nMN\r\n$/,
    );
    expect(await answerTo('mg odd\r\n', { kind: 'stored', cas: '' })).toMatch(
      /^SERVER_ERROR the store answered/,
    );
  });
});

describe('rights', () => {
  const won: Reply = { kind: 'miss', lease: 'won', cas: '9' };

  test('that come for a client that is gone are given back', async () => {
    await serve();
    for (const [reply, right] of [
      [won, 'lease'],
      [hit('x', { claim: 'won' }), 'recache'],
      [hit('x', { claim: 'won', marked: true }), 'stale'],
    ] as const) {
      const client = await talk();
      client.send('mg a v N30 R30\r\n');
      await runtime.settle();
      client.destroy();
      await runtime.settle();
      store.answer(0, reply);
      await runtime.settle();
      expect(store.answer()).toMatchObject({
        kind: 'release',
        key: 'a',
        right,
        cas: 'cas' in reply && reply.cas,
      });
    }
  });

  test('that a client is told of are its own; who cannot be told of them gives them back', async () => {
    await serve();
    const stale = hit('x', { claim: 'won', marked: true });
    expect(await answerTo('mg a v N30\r\n', won)).toBe('VA 0 W\r\n\r\n');
    expect(await answerTo('gets a\r\n', stale)).toBe('VALUE a 0 1 7\r\nx\r\nEND\r\n');
    expect(store.held).toEqual([]);
    for (const request of ['get a', 'gat 5 a']) {
      expect(await answerTo(`${request}\r\n`, stale)).toBe('VALUE a 0 1\r\nx\r\nEND\r\n');
      expect(store.answer()).toMatchObject({ kind: 'release', right: 'stale' });
    }
  });
});

describe('flush_all', () => {
  test('waits for what was asked before, and holds what comes behind', async () => {
    await serve();
    const client = await talk();
    client.send('set a 0 0 1\r\nx\r\nflush_all\r\nmg a\r\nflush_all noreply\r\nmn\r\n');
    await runtime.settle();
    expect([keysOf(), store.cleared]).toEqual([['a'], 0]);
    store.answer();
    await runtime.settle();
    expect([keysOf(), store.cleared, client.take()]).toEqual([[], 1, 'STORED\r\n']);
    store.finishClear(true);
    await runtime.settle();
    expect([keysOf(), client.take()]).toEqual([['a'], 'OK\r\n']);
    store.answer();
    await runtime.settle();
    store.finishClear(true);
    await runtime.settle();
    expect(client.take()).toBe('EN\r\nMN\r\n');
  });

  test('says so when it was not done, is not allowed, or cannot be', async () => {
    await serve();
    const client = await talk();
    client.send('flush_all\r\n');
    await runtime.settle();
    store.finishClear(false);
    await runtime.settle();
    expect(client.take()).toBe("SERVER_ERROR the store 'held' was not cleared\r\n");
    (store as { clear?: unknown }).clear = undefined;
    expect(await answerTo('flush_all\r\n')).toBe("SERVER_ERROR the store 'held' cannot be cleared\r\n");
    expect(await answerTo('flush_all 10\r\n')).toBe(
      'CLIENT_ERROR flush_all with a delay is not supported by this proxy\r\n',
    );
    await runtime.until(proxy.close());
    await serve({ flush: false });
    expect(await answerTo('flush_all\r\nflush_all noreply\r\nmn\r\n')).toBe(
      'CLIENT_ERROR flush_all not allowed\r\nMN\r\n',
    );
  });
});

describe('what has no word of its own in the contract', () => {
  test('is refused, and a value is skipped', async () => {
    await serve();
    for (const [request, answer] of [
      ['mg a v h', /flags h and l are not supported/],
      ['ms a 1 I C5\r\nx', /flag I of ms is not supported/],
      ['ma a C5', /flag C of ma is not supported/],
      ['mg a t T5 R5', /flags t, T and R in this order are not supported/],
    ] as const)
      expect(await answerTo(`${request}\r\nmn\r\n`)).toMatch(
        new RegExp(`^CLIENT_ERROR .*${answer.source}.*\r\nMN\r\n$`),
      );
    expect(store.held).toEqual([]);
  });

  test('takes several operations', async () => {
    await serve();
    const life = { expiresIn: 30_000 };
    expect(await answerTo('mg a t T60\r\n', hit('x', life), { kind: 'stored', cas: '' })).toBe('HD t30\r\n');
    expect(await answerTo('ma a v t T60 N0\r\n', hit('5', life), { kind: 'stored', cas: '' })).toBe(
      'VA 1 t30\r\n5\r\n',
    );
    expect(await answerTo('ma a T60 t\r\n', hit('5', life), { kind: 'stored', cas: '' })).toBe('HD t60\r\n');
    expect(await answerTo('ma a T60 t\r\n', hit('5', life), failed())).toMatch(/^SERVER_ERROR/);
    expect(await answerTo('ma a T60\r\n', { kind: 'notFound' })).toBe('NF\r\n');
    expect(await answerTo('mg a T60 R90 v\r\n', hit('x', life), hit('x', { claim: 'won' }))).toBe(
      'VA 1 W\r\nx\r\n',
    );
    expect(await answerTo('mg a T60 R90 v\r\n', hit('x', { claim: 'won', marked: true }), hit('y'))).toBe(
      'VA 1 X W\r\nx\r\n',
    );
    expect(await answerTo('me a\r\n', hit('xyz', life))).toBe('ME a exp=30 cas=7 size=3\r\n');
  });

  test('nothing that comes behind several operations comes between them', async () => {
    await serve();
    const client = await talk();
    client.send('mg b\r\nmd a I\r\nmg a\r\n');
    await runtime.settle();
    expect(keysOf()).toEqual(['b', 'a']);
    store.answer(1, hit('x', { expiresIn: 5000 }));
    await runtime.settle();
    expect(keysOf()).toEqual(['b', 'a']);
    expect(store.answer(1)).toMatchObject({ kind: 'delete' });
    await runtime.settle();
    expect(store.held.map(({ operation }) => operation.kind)).toEqual(['get', 'get']);
  });

  test('a mark that keeps the life of its entry is told that life, and tried again when the entry has changed', async () => {
    await serve();
    const client = await talk();
    client.send('md a I\r\n');
    await runtime.settle();
    store.answer(0, hit('x', { expiresIn: 5000 }));
    await runtime.settle();
    expect(store.answer(0, conflict)).toMatchObject({ kind: 'delete', staleFor: 5000, cas: '7' });
    await runtime.settle();
    store.answer(0, hit('y', { expiresIn: 9000, cas: '8', marked: true }));
    await runtime.settle();
    expect(store.answer()).toMatchObject({ kind: 'release', right: 'stale', cas: '8' });
    await runtime.settle();
    expect(client.take()).toBe('HD\r\n');
    client.send('md a I C7\r\n');
    await runtime.settle();
    store.answer(0, hit('z', { cas: '9', marked: true, claim: 'won' }));
    await runtime.settle();
    // The right that came with looking is nobody's business.
    expect(store.answer()).toMatchObject({ kind: 'release', right: 'stale', cas: '9' });
    await runtime.settle();
    expect(client.take()).toBe('EX\r\n');
  });
});

test('a value that is too large is refused at once, what it was to replace is removed, and the stream goes on', async () => {
  await serve({ maxValueBytes: 1000 });
  const large = `\r\n${'x'.repeat(2000)}\r\n`;
  const words = 'SERVER_ERROR object too large for cache\r\n';
  for (const line of ['set a 0 0 2000', 'ms a 2000', 'ms a 2000 ME q']) {
    expect(await answerTo(`${line}${large}mn\r\n`, { kind: 'notFound' })).toBe(`${words}MN\r\n`);
  }
  expect(await answerTo(`set a 0 0 2000 noreply${large}mn\r\n`, { kind: 'notFound' })).toBe('MN\r\n');
  expect(await answerTo(`append a 0 0 2000${large}mn\r\n`)).toBe(`${words}MN\r\n`);
  expect(store.held).toEqual([]);
  expect(proxy.statistics.store_too_large).toBe(5);
});

test('stats', async () => {
  await serve();
  await answerTo('get a\r\n', hit('x'));
  const said = await answerTo('stats\r\nstats foo\r\nstats reset\r\nstats\r\n');
  expect(said).toMatch(
    /STAT get_hits 1\r\n[^]*END\r\nERROR\r\nRESET\r\nSTAT [^]*STAT get_hits 0\r\n[^]*END\r\n$/,
  );
  expect(said).toContain('STAT curr_connections 1\r\n');
  expect(said).toContain('STAT version 1.6.18-cistern\r\n');
});
