import { channel } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Operation, Reply, Store } from '../../core/store.ts';
import type { Listener, Peer } from '../../testing/fake-network.ts';
import { type FakeRuntime, fakeRuntime } from '../../testing/fake-runtime.ts';
import { memcached } from './memcached.ts';

type Asked<O = Operation> = O extends Operation
  ? Omit<O, 'deadline'> & { readonly deadline?: number }
  : never;

const life = { freshFor: 60_000, staleFor: 30_000 };
const value = Buffer.from('hello');
const get: Asked = { kind: 'get', key: 'k' };
const set: Asked = { kind: 'set', mode: 'set', key: 'k', value, flags: 5, life };

let runtime: FakeRuntime;
let listener: Listener;
let store: Store;
let version: string;
/** All that the server was sent after the question for its version. */
let sent: string[];
/** What it answers, in turn, to the writes that it gets; nothing when the list is empty. */
let answers: string[];
let peers: Peer[];

function open(options: Partial<Parameters<typeof memcached>[0]> = {}): void {
  store = memcached({ servers: ['127.0.0.1:11211'], runtime, fence: false, journal: false, ...options });
}

/** Asks in one turn, and lets everything happen that needs no time. */
async function ask(...operations: readonly Asked[]): Promise<readonly Reply[]> {
  const replies = operations.map((each) =>
    store.execute({ deadline: runtime.clock.read() + 1000, ...each } as Operation),
  );
  await runtime.settle();
  return await runtime.until(Promise.all(replies));
}

async function one(operation: Asked, answer: string): Promise<Reply> {
  answers.push(answer);
  const [reply] = await ask(operation);
  return reply!;
}

beforeEach(() => {
  runtime = fakeRuntime({ seed: 11 });
  version = 'VERSION 1.6.18\r\n';
  sent = [];
  answers = [];
  peers = [];
  listener = runtime.listen({ host: '127.0.0.1', port: 11_211 }, (peer) => {
    peers.push(peer);
    peer.data = (chunk) => {
      const text = Buffer.from(chunk).toString('latin1');
      if (text === 'version\r\n') peer.write(version);
      else {
        sent.push(text);
        peer.write(answers.shift() ?? '');
      }
    };
  });
  open();
});

afterEach(async () => {
  const closed = store.close();
  await runtime.settle();
  await closed;
});

describe('what goes over the wire', () => {
  test.each<[Asked, string]>([
    [get, 'mg k v f c t\r\n'],
    [{ ...get, lease: 30_000 }, 'mg k v f c t N31\r\n'],
    [{ ...get, lease: 1 }, 'mg k v f c t N2\r\n'],
    [{ ...get, recache: 10_000, touch: life, lease: 5001 }, 'mg k v f c R11 T91 t N7\r\n'],
    [set, `ms k 5 T91 F${2 ** 31 + 30 * 512 + 5} c\r\nhello\r\n`],
    [{ ...set, mode: 'add', cas: '77' }, `ms k 5 T91 F${2 ** 31 + 30 * 512 + 5} ME c C77\r\nhello\r\n`],
    [
      { ...set, value: new Uint8Array(0), flags: 0, life: { freshFor: 1, staleFor: 0 } },
      'ms k 0 T2 F2147483648 c\r\n\r\n',
    ],
    [{ ...set, life: { freshFor: 1e12, staleFor: 1e12 } }, `ms k 5 T2592000 F${2 ** 31 + 5} c\r\nhello\r\n`],
    [
      { ...set, life: { freshFor: 1000, staleFor: 1e12 } },
      `ms k 5 T2592000 F${2 ** 31 + 2_591_998 * 512 + 5} c\r\nhello\r\n`,
    ],
    [{ kind: 'delete', key: 'k' }, 'md k\r\n'],
    [{ kind: 'delete', key: 'k', staleFor: 10_000, cas: '9' }, 'md k I T11 C9\r\n'],
    [{ kind: 'touch', key: 'k', life }, 'mg k s f c T91\r\n'],
    [{ kind: 'count', key: 'k', delta: -3n, initial: { value: 7n, life } }, 'ma k MD D3 N91 J7 v t c\r\n'],
    [{ kind: 'release', key: 'k', right: 'lease', cas: '9' }, 'md k C9\r\n'],
    [{ kind: 'release', key: 'k', right: 'recache', cas: '9' }, 'ms k 0 MA c C9\r\n\r\n'],
    [{ kind: 'release', key: 'k', right: 'stale', cas: '9' }, 'md k I C9\r\n'],
    [{ kind: 'release', key: 'k', right: 'lease', cas: 'x\r\nflush_all' }, 'md k C18446744073709551615\r\n'],
  ])('%o is written %j', async (operation, expected) => {
    await ask(operation);
    expect(sent).toEqual([expected]);
  });

  test('what was checked is what is sent, whatever becomes of the operation', async () => {
    const operation = { kind: 'get', key: 'k', deadline: runtime.clock.read() + 1000 };
    answers.push('EN\r\n');
    const reply = store.execute(operation as Operation);
    operation.key = 'k\r\nflush_all\r\nmg k';
    await runtime.settle();
    expect(sent).toEqual(['mg k v f c t\r\n']);
    expect(await reply).toMatchObject({ kind: 'miss' });
  });

  test('one write for all that is asked in one turn', async () => {
    answers.push('EN\r\nEN\r\nHD c1\r\nEN\r\n');
    expect((await ask(get, get, set, get)).map((reply) => reply.kind)).toEqual([
      'miss',
      'miss',
      'stored',
      'miss',
    ]);
    expect(sent).toHaveLength(1);
  });
});

describe('what an answer to a get means', () => {
  const flags = 2 ** 31 + 30 * 512 + 5;
  const hit = { kind: 'hit', flags: 5, cas: '9', marked: false, claim: 'none' };
  test.each<[string, object, Asked?]>([
    ['EN\r\n', { kind: 'miss', lease: 'none', cas: '' }],
    [`VA 5 f${flags} c9 t91\r\nhello\r\n`, { ...hit, freshFor: 60_000, expiresIn: 91_000 }],
    [`VA 5 f${flags} c9 t31\r\nhello\r\n`, { ...hit, freshFor: 0, expiresIn: 31_000 }],
    [`VA 5 f${flags} c9 t1 W\r\nhello\r\n`, { ...hit, freshFor: -30_000, expiresIn: 1000, claim: 'won' }],
    [`VA 5 f${flags} c9 t91 Z\r\nhello\r\n`, { ...hit, freshFor: 60_000, claim: 'lost' }],
    [`VA 5 f${flags} c9 t91 X W\r\nhello\r\n`, { ...hit, freshFor: 0, marked: true, claim: 'won' }],
    [`VA 5 f${flags} c9 t20 Z X\r\nhello\r\n`, { ...hit, freshFor: -11_000, marked: true, claim: 'lost' }],
    ['VA 5 f1536 c9 t91\r\nhello\r\n', { ...hit, flags: 0, freshFor: 90_000, expiresIn: 91_000 }],
    ['VA 5 f513 c9 t-1\r\nhello\r\n', { ...hit, flags: 1, freshFor: Infinity, expiresIn: Infinity }],
    [`VA 0 f${2 ** 31} c9 t91 Z\r\n\r\n`, { ...hit, flags: 0, freshFor: 90_000, claim: 'lost' }],
    ['VA 0 f0 c9 t-1 W\r\n\r\n', { kind: 'miss', lease: 'won', cas: '9' }, { ...get, lease: 1000 }],
    ['VA 0 f0 c9 t30 Z\r\n\r\n', { kind: 'miss', lease: 'lost', cas: '9' }, { ...get, lease: 1000 }],
    ['VA 0 f0 c9 t30 Z\r\n\r\n', { kind: 'miss', lease: 'none', cas: '' }],
    [`VA 5 f${flags} c9 t4294967148\r\nhello\r\n`, { kind: 'miss', lease: 'none', cas: '' }],
    [`VA 5 f${flags} c0 t91 W\r\nhello\r\n`, { ...hit, cas: '', claim: 'none' }],
  ])('%j', async (answer, expected, operation = get) => {
    expect(await one(operation, answer)).toMatchObject(expected);
  });
});

describe('rights that nobody takes are given back', () => {
  test.each([
    ['a lease', { ...get, lease: 1000 }, 'VA 0 f0 c20 t-1 W\r\n\r\n', 'md k C20\r\n'],
    ['a recache', { ...get, recache: 1000 }, `VA 1 f${2 ** 31} c21 t5 W\r\nx\r\n`, 'ms k 0 MA c C21\r\n\r\n'],
    ['a marked entry', get, `VA 1 f${2 ** 31} c22 t5 X W\r\nx\r\n`, 'md k I C22\r\n'],
  ] as const)('%s that is won after its asker has left', async (_what, operation, answer, release) => {
    const [reply] = await ask(operation);
    expect(reply).toMatchObject({ kind: 'failed', applied: 'no', error: { code: 'CISTERN_TIMEOUT' } });
    answers.push('HD\r\n');
    peers[0]!.write(answer);
    await runtime.settle();
    expect(sent.slice(1)).toEqual([release]);
    expect(await one(get, 'EN\r\n')).toMatchObject({ kind: 'miss' });
  });

  test.each([
    [
      'a touch of a marked entry',
      { kind: 'touch', key: 'k', life },
      'HD s1 f2147483648 c7 X W\r\n',
      'md k I C7\r\n',
    ],
    ['a get without lease of a marked placeholder', get, 'VA 0 f0 c7 t5 X W\r\n\r\n', 'md k C7\r\n'],
  ] as const)('%s', async (_what, operation, answer, release) => {
    await one(operation, answer);
    expect(sent.slice(1)).toEqual([release]);
  });

  test('a late answer that wins nothing is dropped', async () => {
    await ask({ ...get, lease: 1000 });
    peers[0]!.write('VA 0 f0 c20 t9 Z\r\n\r\n');
    await runtime.settle();
    expect(sent).toHaveLength(1);
  });
});

describe('a server without CAS values', () => {
  test('c0: the lease is answered none, and no other is asked for on this connection', async () => {
    expect(await one({ ...get, lease: 1000 }, 'VA 0 f0 c0 t-1 W\r\n\r\n')).toEqual({
      kind: 'miss',
      lease: 'none',
      cas: '',
    });
    await one({ ...get, lease: 1000, recache: 1000 }, 'EN\r\n');
    expect(sent).toEqual(['mg k v f c t N2\r\n', 'mg k v f c t\r\n']);
  });

  test('nor is one asked for on a version whose CAS values are wrong', async () => {
    version = 'VERSION 1.6.12\r\n';
    await one({ ...get, key: 'first' }, 'EN\r\n');
    await one({ ...get, lease: 1000 }, 'EN\r\n');
    expect(sent.at(-1)).toBe('mg k v f c t\r\n');
  });
});

describe('servers that cannot be used', () => {
  test.each([
    ['VERSION 1.6.6\r\n', /1\.6\.6.* too old/],
    ['ERROR Too many open connections\r\n', /Too many open connections/],
    ['CLIENT_ERROR unauthenticated\r\n', /unauthenticated/],
    ['SSH-2.0-OpenSSH_9.2\r\n', /SSH-2\.0/],
    ['HTTP/1.1 400 Bad Request\r\n\r\n', /HTTP/],
    ['HD\r\n', /version/],
  ])('%j: everything fails unsent', async (answer, problem) => {
    version = answer;
    const replies = await ask(get, set);
    for (const reply of replies) {
      expect(reply).toMatchObject({ kind: 'failed', applied: 'no' });
      expect(String((reply as { error: Error }).error)).toMatch(problem);
    }
    expect(sent).toEqual([]);
  });

  test('one that hides its version is used', async () => {
    version = 'ERROR\r\n';
    expect(await one(get, 'EN\r\n')).toMatchObject({ kind: 'miss' });
  });
});

describe('error lines', () => {
  const mode = { step: 1, same: 1 };
  test.each<[Asked, string, 'no' | 'unknown', keyof typeof mode]>([
    [set, 'SERVER_ERROR object too large for cache', 'unknown', 'same'],
    [set, 'SERVER_ERROR out of memory storing object', 'unknown', 'same'],
    [set, 'CLIENT_ERROR invalid flag', 'no', 'same'],
    [set, 'CLIENT_ERROR bad command line format', 'no', 'step'],
    [set, 'CLIENT_ERROR bad data chunk', 'no', 'step'],
    [set, 'ERROR', 'no', 'step'],
    [{ kind: 'release', key: 'k', right: 'recache', cas: '1' }, 'CLIENT_ERROR bad data chunk', 'no', 'step'],
    [get, 'SERVER_ERROR refcount overflow during fetch', 'no', 'same'],
    [get, 'CLIENT_ERROR bad command line format', 'no', 'same'],
    [
      { kind: 'count', key: 'k', delta: 1n },
      'CLIENT_ERROR cannot increment or decrement non-numeric value',
      'no',
      'same',
    ],
    [
      { kind: 'count', key: 'k', delta: 1n },
      'SERVER_ERROR Out of memory allocating new item',
      'unknown',
      'same',
    ],
  ])('%o answered %j', async (operation, line, applied, after) => {
    answers.push(`${line}\r\n${after === 'same' ? 'EN\r\n' : 'EN\r\nEN\r\n'}`);
    const [reply, next] = await ask(operation, get);
    expect(reply).toMatchObject({ kind: 'failed', applied, error: { code: 'CISTERN_SERVER' } });
    expect(String((reply as { error: Error }).error)).toContain(line);
    if (after === 'same') expect(next).toMatchObject({ kind: 'miss' });
    else expect(next).toMatchObject({ kind: 'failed', error: { code: 'CISTERN_PROTOCOL' } });
    expect(await one(get, 'EN\r\n')).toMatchObject({ kind: 'miss' });
    expect(listener.accepted).toBe(after === 'same' ? 1 : 2);
  });

  test('a value that the server could not store is reported with the loss of the old one', async () => {
    const reply = await one(set, 'SERVER_ERROR object too large for cache\r\n');
    expect(String((reply as { error: Error }).error)).toContain('the old value is gone');
  });
});

describe('answers out of step destroy the socket and fail all that is pending', () => {
  test.each([
    ['a code that does not belong', set, 'VA 1 c1\r\nx\r\nEN\r\n'],
    ['a hit without its time to live', get, 'VA 1 c1 f0\r\nx\r\nEN\r\n'],
    ['an unknown code', get, 'ZZ\r\nEN\r\n'],
    ['a classic answer', get, 'STORED\r\nEN\r\n'],
    ['a value of another size', get, 'VA 1 c1 f0 t1\r\nxy\r\nEN\r\n'],
  ] as const)('%s', async (_what, operation, answer) => {
    answers.push(answer);
    const replies = await ask(operation, get, set);
    for (const reply of replies)
      expect(reply).toMatchObject({ kind: 'failed', error: { code: 'CISTERN_PROTOCOL' } });
    expect(replies[1]).toMatchObject({ applied: 'no' });
    expect(replies[2]).toMatchObject({ applied: 'unknown' });
    expect(await one(get, 'EN\r\n')).toMatchObject({ kind: 'miss' });
    expect(listener.accepted).toBe(2);
  });

  test('one answer too many, too', async () => {
    expect(await one(get, 'EN\r\nEN\r\n')).toMatchObject({ kind: 'miss' });
    expect(await one(get, 'EN\r\n')).toMatchObject({ kind: 'miss' });
    expect(listener.accepted).toBe(2);
  });
});

test('a timed-out write is unknown, a timed-out read is not, and one that touches is', async () => {
  const replies = await ask(get, set, { ...get, touch: life }, { kind: 'delete', key: 'k' });
  expect(replies.map((reply) => reply.kind === 'failed' && reply.applied)).toEqual([
    'no',
    'unknown',
    'unknown',
    'unknown',
  ]);
});

test('failures and connections are told to who listens', async () => {
  const told: unknown[] = [];
  const hear = (message: unknown): void => void told.push(message);
  const channels = ['store-failed', 'connection'].map((kind) => channel(`cistern:${kind}`));
  for (const each of channels) each.subscribe(hear);
  try {
    await one(get, 'EN\r\n');
    await one(set, 'SERVER_ERROR out of memory storing object\r\n');
    await ask({ kind: 'get', key: 'a b' });
    listener.cutAll();
    await runtime.settle();
  } finally {
    for (const each of channels) each.unsubscribe(hear);
  }
  expect(told).toMatchObject([
    { store: 'memcached 127.0.0.1:11211', state: 'opened' },
    { operation: 'set', key: 'k', applied: 'unknown', error: { code: 'CISTERN_SERVER' } },
    { operation: 'get', key: 'a b', applied: 'no', error: { code: 'CISTERN_OPTION' } },
    { state: 'closed', error: { code: 'CISTERN_UNAVAILABLE' } },
  ]);
});
