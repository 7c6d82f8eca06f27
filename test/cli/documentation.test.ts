import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPage } from '../docs/program.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/simulate.md'), 'utf8');
const commands = readPage('docs/simulate.md', page).commands.filter(({ text }) =>
  text.includes('npx cistern '),
);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cistern-docs-'));
  const keys = Array.from({ length: 2000 }, (_, at) => (at * at) % 97);
  const clock = (at: number): string =>
    `${String(Math.floor(at / 60) % 60).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}`;
  const files = {
    'requests.txt': keys.map((key) => `user:${key},${100 + key}`),
    'requests.csv': ['at,url,bytes', ...keys.map((key, at) => `${at},/item/${key},${100 + key}`)],
    'bare.csv': keys.map((key, at) => `${at},/item/${key},${100 + key}`),
    'access.log': keys.map(
      (key, at) =>
        `10.0.0.1 - - [26/Nov/2026:09:${clock(at)} +0000] "GET /item/${key} HTTP/1.1" 200 ${100 + key} "-" "curl/8"`,
    ),
  };
  for (const [name, lines] of Object.entries(files)) writeFileSync(join(folder, name), lines.join('\n'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the page has commands to run', () => expect(commands.length).toBeGreaterThan(8));

test.each(commands)('$title: $text', ({ text }) => {
  const program = `"${process.execPath}" "${join(root, 'src/cli/main.ts')}" `;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', text.replaceAll('npx cistern ', program)], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout.length).toBeGreaterThan(50);
});

test('every option of the page is one of the commands', () => {
  const help = ['simulate', 'size'].map(
    (name) =>
      spawnSync(process.execPath, [join(root, 'src/cli/main.ts'), name, '--help'], { encoding: 'utf8' })
        .stdout,
  );
  const options = new Set(page.match(/--[a-z][a-z-]+/g));
  expect(options.size).toBeGreaterThan(8);
  for (const option of options) expect(help.join(), option).toContain(option);
});
