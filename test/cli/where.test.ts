import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SetOperation } from '../../src/core/store.ts';
import { memcached } from '../../src/memcached.ts';
import { type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';
import { readPage } from '../docs/program.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';
import { runCistern } from './run-cistern.ts';

const root = join(import.meta.dirname, '../..');
const servers = ['10.0.0.1:11211', '10.0.0.2:11211', '10.0.0.3:11211'].join(',');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cistern-where-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | object): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** A module as a user writes it, against the sources. */
function moduleFile(name: string, source: string): string {
  return file(
    name,
    source.replace(/from 'cistern\/(\w+)'/g, (_, door: string) => `from '${join(root, `src/${door}.ts`)}'`),
  );
}

interface Part {
  readonly store: string;
  readonly role: string;
  readonly operation: string;
  readonly key: string;
  readonly lifeMs?: number;
  readonly parts: readonly Part[];
}

function waysOf(...args: readonly string[]): Readonly<Record<string, Part>> {
  const { code, out, err } = runCistern(['where', ...args, '--json'], '', folder);
  expect([code, err]).toEqual([0, '']);
  return (JSON.parse(out) as { operations: Record<string, Part> }).operations;
}

const leaves = (part: Part): readonly string[] =>
  part.parts.length === 0 ? [part.store] : part.parts.flatMap(leaves);

describe('cistern where', () => {
  test('says which server a key goes to, once for all operations that go the same way', () => {
    const { code, out } = runCistern(['where', 'user:7', '--servers', servers]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^get, set, delete, touch, count\n {2}memcached\n {2}└─ memcached 10\.0\.0\.[123]:11211\n$/,
    );
  });

  test('the routing key chooses in place of the key', () => {
    const at = (key: string, ...more: readonly string[]): string =>
      leaves(waysOf(key, '--servers', servers, '--operations', 'get', ...more)['get']!).join();
    const [own, routed, other] = [at('user:7'), at('user:7', '--routing-key', 'user:2'), at('user:2')];
    expect(routed).toBe(other);
    expect(own).not.toBe(other);
  });

  test('a route tells whom it asks, why, and what it changes', () => {
    const config = moduleFile(
      'routes.mjs',
      `import { memory } from '${join(root, 'src/index.ts')}';
       import { ephemeral, gutter } from 'cistern/routes';
       const main = { ...named('main') };
       function named(name) { const store = memory(); return { name, parts: [], execute: (operation) => store.execute(operation), close: () => store.close() }; }
       export default () => gutter(main, ephemeral(named('spare'), { ttl: '10m' }), { ttl: '10s' });`,
    );
    const { get, set, delete: remove, touch } = waysOf('user:7', '--config', config) as Record<string, Part>;
    expect(leaves(get!)).toEqual(['main', 'spare']);
    expect(get!.parts.map(({ role }) => role)).toEqual(['first', 'fallback']);
    expect(set!.parts.map(({ role, operation }) => [role, operation])).toEqual([
      ['first', 'set'],
      ['also', 'delete'],
    ]);
    expect(set!.parts[0]).toMatchObject({ lifeMs: 3_600_000, key: 'user:7' });
    expect(remove!.parts.map(({ role }) => role)).toEqual(['first', 'also']);
    expect(touch!.parts.length).toBeGreaterThan(0);
    const { out } = runCistern(['where', 'user:7', '--config', config, '--operations', 'set']);
    expect(out).toBe('set\n  gutter\n  ├─ main\n  └─ ephemeral  also, as a delete\n     └─ spare\n');
  });

  test('takes the file of the proxy, and that of a migration', () => {
    const proxy = file('proxy.json', {
      servers: servers.split(','),
      'pool-name': 'shop',
      listen: ['[::1]:0'],
    });
    expect(leaves(waysOf('user:7', '--config', proxy)['get']!)).toHaveLength(1);
    const migration = (at: string): string =>
      file('migration.json', {
        from: { servers: ['10.0.1.1:11211'], name: 'old' },
        to: { servers: ['10.0.2.1:11211'], name: 'new' },
        skew: '10s',
        schedule: [
          { stage: 'mirror', at },
          { stage: 'populate', at: '2036-12-01T10:00:00Z', share: '1%' },
          { stage: 'read-to', at: '2036-12-02T09:00:00Z' },
          { stage: 'only-to', at: '2036-12-03T09:00:00Z' },
        ],
      });
    const before = waysOf('user:7', '--config', migration('2036-12-01T09:00:00Z'));
    expect(leaves(before['delete']!)).toHaveLength(1);
    const during = waysOf('user:7', '--config', migration('2020-12-01T09:00:00Z'));
    expect(leaves(during['get']!)[0]).toContain('old');
    expect(during['delete']!.parts.map(({ role }) => role)).toEqual(['first', 'also']);
  });

  test.each([
    [[], 'Give a key.', 2],
    [['user:7'], 'Give one of --config and --servers.', 2],
    [['user:7', '--servers', servers, '--config', 'x.json'], 'Give one of --config and --servers.', 2],
    [['user:7', 'user:8', '--servers', servers], "One key at a time: 'user:8' is too much.", 2],
    [['user 7', '--servers', servers], "'user 7' is no key", 2],
    [['x'.repeat(161), '--servers', servers], 'is no key: a store takes 1 to 160 characters', 2],
    [['user:7', '--servers', servers, '--operations', 'get,put'], "--operations is 'put'", 2],
    [['user:7', '--servers', 'no port here'], '--servers is', 2],
    [['user:7', '--config', 'missing.json'], 'missing.json cannot be read', 1],
    [['user:7', '--config', 'missing.mjs'], 'missing.mjs cannot be loaded', 1],
  ] as const)('%j is refused: %s', (args, message, code) => {
    const run = runCistern(['where', ...args], '', folder);
    expect(run.err).toContain(message);
    expect(run.code).toBe(code);
  });

  test('a module without a store is refused', () => {
    const config = file('nothing.mjs', 'export const store = { name: 7 };');
    expect(runCistern(['where', 'user:7', '--config', config])).toMatchObject({
      code: 1,
      err: expect.stringContaining('exports no store and no migration'),
    });
  });
});

describe('nothing is sent', () => {
  let listener: Server;
  let connections = 0;

  beforeAll(async () => {
    listener = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => void listener.close());

  // Not with `runCistern`, which would keep this process from taking connections.
  const ask = async (...args: readonly string[]): Promise<string> => {
    const child = spawn(process.execPath, [join(root, 'src/cli/main.ts'), 'where', 'user:7', ...args]);
    let out = '';
    child.stdout.on('data', (data) => (out += String(data)));
    await new Promise((resolve) => child.once('close', resolve));
    return out;
  };

  test('and no connection is opened, unless that is asked for', async () => {
    const { port } = listener.address() as { port: number };
    const config = moduleFile(
      'slow.mjs',
      `import { memcached } from 'cistern/memcached';
       export const store = async () => {
         const made = memcached({ servers: ['127.0.0.1:${port}'] });
         await new Promise((resolve) => setTimeout(resolve, 300));
         return made;
       };`,
    );
    expect(await ask('--config', config)).toContain(`127.0.0.1:${port}`);
    expect(connections).toBe(0);
    expect(await ask('--config', config, '--connect')).toContain(`127.0.0.1:${port}`);
    expect(connections).toBeGreaterThan(0);
  });
});

describe.skipIf(withoutMemcached)('real servers', () => {
  let running: MemcachedServer[];

  beforeAll(async () => {
    running = await Promise.all([startMemcached(), startMemcached(), startMemcached()]);
  });

  afterAll(async () => void (await Promise.all(running.map((server) => server.stop()))));

  test('have the key where it says', async () => {
    const addresses = running.map(({ address }) => address);
    const store = memcached({ servers: addresses, raw: true, fence: false, timeout: '2s' });
    for (const key of ['user:1', 'user:2', 'user:3', 'user:4']) {
      const set: SetOperation = {
        kind: 'set',
        mode: 'set',
        key,
        value: Buffer.from(key),
        flags: 0,
        life: { freshFor: 60_000, staleFor: 0 },
        deadline: Number.POSITIVE_INFINITY,
      };
      expect((await store.execute(set)).kind).toBe('stored');
      const [said] = leaves(waysOf(key, '--servers', addresses.join(','), '--operations', 'set')['set']!);
      for (const address of addresses) {
        const one = memcached({ servers: [address], raw: true, fence: false, timeout: '2s' });
        const { kind } = await one.execute({ kind: 'get', key, deadline: Number.POSITIVE_INFINITY });
        expect([address, kind]).toEqual([address, said!.endsWith(address) ? 'hit' : 'miss']);
        await one.close();
      }
    }
    await store.close();
  });
});

describe('docs/where.md', () => {
  const page = readFileSync(join(root, 'docs/where.md'), 'utf8');
  const { commands } = readPage('docs/where.md', page);

  test('shows what its commands print, with the module that stands there', () => {
    moduleFile('cache-store.mjs', /```js\n([\s\S]*?)```/.exec(page)![1]!);
    expect(commands.length).toBe(3);
    const printed = commands.map(({ text }) => {
      const program = `"${process.execPath}" "${join(root, 'src/cli/main.ts')}" `;
      const run = spawnSync('sh', ['-c', text.replaceAll('npx cistern ', program)], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, NODE_NO_WARNINGS: '1' },
      });
      expect([run.stderr, run.status]).toEqual(['', 0]);
      return run.stdout;
    });
    expect(printed[0]).toBe(/```text\n([\s\S]*?)```/.exec(page)![1]!);
    expect(printed[1]).toContain('10.0.0.');
    expect(JSON.parse(printed[2]!)).toMatchObject({ key: 'user:7' });
  });
});
