import { writeFileSync } from 'node:fs';
import { afterEach, beforeAll, afterAll, describe, expect, test } from 'vitest';
import { Certificates, withoutOpenssl } from '../../../test/servers/certificates.ts';
import { withoutMemcached } from '../../../test/servers/real-memcached.ts';
import type { Reply, Store } from '../../core/store.ts';
import { startMemcached } from '../../testing/memcached-server.ts';
import { seededRandom } from '../../testing/seeded-random.ts';
import { memcached, type MemcachedOptions } from './memcached.ts';

const life = { freshFor: 600_000, staleFor: 0 };
/** What the running test has to end, last first. */
const toEnd: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of toEnd.splice(0).toReversed()) await end();
});

let certificates: Certificates;
beforeAll(() => {
  certificates = new Certificates();
});
afterAll(() => certificates.remove());

const pem = (file: string): string => certificates.pem(file);

async function start(...args: readonly string[]): Promise<string> {
  const server = await startMemcached({ args });
  toEnd.push(() => server.stop());
  return server.address;
}

function open(address: string, options: Partial<MemcachedOptions>): Store {
  const store = memcached({ servers: [address], timeout: '5s', connectTimeout: '5s', ...options });
  toEnd.push(() => store.close());
  return store;
}

const set = (value: string, store: Store): Promise<Reply> =>
  store.execute({
    kind: 'set',
    mode: 'set',
    key: 'k',
    value: Buffer.from(value),
    flags: 0,
    life,
    deadline: Infinity,
  });
const get = (store: Store): Promise<Reply> => store.execute({ kind: 'get', key: 'k', deadline: Infinity });

function problemOf(reply: Reply): string {
  return reply.kind === 'failed'
    ? `${(reply.error as { code?: string }).code} ${reply.error.message}`
    : reply.kind;
}

describe.skipIf(withoutMemcached || withoutOpenssl)('TLS', () => {
  beforeAll(() => {
    certificates.make('server', 'DNS:cache.internal,IP:127.0.0.1');
    certificates.make('client', 'DNS:client');
    certificates.make('stranger', 'DNS:cache.internal');
  });

  const secured = (...more: readonly string[]): Promise<string> =>
    start(...certificates.memcachedArguments('server', ...more));

  test('values of all sizes come back; a name or the address is checked', async () => {
    const address = await secured();
    for (const servername of ['cache.internal', undefined]) {
      const store = open(address, { tls: { ca: pem('server.pem'), ...(servername && { servername }) } });
      for (const size of [0, 10, 20_000, 900_000]) {
        const value = 'v'.repeat(size);
        expect(problemOf(await set(value, store))).toBe('stored');
        const reply = await get(store);
        expect(reply.kind === 'hit' && Buffer.from(reply.value).toString() === value).toBe(true);
      }
    }
  });

  // Servers before 1.6.39 stop reading in the middle of what they have, until more comes.
  test('no request is left lying in the server: turns of any size, one after the other and together', async () => {
    const random = seededRandom(5);
    const store = open(await secured(), { tls: { ca: pem('server.pem') }, timeout: '2s' });
    for (let round = 0; round < 60; round++) {
      const asked: Promise<boolean>[] = [];
      for (let turn = random() * 4; turn > 0; turn--) {
        for (let each = random() * 150; each > 0; each--) {
          const key = `k${Math.floor(random() * 1e9)}`;
          const value = key.repeat(1 + random() ** 4 * 2000);
          const life = { freshFor: 600_000, staleFor: 0 };
          const stored = store.execute({
            kind: 'set',
            mode: 'set',
            key,
            value: Buffer.from(value),
            flags: 0,
            life,
            deadline: Infinity,
          });
          const read = store.execute({ kind: 'get', key, deadline: Infinity });
          asked.push(
            Promise.all([stored, read]).then(
              ([one, two]) =>
                one.kind === 'stored' && two.kind === 'hit' && Buffer.from(two.value).toString() === value,
            ),
          );
        }
        await new Promise((resolve) => void setImmediate(resolve));
      }
      expect((await Promise.all(asked)).every(Boolean), `round ${round}`).toBe(true);
    }
  });

  test.each([
    ['that nobody vouches for', {}, /self-signed|self signed/i],
    ['for another name', { ca: 'server.pem', servername: 'other.internal' }, /other\.internal/],
    [
      'of somebody else',
      { ca: 'stranger.pem', servername: 'cache.internal' },
      /self-signed|self signed|verify/i,
    ],
  ])('a certificate %s is refused, and nothing is sent', async (_what, tls, problem) => {
    const { ca, ...rest } = tls as { readonly ca?: string; readonly servername?: string };
    const address = await secured();
    const store = open(address, { tls: { ...rest, ...(ca !== undefined && { ca: pem(ca) }) } });
    const reply = problemOf(await set('secret', store));
    expect(reply).toMatch(/CISTERN_(UNAVAILABLE|DOWN)/);
    expect(reply).toMatch(problem);
    expect((await get(open(address, { tls: { ca: pem('server.pem') } }))).kind).toBe('miss');
  });

  test('a server that wants a certificate of ours gets it, and refuses without one', async () => {
    const address = await secured('ssl_verify_mode=2', `ssl_ca_cert=${certificates.path('client.pem')}`);
    const ours = { ca: pem('server.pem'), cert: pem('client.pem'), key: pem('client.key') };
    expect(problemOf(await set('v', open(address, { tls: ours })))).toBe('stored');
    const without = await set('v', open(address, { tls: { ca: pem('server.pem') }, timeout: '1s' }));
    expect(without.kind).toBe('failed');
  });

  test('a certificate that cannot be read is an error of the connection, not of the process', async () => {
    const address = await secured();
    const broken = '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n';
    const reply = await set('v', open(address, { tls: { ca: broken, cert: broken, key: broken } }));
    expect(problemOf(reply)).toMatch(/CISTERN_(UNAVAILABLE|DOWN)/);
  });

  test('a plain server, and a plain client', async () => {
    const plain = await start();
    expect((await set('v', open(plain, { tls: { ca: pem('server.pem') } }))).kind).toBe('failed');
    const address = await secured();
    expect((await set('v', open(address, { timeout: '1s', connectTimeout: '1s' }))).kind).toBe('failed');
  });
});

describe.skipIf(withoutMemcached)('authentication', () => {
  const guarded = (): Promise<string> => {
    writeFileSync(certificates.path('users'), 'app:open:sesame!\nother:x\n', { mode: 0o644 });
    return start('-Y', certificates.path('users'));
  };

  test('with name and password; a password may have colons', async () => {
    const address = await guarded();
    for (const authentication of [
      { username: 'app', password: 'open:sesame!' },
      { username: 'other', password: 'x' },
    ]) {
      const store = open(address, { authentication });
      expect(problemOf(await set('v', store))).toBe('stored');
      expect((await get(store)).kind).toBe('hit');
    }
  });

  test('with a wrong password, or none: everything fails unsent, and the message does not show it', async () => {
    const address = await guarded();
    for (const authentication of [{ username: 'app', password: 'hunter2' }, undefined]) {
      const store = open(address, { pool: { initial: 0 }, ...(authentication && { authentication }) });
      const reply = await set('v', store);
      expect(reply).toMatchObject({ kind: 'failed', applied: 'no', error: { code: 'CISTERN_UNAVAILABLE' } });
      expect(problemOf(reply)).not.toContain('hunter2');
      expect(problemOf(reply)).toMatch(authentication === undefined ? /unauthenticated/ : /password/);
      const later = await store.execute({ kind: 'get', key: 'other', deadline: Infinity });
      expect(later).toMatchObject({ kind: 'failed', error: { code: 'CISTERN_DOWN' } });
    }
  });
});

describe.skipIf(withoutMemcached)('addresses', () => {
  test('IPv6', async () => {
    const server = await startMemcached({ host: '::1' });
    toEnd.push(() => server.stop());
    expect(server.address).toMatch(/^\[::1\]:\d+$/);
    expect(problemOf(await set('v', open(server.address, {})))).toBe('stored');
  });

  test('a host name with several addresses, of which one answers', async () => {
    const server = await startMemcached();
    toEnd.push(() => server.stop());
    expect(problemOf(await set('v', open(`localhost:${server.port}`, {})))).toBe('stored');
  });
});

describe('options', () => {
  test.each<[string, Partial<MemcachedOptions>]>([
    ['tls', { tls: true as never }],
    ['tls.ca', { tls: { ca: '/etc/ssl/ca.pem' } }],
    ['tls.ca', { tls: { ca: [] } }],
    ['tls.key', { tls: { cert: '-----BEGIN CERTIFICATE-----' } }],
    ['tls.servername', { tls: { servername: '' } }],
    ['tls.rejectUnauthorized', { tls: { rejectUnauthorized: false } as never }],
    ['authentication', { authentication: 'me' as never }],
    ['authentication.username', { authentication: { username: 'a b', password: 'c' } }],
    ['authentication.username', { authentication: { username: 'a:b', password: 'c' } }],
    ['authentication.password', { authentication: { username: 'a', password: '' } }],
    ['authentication.password', { authentication: { username: 'a', password: 'geheim\r\nflush_all' } }],
    ['pool', { pool: 3 as never }],
    ['pool.initial', { pool: { initial: -1 } }],
    ['pool.max', { pool: { initial: 3, max: 2 } }],
    ['pool.burst', { pool: { burst: 0.5 } }],
    ['pool.idle', { pool: { idle: 0 } }],
    ['health', { health: 'good' as never }],
    ['health.failures', { health: { failures: 0 } }],
    ['health.firstPause', { health: { firstPause: 0 } }],
    ['health.longestPause', { health: { firstPause: '1s', longestPause: '500ms' } }],
  ])('%s is refused where it is made, by name and without what is secret', (option, options) => {
    let thrown: unknown;
    try {
      memcached({ servers: ['127.0.0.1:11211'], ...options });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'CISTERN_OPTION' });
    expect(String(thrown)).toContain(`'${option}'`);
    expect(String(thrown)).not.toMatch(/geheim|BEGIN/);
  });

  test('TLS over a unix socket needs to be told the name', () => {
    expect(() => memcached({ servers: ['unix:/x'], tls: {} })).toThrow(/'tls\.servername'/);
  });
});
