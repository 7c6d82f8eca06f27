import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';
import { readPage } from '../docs/program.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/proxy.md'), 'utf8');
const program = join(root, 'src/cli/main.ts');
const commands = readPage('docs/proxy.md', page).commands;
// Within the project, so that the module finds the sources that its imports are turned into.
const folder = join(root, '.cistern', `proxy-docs-${process.pid}`);

let server: MemcachedServer;
beforeAll(async () => {
  if (!withoutMemcached) server = await startMemcached();
  mkdirSync(folder, { recursive: true });
  const [, module = ''] = /```ts\n([^]*?)```/.exec(page)!;
  const [, options = ''] = /```json\n([^]*?)```/.exec(page)!;
  writeFileSync(
    join(folder, 'fleet.mjs'),
    here(module).replaceAll(/'cistern\/(\w+)'/g, `'${root}/src/$1.ts'`),
  );
  writeFileSync(join(folder, 'proxy.json'), here(options));
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** With the test's own server, and places that are free. */
function here(text: string): string {
  return text
    .replaceAll('127.0.0.1:11211', server?.address ?? '127.0.0.1:11211')
    .replaceAll('127.0.0.1:11311', '127.0.0.1:0')
    .replaceAll('/tmp/cistern-docs.sock', join(folder, 'socket'));
}

/** Runs a command until it has told where it listens; answers all that it said, with its exit code. */
function run(text: string): Promise<readonly [code: number | null, said: string]> {
  return new Promise((resolve) => {
    const child = spawn(
      'sh',
      ['-c', `exec ${text.replace('npx cistern', `"${process.execPath}" "${program}"`)}`],
      {
        cwd: folder,
        env: { ...process.env, NODE_NO_WARNINGS: '1' },
      },
    );
    let said = '';
    const hear = (chunk: unknown): void => {
      said += String(chunk);
      if (/ on \S.*\n/.test(said)) child.kill('SIGTERM');
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) => resolve([code, said]));
  });
}

describe.skipIf(withoutMemcached)('the commands of the page', () => {
  test.each(commands)('$title: $text', async ({ text }) => {
    expect(text).toMatch(/^npx cistern proxy /);
    const [code, said] = await run(here(text));
    expect(said).toMatch(/^cistern proxy serves '.*' on \S.*\n$/);
    expect(code).toBe(0);
  });
});

test('every option of the page is one of the program, and the other way round', () => {
  const { stdout: help } = spawnSync(process.execPath, [program, 'proxy', '--help'], { encoding: 'utf8' });
  const optionsOf = (text: string): readonly string[] =>
    [...new Set(text.match(/--[a-z][a-z-]+/g))].toSorted();
  expect(optionsOf(page)).toEqual(optionsOf(help));
  expect(commands.length).toBeGreaterThan(4);
});
