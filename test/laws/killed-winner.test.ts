import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cistern, type Store } from '../../src/index.ts';
import { memcached } from '../../src/memcached.ts';
import { type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';
import { loadTimeout, type News } from './fleet-process.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';

/** On a build machine it must be there. */
const lease = loadTimeout + 1000;
/** The server counts in whole seconds and rounds up; processes share a busy machine. */
const grain = 2000;

let server: MemcachedServer;
beforeAll(async () => {
  if (!withoutMemcached) server = await startMemcached();
});
afterAll(async () => await server?.stop());

class Member {
  readonly process: ChildProcess;
  readonly news: News[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(behaviour: string) {
    // Before Node 23 types are stripped only if told so.
    const strips = Number(process.versions.node.split('.')[0]) >= 23;
    this.process = fork(
      fileURLToPath(new URL('fleet-process.ts', import.meta.url)),
      [server.address, behaviour],
      {
        execArgv: strips ? [] : ['--experimental-strip-types', '--no-warnings'],
      },
    );
    this.process.on('message', (news: News) => {
      this.news.push(news);
      for (const look of this.#waiting) look();
    });
  }

  told(kind: News['kind']): readonly News[] {
    return this.news.filter((each) => each.kind === kind);
  }

  async hears(kind: News['kind'], count = 1): Promise<News> {
    return await new Promise((resolve) => {
      const look = (): void => {
        const found = this.told(kind);
        if (found.length < count) return;
        this.#waiting.delete(look);
        resolve(found.at(-1)!);
      };
      this.#waiting.add(look);
      look();
    });
  }

  read(): void {
    this.process.send('get');
  }

  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGKILL');
    await gone;
  }
}

describe.skipIf(withoutMemcached)('a winner killed by -9', () => {
  test('is replaced within the lease time by exactly one of the fleet, and its late fill is refused', async () => {
    const winner = new Member('hang');
    const others = ['one', 'two', 'three'].map((value) => new Member(value));
    try {
      await Promise.all([winner, ...others].map(async (each) => await each.hears('ready')));
      winner.read();
      const won = await winner.hears('lease');
      await winner.hears('loading');
      await winner.kill();
      for (const other of others) for (let caller = 0; caller < 5; caller++) other.read();
      await Promise.all(others.map(async (each) => await each.hears('value', 5)));

      const values = others.flatMap((each) => each.told('value'));
      expect(new Set(values.map(({ text }) => text)).size).toBe(1);
      expect(others.flatMap((each) => each.told('loading'))).toHaveLength(1);
      expect(others.flatMap((each) => each.told('error'))).toHaveLength(0);
      const slowest = Math.max(...values.map(({ milliseconds }) => milliseconds!));
      expect(slowest).toBeLessThan(lease * 1.15 + grain);

      // What the dead one had under way reaches the server only now.
      const leaf = memcached({ servers: [server.address], timeout: '5s' });
      const late = await leaf.execute({
        kind: 'set',
        mode: 'set',
        key: won.text,
        value: Buffer.from('from the dead'),
        flags: 0,
        life: { freshFor: 60_000, staleFor: 0 },
        cas: won.cas!,
        deadline: performance.now() + 5000,
      });
      expect(late.kind).toMatch(/conflict|notFound/);
      await leaf.close();
      const fresh = new Member('four');
      others.push(fresh);
      await fresh.hears('ready');
      fresh.read();
      expect((await fresh.hears('value')).text).toBe(values[0]!.text);
    } finally {
      await Promise.all(others.map(async (each) => await each.kill()));
      winner.process.kill('SIGKILL');
    }
  });
});

describe.skipIf(withoutMemcached)('a winner of the right to reload that died (real memcached)', () => {
  test('is replaced within the lease time, though every call is answered at once with the old value', async () => {
    let dead = false;
    const family = (name: string): { store: Store; leaf: Store } => {
      const leaf = memcached({ servers: [server.address], timeout: '5s', name });
      const execute: Store['execute'] = (operation) =>
        dead && name === 'dead' ? new Promise(() => undefined) : leaf.execute(operation);
      return { leaf, store: { name, parts: [leaf], execute, close: async () => await leaf.close() } };
    };
    const [one, other] = [family('dead'), family('alive')];
    const define = {
      ttl: '1s',
      staleWhileRevalidate: '5m',
      loadTimeout: '1s',
      jitter: 0,
      near: false,
    } as const;
    const losing = cistern({ name: 'reload', remote: one.store, closeTimeout: 0 });
    const shop = cistern({ name: 'reload', remote: other.store });
    let reloads = 0;
    const hanging = losing.define<string, string>('user', {
      ...define,
      load: () => new Promise(() => undefined),
    });
    const users = shop.define<string, string>('user', {
      ...define,
      load: () => {
        reloads++;
        return 'new';
      },
    });
    expect(await users.set('a', 'old')).toEqual({ confirmed: true });
    // Fresh for one second, as the server counts: at most three.
    while ((await hanging.entry('a')).status !== 'stale')
      await new Promise((resolve) => setTimeout(resolve, 50));
    dead = true;
    const started = performance.now();
    let slowest = 0;
    for (;;) {
      const asked = performance.now();
      const value = await users.get('a');
      slowest = Math.max(slowest, performance.now() - asked);
      if (value === 'new' || performance.now() - started > 20_000) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    expect(reloads).toBe(1);
    // The lease is two seconds.
    expect(performance.now() - started).toBeLessThan(2000 + grain);
    expect(slowest).toBeLessThan(500);
    await shop.close();
    await losing.close();
    await Promise.all([one.leaf.close(), other.leaf.close()]);
  });
});
