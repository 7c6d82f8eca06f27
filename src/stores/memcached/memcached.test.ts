import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CisternError } from '../../core/error.ts';
import { realRuntime } from '../../core/runtime.ts';
import { type MemcachedServer, startMemcached } from '../../testing/memcached-server.ts';
import { storeContract } from '../../testing/store-contract.ts';
import { withoutMemcached } from '../../../test/servers/real-memcached.ts';
import { memcached } from './memcached.ts';

const timeout = '5s';

const journaled = {
  'an operation whose deadline has passed fails, and nothing is changed':
    'a set that was not sent is a lost invalidation: what it should have replaced is removed',
};

for (const kind of ['TCP', 'a unix socket'] as const) {
  describe.skipIf(withoutMemcached)(`over ${kind}`, () => {
    let server: MemcachedServer;
    beforeAll(async () => {
      server = await startMemcached({ unix: kind !== 'TCP' });
    });
    afterAll(async () => await server.stop());

    storeContract(
      { describe, test },
      {
        name: 'memcached',
        // With fence and journal over one, without over the other.
        deviations: kind === 'TCP' ? journaled : {},
        make: async () => ({
          store: memcached({
            servers: [server.address],
            timeout,
            ...(kind === 'TCP' ? undefined : { fence: false, journal: false }),
          }),
          clock: realRuntime.clock,
          advance: async (milliseconds) =>
            await new Promise((resolve) => void setTimeout(resolve, milliseconds)),
          dispose: async () => undefined,
        }),
      },
    );
  });
}

describe('options', () => {
  test.each([
    { servers: undefined },
    { servers: [] },
    { servers: ['a:1', 'a:1'] },
    { servers: ['a:1', 'b'] },
    { servers: ['127.0.0.1'] },
    { servers: ['127.0.0.1:0'] },
    { servers: ['127.0.0.1:65536'] },
    { servers: ['::1:11211'] },
    { servers: ['unix:relative'] },
    { servers: [':11211'] },
    { servers: ['a b:11211'] },
    { servers: ['http://a:1'] },
    { servers: [11211] },
    { servers: ['a:1'], timeout: 0 },
    { servers: ['a:1'], timeout: 'soon' },
    { servers: ['a:1'], connectTimeout: -1 },
    { servers: ['a:1'], maxInFlight: 0 },
    { servers: ['a:1'], maxInFlight: 1.5 },
    { servers: ['a:1'], maxBytesInFlight: 'much' },
    { servers: ['a:1'], name: '' },
    { servers: ['a:1', 'b:1'], placement: 'maglev' },
    { servers: ['a:1', 'b:1'], salt: 7 },
    { servers: ['a:1', 'b:1'], routingKey: 'k' },
    { servers: ['a:1', 'b:1'], drain: 'soon' },
    { servers: ['a:1', 'b:1'], failOpen: { above: 2 } },
    { servers: ['127.0.0.1:1'], timeOut: 5 },
  ])('%o is refused where it is made, by name', (options) => {
    let thrown: unknown;
    try {
      memcached(options as never);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(CisternError);
    expect(thrown).toMatchObject({ code: 'CISTERN_OPTION' });
    expect(String(thrown)).toContain(`'${Object.keys(options).at(-1)}`);
  });

  test.each([{ pool: { initail: 2 } }, { health: { failure: 2 } }, { journal: { file: '/tmp/journal' } }])(
    'a word that is none is refused: %o',
    (options) => {
      expect(() => memcached({ servers: ['127.0.0.1:1'], ...options } as never)).toThrow(/must be left out/);
    },
  );

  test('a span to flush for that is none is refused', async () => {
    const store = memcached({ servers: ['127.0.0.1:1'] });
    await expect(store.flush(Number.NaN)).rejects.toMatchObject({ code: 'CISTERN_OPTION' });
    await expect(store.flush(-1)).rejects.toMatchObject({ code: 'CISTERN_OPTION' });
    expect(await store.flush(0)).toBe(true);
    await store.close();
  });

  test('no options at all, too', () => {
    expect(() => memcached(undefined as never)).toThrow(/'options' is undefined/);
  });

  test('a name of one’s own, and one that says where the server is', async () => {
    const named = memcached({ servers: ['[::1]:11211'], name: 'pool-a' });
    const plain = memcached({ servers: ['unix:/run/memcached.sock'] });
    expect([named.name, plain.name]).toEqual(['pool-a', 'memcached unix:/run/memcached.sock']);
    await Promise.all([named.close(), plain.close()]);
  });
});
