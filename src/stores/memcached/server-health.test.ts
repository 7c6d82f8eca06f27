import { spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withoutMemcached } from '../../../test/servers/real-memcached.ts';
import type { Operation, Reply } from '../../core/store.ts';
import { HealthGroup } from '../../net/health-group.ts';
import { startFaultProxy } from '../../testing/fault-proxy.ts';
import {
  type MemcachedServer,
  type MemcachedServerOptions,
  startMemcached,
} from '../../testing/memcached-server.ts';
import type { ServerParts, ServerStore } from './server-parts.ts';
import { memcachedServer, type ServerOptions } from './server.ts';

/** What the running test has to end, last first. */
const toEnd: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of toEnd.splice(0).toReversed()) await end();
});

let told: string[];
const tell = (message: unknown, channel: string | symbol): void =>
  void told.push(
    `${(message as { store: string }).store} ${String(channel).slice('cistern:server-'.length)}`,
  );
beforeEach(() => {
  told = [];
  for (const kind of ['down', 'up']) subscribe(`cistern:server-${kind}`, tell);
});
afterEach(() => {
  for (const kind of ['down', 'up']) unsubscribe(`cistern:server-${kind}`, tell);
});

async function start(options: MemcachedServerOptions = {}): Promise<MemcachedServer> {
  const server = await startMemcached(options);
  toEnd.push(() => server.stop());
  return server;
}

function open(server: string, options: Partial<ServerOptions> = {}, parts: ServerParts = {}): ServerStore {
  const store = memcachedServer({ server, name: 'box', ...options }, parts);
  toEnd.push(() => store.close());
  return store;
}

const get = (key = 'k'): Operation => ({ kind: 'get', key, deadline: Infinity });
const codeOf = (reply: Reply): string =>
  reply.kind === 'failed' ? (reply.error as { readonly code?: string }).code! : reply.kind;
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));

async function until(what: () => boolean | Promise<boolean>, limit = 10_000): Promise<void> {
  const last = performance.now() + limit;
  while (!(await what())) {
    if (performance.now() > last) throw new Error(`It is not so after ${limit} ms: ${String(what)}`);
    await pause(2);
  }
}

const answers = async (store: ServerStore): Promise<boolean> => (await store.execute(get())).kind === 'miss';

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** One request after the other, and what became of them and how long they took. */
async function ask(
  store: ServerStore,
  milliseconds: number,
): Promise<{ codes: Map<string, number>; longest: number }> {
  const codes = new Map<string, number>();
  let longest = 0;
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    const begin = performance.now();
    const code = codeOf(await store.execute(get()));
    longest = Math.max(longest, performance.now() - begin);
    codes.set(code, (codes.get(code) ?? 0) + 1);
    await pause(1);
  }
  return { codes, longest };
}

describe.skipIf(withoutMemcached)('a real server', () => {
  test('that is stopped (SIGSTOP) is found out by timeouts, then costs no time, and is back soon after it goes on', async () => {
    const server = await start();
    const store = open(server.address, {
      timeout: '150ms',
      connectTimeout: '200ms',
      health: { longestPause: '200ms' },
    });
    await until(() => answers(store));
    server.frozen();
    await until(async () => codeOf(await store.execute(get())) === 'CISTERN_DOWN');
    expect(told).toEqual(['box down']);
    const { codes, longest } = await ask(store, 1000);
    expect([...codes.keys()]).toEqual(['CISTERN_DOWN']);
    expect(longest).toBeLessThan(150);
    // Each probe takes its 200 ms; then a pause.
    const { failed, connecting, timedOut } = store.stats();
    expect(failed + connecting).toBeLessThan(8);
    expect(timedOut).toBeLessThan(20);
    server.thawed();
    await until(() => answers(store), 2000);
    expect(told).toEqual(['box down', 'box up']);
  });

  test('that is killed (-9) and started again: few attempts to connect, no time lost, used again', async () => {
    const server = await start();
    const store = open(server.address, {
      timeout: '500ms',
      health: { firstPause: '20ms', longestPause: '100ms' },
    });
    await until(() => answers(store));
    await server.stop();
    await store.execute(get());
    const { codes, longest } = await ask(store, 1000);
    codes.delete('CISTERN_UNAVAILABLE');
    expect([...codes.keys()]).toEqual(['CISTERN_DOWN']);
    expect(longest).toBeLessThan(250);
    const { failed, probes, marks, refused } = store.stats();
    // 20, 40, 80, then 100 ms, each at least half of it.
    expect(failed).toBeGreaterThan(4);
    expect(failed).toBeLessThan(26);
    expect(probes).toBeLessThanOrEqual(failed);
    expect([marks, refused > 100]).toEqual([1, true]);
    await start({ port: server.port });
    await until(() => answers(store), 2000);
    expect(told).toEqual(['box down', 'box up']);
  });

  test('whose connections break again and again is down after the third', async () => {
    const server = await start();
    const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port: server.port }, seed: 3 });
    toEnd.push(() => proxy.stop());
    const store = open(proxy.address, { health: { firstPause: '10s', longestPause: '10s' } });
    await until(() => answers(store));
    proxy.faults.cut = 1;
    const codes = [];
    for (let each = 0; each < 6; each++) codes.push(codeOf(await store.execute(get())));
    expect(codes).toEqual([
      ...Array.from({ length: 3 }, () => 'CISTERN_UNAVAILABLE'),
      ...Array.from({ length: 3 }, () => 'CISTERN_DOWN'),
    ]);
    expect(proxy.accepted).toBeLessThanOrEqual(3);
  });

  test('that is slow to connect to is not down', async () => {
    const server = await start();
    const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port: server.port }, seed: 3 });
    toEnd.push(() => proxy.stop());
    proxy.faults.delay = 60;
    const store = open(proxy.address, { timeout: '50ms' });
    const { codes } = await ask(store, 100);
    expect([...codes.keys()]).toContain('CISTERN_TIMEOUT');
    proxy.faults.delay = 0;
    await until(() => answers(store));
    expect(told).toEqual([]);
  });

  test('that takes no more connections goes on serving over those that it has', async () => {
    const server = await start({ args: ['-c', '40', '-t', '1'] });
    const store = open(server.address, {
      timeout: '1s',
      pool: { max: 100, burst: 0 },
      health: { firstPause: '20ms', longestPause: '50ms' },
    });
    await until(() => answers(store));
    const others = Array.from({ length: 50 }, () => open(server.address, { name: 'other' }));
    await until(() => others.some((other) => other.stats().failed > 0));
    // More than one connection would carry by itself: it tries to open another.
    const replies: Reply[] = [];
    for (let round = 0; round < 10; round++) {
      const turns = [];
      for (let turn = 0; turn < 5; turn++) {
        turns.push(...Array.from({ length: 100 }, () => store.execute(get())));
        await new Promise((resolve) => void setImmediate(resolve));
      }
      replies.push(...(await Promise.all(turns)));
      await pause(20);
    }
    expect(replies.every((reply) => reply.kind === 'miss')).toBe(true);
    expect(store.stats()).toMatchObject({ open: 1, marks: 0, refused: 0 });
    expect(told.filter((each) => each.startsWith('box'))).toEqual([]);
  });

  test('is not marked down because this process was busy for two seconds', async () => {
    const server = await start();
    const hung = await start();
    const short = { timeout: '200ms', connectTimeout: '500ms' } as const;
    const store = open(server.address, short);
    await until(() => answers(store));
    const probed = open(hung.address, {
      ...short,
      name: 'probed',
      health: { firstPause: 10, longestPause: 10 },
    });
    await until(() => answers(probed));
    hung.frozen();
    await until(async () => codeOf(await probed.execute(get())) === 'CISTERN_DOWN');
    await until(() => probed.stats().connecting === 1);
    const { failed } = probed.stats();

    const value = Buffer.alloc(900_000, 'v');
    const set = (key: string): Operation => ({
      kind: 'set',
      mode: 'set',
      key,
      value,
      flags: 0,
      life: { freshFor: 60_000, staleFor: 0 },
      deadline: Infinity,
    });
    // In flight: small requests, and more than the sockets of both sides take at once.
    const small = Array.from({ length: 20 }, () => store.execute(get()));
    const large = Array.from({ length: 12 }, (_, index) => store.execute(set(`large${index}`)));
    await new Promise((resolve) => void setImmediate(resolve));
    // Being connected to, with a request that waits; and a probe under way.
    const opening = open(server.address, { ...short, name: 'opening' });
    const waiting = opening.execute(get());
    hung.thawed();
    block(2000);
    await Promise.all([...small, ...large, waiting]);
    await until(() => answers(opening));
    await until(() => answers(store));
    await until(() => answers(probed));
    expect(told).toEqual(['probed down', 'probed up']);
    expect(probed.stats().failed).toBe(failed);
    expect([store.stats(), opening.stats()]).toMatchObject([
      { marks: 0, opened: 1, failed: 0, closed: 0 },
      { marks: 0, opened: 1, failed: 0, closed: 0 },
    ]);
  });

  test('most of a pool dead: requests try all the same, in short pauses; few dead: they fail at once', async () => {
    const servers = await Promise.all(Array.from({ length: 5 }, () => start()));
    const group = new HealthGroup({ above: 0.5, below: 0.3 });
    const health = { firstPause: '20ms', longestPause: '50ms' } as const;
    const stores = servers.map((server, index) =>
      open(server.address, { name: `s${index}`, health }, { group }),
    );
    for (const store of stores) await until(() => answers(store));
    for (const server of servers.slice(0, 3)) await server.stop();
    for (const store of stores.slice(0, 2))
      await until(() => store.stats().down || answers(store).then(() => false));
    expect(group.failOpen).toBe(false);
    await until(() => stores[2]!.stats().down || answers(stores[2]!).then(() => false));
    expect([group.failOpen, group.down]).toEqual([true, 3]);
    const { codes } = await ask(stores[0]!, 300);
    expect([...codes.keys()].toSorted()).toEqual(['CISTERN_DOWN', 'CISTERN_UNAVAILABLE']);
    // One attempt per pause of 10 to 20 ms, and probes in between.
    expect(codes.get('CISTERN_UNAVAILABLE')!).toBeLessThan(31);
    for (const server of servers.slice(0, 2)) await start({ port: server.port });
    await until(() => group.down === 1);
    expect(group.failOpen).toBe(false);
  });
});

test.skipIf(withoutMemcached)(
  'a process ends by itself while its servers are down and probed, or hang, and when its stores are closed',
  async () => {
    const server = await start();
    const dead = await start();
    await dead.stop();
    const path = join(import.meta.dirname, 'server.ts');
    const program = `
    import { memcachedServer } from ${JSON.stringify(path)};
    const ask = async (store) => (await store.execute({ kind: 'get', key: 'k', deadline: Infinity })).kind;
    const timeout = '1s';
    const dead = memcachedServer({ server: ${JSON.stringify(dead.address)}, timeout, pool: { initial: 3 } });
    const hung = memcachedServer({ server: ${JSON.stringify(server.address)}, timeout, pool: { initial: 2 } });
    const named = memcachedServer({ server: 'localhost:${server.port}', timeout, pool: { initial: 2 } });
    const closed = memcachedServer({ server: ${JSON.stringify(server.address)}, timeout });
    console.log(await ask(dead), await ask(hung), await ask(named), await ask(closed));
    process.kill(${server.pid}, 'SIGSTOP');
    await Promise.all(Array.from({ length: 5 }, () => ask(hung)));
    const last = ask(closed);
    await closed.close();
    console.log(await last, process.getActiveResourcesInfo().filter((each) => /Req/.test(each)).length);
  `;
    const begin = performance.now();
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
    const code = await new Promise((resolve) => child.once('exit', resolve));
    server.thawed();
    expect([said, code]).toEqual(['failed miss miss miss\nfailed 0\n', 0]);
    expect(performance.now() - begin).toBeLessThan(10_000);
  },
);
