import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Events } from '../../core/events.ts';
import type { ServiceRecord } from '../../core/runtime.ts';
import { fakeRuntime } from '../../testing/fake-runtime.ts';
import { dnsServers } from './dns-servers.ts';
import { fileServers } from './file-servers.ts';
import { type PollOptions, polledServers } from './polled-servers.ts';
import type { Server, ServerList } from './server-list.ts';
import { staticServers } from './static-servers.ts';

const seed = 7;
const refused = expect.objectContaining({ code: 'CISTERN_OPTION' });
const ids = (list: ServerList): string[] => list.members.map(({ id }) => id);

let told: Events['servers'][] = [];
const listener = (message: unknown): void => void told.push(message as Events['servers']);
subscribe('cistern:servers', listener);
afterEach(() => {
  told = [];
});
afterAll(() => void unsubscribe('cistern:servers', listener));

describe('static servers', () => {
  test('an address is a member with itself as id', () => {
    expect(staticServers(['10.0.0.1:11211', { address: 'b:1', id: 'second', weight: 2.5 }]).members).toEqual([
      { id: '10.0.0.1:11211', address: '10.0.0.1:11211', weight: 1 },
      { id: 'second', address: 'b:1', weight: 2.5 },
    ]);
  });

  test.each([
    [[]],
    [undefined],
    ['a:1'],
    [['a:1', 'a:1']],
    [
      [
        { address: 'a:1', id: 'x' },
        { address: 'b:1', id: 'x' },
      ],
    ],
    [[{ address: 'a:1', weight: 0 }]],
    [[{ address: 'a:1', weight: Number.NaN }]],
    [[{ address: 'a:1', weight: '2' }]],
    [[{ address: 'a:1', id: '' }]],
    [[{ id: 'a' }]],
    [['a\n:1']],
    [['']],
    [[7]],
    [[null]],
  ])('%j is refused', (servers) => {
    expect(() => staticServers(servers as never)).toThrow(refused);
  });
});

/** A list that answers what the test says, and how often it was asked. */
function scripted(options: PollOptions = {}): {
  list: ServerList;
  runtime: ReturnType<typeof fakeRuntime>;
  answer: (next: readonly Server[] | Error | 'never') => void;
  reads: () => number;
} {
  const runtime = fakeRuntime({ seed });
  let next: readonly Server[] | Error | 'never' = ['a:1', 'b:1'];
  let reads = 0;
  const read = async (): Promise<readonly Server[]> => {
    reads++;
    if (next === 'never') return await new Promise(() => undefined);
    if (next instanceof Error) throw next;
    return next;
  };
  return {
    list: polledServers(read, { runtime, every: '10s', name: 'mine', ...options }),
    runtime,
    answer: (given) => void (next = given),
    reads: () => reads,
  };
}

describe('polled servers', () => {
  test('are not read before somebody watches, and not after the last one has left', async () => {
    const { list, runtime, reads } = scripted();
    await runtime.advance(60_000);
    expect([reads(), list.members]).toEqual([0, []]);
    const leave = [list.watch(() => undefined), list.watch(() => undefined)];
    await runtime.settle();
    expect([reads(), ids(list)]).toEqual([1, ['a:1', 'b:1']]);
    leave[0]!();
    leave[0]!();
    await runtime.advance(60_000);
    expect(reads()).toBeGreaterThan(4);
    const before = reads();
    leave[1]!();
    await runtime.advance(60_000);
    expect(reads()).toBe(before);
    expect(runtime.timers).toBe(0);
    expect(ids(list)).toEqual(['a:1', 'b:1']);
  });

  test('tell their watchers of changes alone', async () => {
    const { list, runtime, answer } = scripted();
    let changes = 0;
    list.watch(() => changes++);
    await runtime.advance(30_000);
    const first = list.members;
    expect(changes).toBe(1);
    answer(['b:1', { address: 'a:1', weight: 2 }]);
    await runtime.advance(13_000);
    expect(changes).toBe(2);
    expect(list.members).not.toBe(first);
    await runtime.advance(30_000);
    expect(changes).toBe(2);
    expect(told).toEqual([
      { list: 'mine', servers: ['a:1', 'b:1'] },
      { list: 'mine', servers: ['b:1', 'a:1'] },
    ]);
  });

  test('are read at times that differ by up to a quarter', async () => {
    const runtime = fakeRuntime({ seed });
    const times: number[] = [];
    polledServers(
      () => {
        times.push(runtime.clock.read());
        return ['a:1'];
      },
      { runtime, every: 1000 },
    ).watch(() => undefined);
    await runtime.advance(100_000);
    const pauses = times.slice(1).map((time, index) => time - times[index]!);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(750);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1251);
    expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(300);
  });

  test.each<[string, readonly Server[] | Error | 'never']>([
    ['fails', new Error('no route')],
    ['answers none', []],
    ['answers nonsense', [{ address: 'a:1', weight: -1 }]],
    ['never settles', 'never'],
  ])('stay as they were when the function %s', async (_, wrong) => {
    const { list, runtime, answer, reads } = scripted();
    let changes = 0;
    list.watch(() => changes++);
    await runtime.settle();
    answer(wrong);
    await runtime.advance(40_000);
    expect([ids(list), changes]).toEqual([['a:1', 'b:1'], 1]);
    expect(told.at(-1)).toMatchObject({ list: 'mine', servers: ['a:1', 'b:1'], error: expect.any(Error) });
    const before = reads();
    answer(['c:1']);
    await runtime.advance(18_000);
    expect(reads()).toBeGreaterThan(before);
    expect([ids(list), changes]).toEqual([['c:1'], 2]);
  });

  test('that come too late are not taken', async () => {
    const runtime = fakeRuntime({ seed });
    const answers: ((servers: readonly Server[]) => void)[] = [];
    const list = polledServers(async () => await new Promise((resolve) => answers.push(resolve)), {
      runtime,
    });
    list.watch(() => undefined);
    await runtime.advance(5000);
    answers[0]!(['late:1']);
    await runtime.advance(1000);
    expect(list.members).toEqual([]);
    answers[1]!(['right:1']);
    await runtime.settle();
    expect(ids(list)).toEqual(['right:1']);
  });

  test('are asked for sooner as long as nothing is known, with growing pauses', async () => {
    const { list, runtime, answer, reads } = scripted({ every: '1m' });
    answer(new Error('not yet'));
    list.watch(() => undefined);
    await runtime.advance(1000);
    expect(reads()).toBeGreaterThanOrEqual(3);
    expect(reads()).toBeLessThanOrEqual(5);
    await runtime.advance(600_000);
    expect(reads()).toBeLessThan(22);
    answer(['a:1']);
    await runtime.advance(75_000);
    expect(ids(list)).toEqual(['a:1']);
  });

  test('are read at once when somebody says so, once a second at most', async () => {
    const { list, runtime, answer, reads } = scripted({ every: '1h' });
    list.look();
    expect(reads()).toBe(0);
    list.watch(() => undefined);
    await runtime.advance(5000);
    answer(['c:1']);
    list.look();
    list.look();
    await runtime.settle();
    expect([ids(list), reads()]).toEqual([['c:1'], 2]);
    for (let time = 0; time < 100; time++) {
      list.look();
      await runtime.advance(100);
    }
    expect(reads()).toBeLessThanOrEqual(13);
    expect(reads()).toBeGreaterThanOrEqual(10);
  });

  test('wrong spans are refused', () => {
    expect(() => polledServers(() => [], { every: 0 })).toThrow(refused);
    expect(() => polledServers(() => [], { timeout: 'soon' as never })).toThrow(refused);
  });
});

describe('servers in a file', () => {
  const path = '/etc/cache/servers.json';

  test('are read from JSON, and again when it changes', async () => {
    const runtime = fakeRuntime({ seed });
    runtime.disk.set(path, Buffer.from('["a:1", { "address": "b:1", "id": "b", "weight": 3 }]'));
    const list = fileServers(path, { runtime });
    list.watch(() => undefined);
    await runtime.settle();
    expect(list.members).toEqual([
      { id: 'a:1', address: 'a:1', weight: 1 },
      { id: 'b', address: 'b:1', weight: 3 },
    ]);
    runtime.disk.set(path, Buffer.from('["c:1"]'));
    await runtime.advance(6300);
    expect(ids(list)).toEqual(['c:1']);
  });

  test.each([
    ['cut short', '["a:1", "b:'],
    ['empty', ''],
    ['an empty list', '[]'],
    ['no list', '{"a:1": 1}'],
    ['with a wrong line', '["a:1", 7]'],
    ['not UTF-8', Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])],
    ['gone', undefined],
  ])('stay as they were when it is %s', async (_, content) => {
    const runtime = fakeRuntime({ seed });
    runtime.disk.set(path, Buffer.from('["good:1"]'));
    const list = fileServers(path, { runtime });
    list.watch(() => undefined);
    await runtime.settle();
    if (content === undefined) runtime.disk.delete(path);
    else runtime.disk.set(path, Buffer.from(content));
    await runtime.advance(20_000);
    expect(ids(list)).toEqual(['good:1']);
    expect(told.at(-1)).toMatchObject({ list: `file ${path}`, error: expect.any(Error) });
  });
});

describe('servers that a name server tells', () => {
  test('addresses, in an order of their own', async () => {
    const runtime = fakeRuntime({ seed });
    runtime.names.set('cache', ['10.0.0.2', '10.0.0.1', 'fd00::1']);
    const list = dnsServers({ host: 'cache', port: 11_211 }, { runtime });
    let changes = 0;
    list.watch(() => changes++);
    await runtime.settle();
    expect(ids(list)).toEqual(['10.0.0.1:11211', '10.0.0.2:11211', '[fd00::1]:11211']);
    runtime.names.set('cache', ['fd00::1', '10.0.0.1', '10.0.0.2']);
    await runtime.advance(90_000);
    expect(changes).toBe(1);
    runtime.names.delete('cache');
    await runtime.advance(90_000);
    expect(ids(list).length).toBe(3);
    expect(told.at(-1)).toMatchObject({ list: 'dns cache', error: { code: 'ENOTFOUND' } });
  });

  const record = (host: string, weight: number, priority = 10): ServiceRecord => ({
    host,
    port: 11_211,
    priority,
    weight,
  });

  test.each<[string, readonly ServiceRecord[], readonly (readonly [string, number])[]]>([
    [
      'equal weights are 1',
      [record('b', 33), record('a', 33)],
      [
        ['a:11211', 1],
        ['b:11211', 1],
      ],
    ],
    [
      'others are kept',
      [record('b', 0), record('a', 50)],
      [
        ['a:11211', 50],
        ['b:11211', 1],
      ],
    ],
    ['the lowest priority counts', [record('b', 1, 5), record('a', 9, 10)], [['b:11211', 1]]],
  ])('services: %s', async (_, records, expected) => {
    const runtime = fakeRuntime({ seed });
    runtime.services.set('_memcached._tcp.cache', records);
    const list = dnsServers({ service: '_memcached._tcp.cache' }, { runtime });
    list.watch(() => undefined);
    await runtime.settle();
    expect(list.members.map(({ id, weight }) => [id, weight])).toEqual(expected);
  });

  test('wrong names and ports are refused', () => {
    for (const wrong of [{ host: '', port: 1 }, { host: 'a', port: 0 }, { service: '' }])
      expect(() => dnsServers(wrong)).toThrow(refused);
  });
});
