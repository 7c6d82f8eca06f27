import { describe, expect, test } from 'vitest';
import type { PollOptions } from '../../routes/server-list/polled-servers.ts';
import type { ServerList } from '../../routes/server-list/server-list.ts';
import type { Peer } from '../../testing/fake-network.ts';
import { type FakeRuntime, fakeRuntime } from '../../testing/fake-runtime.ts';
import { elastiCacheServers } from './elasticache.ts';

const endpoint = 'shop.abc.cfg.use1.cache.amazonaws.com:11211';
const target = { host: 'shop.abc.cfg.use1.cache.amazonaws.com', port: 11_211 };

const first = 'shop.abc.0001.use1.cache.amazonaws.com|10.82.235.120|11211';
const second = 'shop.abc.0002.use1.cache.amazonaws.com|10.80.249.27|11211';

function answerOf(version: number, ...servers: readonly string[]): string {
  const content = `${version}\n${servers.join(' ')}\n`;
  return `CONFIG cluster 0 ${content.length}\r\n${content}\r\nEND\r\n`;
}

/** A list over a server that says what the test wants, and what that server was asked. */
function scripted(options: PollOptions = {}): {
  runtime: FakeRuntime;
  list: ServerList;
  asked: string[];
  open: () => number;
  says: (answer: string | ((peer: Peer) => void)) => void;
} {
  const runtime = fakeRuntime({ seed: 3 });
  runtime.names.set(target.host, ['10.0.0.9']);
  let answer: string | ((peer: Peer) => void) = '';
  const asked: string[] = [];
  const listener = runtime.listen(target, (peer) => {
    peer.data = (chunk) => {
      asked.push(Buffer.from(chunk).toString());
      if (typeof answer === 'string') peer.write(answer);
      else answer(peer);
    };
  });
  return {
    runtime,
    list: elastiCacheServers(endpoint, { runtime, every: '10s', ...options }),
    asked,
    open: () => listener.peers.size,
    says: (given) => void (answer = given),
  };
}

describe('the servers of a cluster', () => {
  test('are those that its configuration endpoint tells, with their host names as ids', async () => {
    const { runtime, list, asked, open, says } = scripted();
    says(answerOf(12, first, second));
    list.watch(() => undefined);
    await runtime.settle();
    expect(asked).toEqual(['config get cluster\r\n']);
    expect(list.members).toEqual([
      { id: 'shop.abc.0001.use1.cache.amazonaws.com:11211', address: '10.82.235.120:11211', weight: 1 },
      { id: 'shop.abc.0002.use1.cache.amazonaws.com:11211', address: '10.80.249.27:11211', weight: 1 },
    ]);
    expect(open()).toBe(0);
    says(answerOf(13, second));
    await runtime.advance(13_000);
    expect(list.members.map(({ address }) => address)).toEqual(['10.80.249.27:11211']);
  });

  test('without an address go by their names; IPv6 in brackets', async () => {
    const { runtime, list, says } = scripted();
    says(answerOf(1, 'a.example||11211', 'b.example|fd00::7|11212'));
    list.watch(() => undefined);
    await runtime.settle();
    expect(list.members.map(({ address }) => address)).toEqual(['a.example:11211', '[fd00::7]:11212']);
  });

  test('come in whatever pieces the network makes of them', async () => {
    const { runtime, list, says } = scripted();
    runtime.network.chunks = 'bytes';
    says(answerOf(12, first, second));
    list.watch(() => undefined);
    await runtime.settle();
    expect(list.members.length).toBe(2);
  });

  test('an older version is believed when it is told three times', async () => {
    const { runtime, list, says } = scripted();
    says(answerOf(12, first, second));
    list.watch(() => undefined);
    await runtime.settle();
    says(answerOf(11, first));
    await runtime.advance(20_500);
    expect(list.members.length).toBe(2);
    await runtime.advance(20_000);
    expect(list.members.length).toBe(1);
  });

  test.each<[string, string | ((peer: Peer) => void)]>([
    ['an ordinary memcached', 'ERROR\r\n'],
    ['an error', 'SERVER_ERROR out of memory\r\n'],
    ['a list without servers', answerOf(13)],
    ['a damaged server', answerOf(13, first, 'nonsense')],
    ['a wrong length', answerOf(13, first).replace(/ \d+\r/, ' 9\r')],
    ['no version', answerOf(13, first).replace('13\n', 'xx\n')],
    [
      'half an answer',
      (peer) => {
        peer.write(answerOf(13, first).slice(0, 40));
        peer.close();
      },
    ],
    ['nothing', () => undefined],
    ['no end', (peer) => void peer.write('x'.repeat(70_000))],
  ])('stay as they were after %s', async (_, wrong) => {
    const { runtime, list, open, says } = scripted({ timeout: '2s' });
    says(answerOf(12, first, second));
    list.watch(() => undefined);
    await runtime.settle();
    says(wrong);
    await runtime.advance(30_000);
    expect(list.members.length).toBe(2);
    expect(open()).toBeLessThanOrEqual(1);
    says(answerOf(14, first));
    await runtime.advance(15_000);
    expect(list.members.length).toBe(1);
  });

  test('stay as they were while the endpoint cannot be reached', async () => {
    const runtime = fakeRuntime({ seed: 3 });
    const list = elastiCacheServers(endpoint, { runtime });
    list.watch(() => undefined);
    await runtime.advance(60_000);
    expect(list.members).toEqual([]);
  });

  test('a wrong endpoint is refused', () => {
    for (const wrong of ['shop', 'unix:/run/memcached.sock', undefined, ''])
      expect(() => elastiCacheServers(wrong as never)).toThrow(
        expect.objectContaining({ code: 'CISTERN_OPTION' }),
      );
  });
});
