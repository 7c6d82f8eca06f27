import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { realRuntime } from '../../src/core/runtime.ts';
import { startMemcached } from '../../src/testing/memcached-server.ts';
import { Talk } from '../proxy/talk.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';
import { runCistern } from './run-cistern.ts';

const folder = mkdtempSync(join(tmpdir(), 'cistern-proxy-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const program = join(import.meta.dirname, '../../src/cli/main.ts');
const source = (path: string): string => JSON.stringify(join(import.meta.dirname, '../../src', path));

/** `cistern proxy` that runs until it is stopped. */
class Running {
  out = '';
  err = '';
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [program, 'proxy', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    this.#child.stdout!.on('data', (chunk) => (this.out += String(chunk)));
    this.#child.stderr!.on('data', (chunk) => (this.err += String(chunk)));
    this.#exited = new Promise((resolve) => this.#child.once('exit', (code) => resolve(code)));
  }

  /** Where it listens, as its first line tells. */
  async addresses(): Promise<readonly string[]> {
    for (;;) {
      const told = / on (\S.*)\n/.exec(this.out)?.[1];
      if (told !== undefined) return told.split(', ');
      if (this.#child.exitCode !== null) throw new Error(this.err);
      await new Promise((resolve) => void setTimeout(resolve, 10));
    }
  }

  async talk(): Promise<Talk> {
    return new Talk(realRuntime, (await this.addresses())[0]!);
  }

  /** Fulfilled with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    return await this.#exited;
  }
}

describe('what is served', () => {
  test('a store in this process, with all flags; SIGTERM ends it', async () => {
    const running = new Running(['--memory', '8mb', '--listen', '127.0.0.1:0']);
    const client = await running.talk();
    expect(running.out).toMatch(/^cistern proxy serves 'memory' on 127\.0\.0\.1:\d+\n$/);
    expect(await client.ask('set k 4294967295 0 1\r\nx\r\nget k\r\n', 'END\r\n')).toBe(
      'STORED\r\nVALUE k 4294967295 1\r\nx\r\nEND\r\n',
    );
    expect(await running.stop()).toBe(0);
    expect(await client.ended()).toBe('');
    expect(running.err).toBe('');
  });

  test.skipIf(withoutMemcached)(
    'servers, on several places at once; keys are as clients write them without a fence',
    async () => {
      const server = await startMemcached();
      const path = join(folder, 'proxy.sock');
      const running = new Running([
        '--servers',
        server.address,
        '--no-fence',
        '--listen',
        `127.0.0.1:0,unix:${path}`,
        '--no-flush',
      ]);
      try {
        const [tcp, unix] = await running.addresses();
        expect(unix).toBe(`unix:${path}`);
        const [client, other, direct] = [tcp!, unix!, server.address].map(
          (address) => new Talk(realRuntime, address),
        );
        expect(await client!.ask('set k 7 0 5\r\nhello\r\nflush_all\r\n', 'allowed\r\n')).toContain(
          'STORED\r\n',
        );
        for (const each of [other!, direct!])
          expect(await each.ask('get k\r\n', 'END\r\n')).toBe('VALUE k 7 5\r\nhello\r\nEND\r\n');
        for (const each of [client!, other!, direct!]) each.destroy();
      } finally {
        expect(await running.stop('SIGINT')).toBe(0);
        await server.stop();
      }
      expect(existsSync(path)).toBe(false);
    },
  );

  test.each([
    ['a store', `export default memory({ name: 'configured' });`],
    ['a store by its name', `export const store = memory({ name: 'configured' });`],
    ['a function', `export default async () => memory({ name: 'configured' });`],
  ])('what a module exports: %s; what it cannot keep is told', async (_name, body) => {
    const file = join(folder, 'config.mjs');
    writeFileSync(file, `import { memory } from ${source('stores/memory/memory.ts')};\n${body}\n`);
    const running = new Running(['--config', file, '--listen', '127.0.0.1:0']);
    const client = await running.talk();
    expect(running.out).toContain("'configured'");
    expect(await client.ask('set k 512 0 1\r\nx\r\n', '\r\n')).toBe(
      'CLIENT_ERROR flags must be a whole number from 0 to 511 in the store behind this proxy\r\n',
    );
    expect(await running.stop()).toBe(0);
    expect(running.err).toContain("the store 'configured' keeps client flags from 0 to 511");
  });

  test('what a file of options says; the command line has the last word', async () => {
    const file = join(folder, 'options.json');
    writeFileSync(
      file,
      JSON.stringify({ memory: '8mb', listen: ['127.0.0.1:1'], 'max-connections': 1, 'max-value': '1kb' }),
    );
    const running = new Running(['--config', file, '--listen', '127.0.0.1:0']);
    const [client, second] = [await running.talk(), await running.talk()];
    expect(await second.ended()).toBe('ERROR Too many open connections\r\n');
    expect(await client.ask(`set k 0 0 1025\r\n${'x'.repeat(1025)}\r\n`, '\r\n')).toBe(
      'SERVER_ERROR object too large for cache\r\n',
    );
    expect(await running.stop()).toBe(0);
  });
});

describe('the end', () => {
  test('lets what is under way be answered', async () => {
    // Nobody listens there, and what is asked waits for its time.
    const file = join(folder, 'slow.mjs');
    writeFileSync(
      file,
      `export default { name: 'slow', parts: [], close: async () => console.error('closed'),
        execute: () => new Promise((resolve) => setTimeout(resolve, 700, { kind: 'miss', lease: 'none', cas: '' })) };\n`,
    );
    const running = new Running(['--config', file, '--listen', '127.0.0.1:0']);
    const client = await running.talk();
    const answer = client.ask('version\r\nmg k v\r\n', 'EN\r\n');
    await client.until(() => client.said.includes('VERSION'));
    const stopped = running.stop();
    expect(await answer).toContain('EN\r\n');
    expect(await stopped).toBe(0);
    expect(running.err).toContain('closed');
  });
});

describe('mistakes', () => {
  test.each([
    [[], 2, 'Give one of --servers, --memory and --config.'],
    [['--memory', '1mb', '--servers', 'a:1'], 2, 'Give one of'],
    [['--memory', 'much'], 2, "--memory is 'much', but must be a size"],
    [['--memory', '1mb', '--max-value', '0'], 2, "--max-value is '0'"],
    [['--servers', 'nowhere'], 2, "--servers is 'nowhere', but must be 'host:port'"],
    [['--servers', 'a:1', '--timeout', 'soon'], 2, "--timeout is 'soon', but must be a duration"],
    [['--memory', '1mb', '--listen', 'here'], 2, "--listen is 'here', but must be"],
    [['--memory', '1mb', '--listen', '127.0.0.1:99999'], 2, '--listen is'],
    [['--memory', '1mb', '--socket-mode', '9'], 2, '--socket-mode is'],
    [
      ['--memory', '1mb', '--max-connections', '0'],
      2,
      "--max-connections is '0', but must be a whole number from 1",
    ],
    [['--memory', '1mb', '--idle-timeout', '-1'], 2, ''],
    [['--memory', '1mb', 'more'], 2, 'Unexpected argument'],
    [['--memory', '1mb', '--what'], 2, "Unknown option '--what'"],
    [['--config', 'none.json'], 1, 'none.json cannot be read'],
    [['--config', 'none.mjs'], 1, 'none.mjs cannot be loaded'],
    [['--memory', '1mb', '--listen', '192.0.2.1:11211'], 1, '192.0.2.1:11211 is no place on this machine.'],
    [['--memory', '1mb', '--listen', 'unix:/no/such/folder/socket'], 1, 'its folder is not there'],
  ])('%j', (args, code, message) => {
    const result = runCistern(['proxy', ...args], '', folder);
    expect(result.err).toContain(message);
    expect(result.code).toBe(code);
    expect(result.out).toBe('');
  });

  test('a taken place, a file that is none, and one without a store', async () => {
    const running = new Running(['--memory', '8mb', '--listen', '127.0.0.1:0']);
    const [address] = await running.addresses();
    expect(runCistern(['proxy', '--memory', '1mb', '--listen', address!]).err).toContain(
      `${address} is taken`,
    );
    await running.stop();
    for (const [name, content, message] of [
      ['bad.json', '{', 'cannot be read'],
      ['list.json', '[]', 'is no object of options'],
      ['odd.json', '{"maxConnections": 1}', "has an option 'maxConnections', which there is not"],
      ['empty.mjs', 'export const other = 1;', 'exports no store'],
      ['throws.mjs', 'throw new Error("on purpose");', 'on purpose'],
    ] as const) {
      const file = join(folder, name);
      writeFileSync(file, content);
      expect(runCistern(['proxy', '--config', file]).err).toContain(message);
    }
  });

  test('help', () => {
    const { code, out } = runCistern(['proxy', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('--servers LIST');
    expect(runCistern(['help']).out).toContain('proxy');
  });
});
