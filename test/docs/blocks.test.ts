import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findMemcached, type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';
import { firstMissing, type Program, readPage } from './program.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, '.cistern', `docs-${process.pid}`);
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { default: string } | string>;
  scripts: Record<string, string>;
};

/** Each door of the package (`cistern`, `cistern/memcached`, ...) and the source file behind it. */
const doors = new Map(
  Object.entries(manifest.exports).flatMap(([door, target]) =>
    typeof target === 'string'
      ? []
      : [[`cistern${door.slice(1)}`, target.default.replace('./dist', '../../src').replace('.js', '.ts')]],
  ),
);

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].map((page) => readPage(page, readFileSync(join(root, page), 'utf8')));
const programs = pages.flatMap((page) => page.programs);
const commands = pages.flatMap((page) => page.commands);

/** A page that is wrong in every way that this test is there to find. */
const wrong = readPage(
  'wrong.md',
  [
    '```ts',
    "import { cistern } from 'cistern';",
    'const wrong: string = cistern;',
    '```',
    '```ts',
    "throw new Error('on purpose');",
    '```',
    '```ts',
    "console.log('one'); // two",
    '```',
  ].join('\n'),
).programs;

/** The server that the pages name: the test's own stands in for it. */
const namedServer = '127.0.0.1:11211';

let complaints: string[] = [];
let server: MemcachedServer | undefined;

const fileOf = (program: Program): string => join(folder, `${program.title.replace(/[^a-z0-9]+/gi, '-')}.ts`);

/** The program as it is checked and run: against the sources, with the test's own server instead of the named one. */
function written(program: Program): string {
  return program.source
    .replace(/(from|import\() ?'(cistern[\w/]*)'/g, (whole, word: string, door: string) => {
      const target = doors.get(door);
      return target === undefined ? whole : `${word} '${target}'`;
    })
    .replace(/from '\.\//g, "from '../../test/docs/")
    .replaceAll(namedServer, server?.address ?? namedServer);
}

beforeAll(async () => {
  if (findMemcached() !== undefined) server = await startMemcached();
  mkdirSync(folder, { recursive: true });
  for (const program of [...programs, ...wrong]) writeFileSync(fileOf(program), written(program));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.base.json',
      compilerOptions: {
        // Compiled as a user would, so that `await using` runs on every Node that is supported.
        rootDir: '../..',
        outDir: 'compiled',
        isolatedDeclarations: false,
        declaration: false,
        declarationMap: false,
        // A page may name a value to show it and go on.
        noUnusedLocals: false,
        noUnusedParameters: false,
      },
      include: ['*.ts'],
    }),
  );
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const run = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
    encoding: 'utf8',
    cwd: folder,
  });
  complaints = run.stdout.split('\n').filter((line) => line.includes('error TS'));
});

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the compiler says about this program; lines are those of the page. */
const complaintsAbout = (program: Program): string[] => {
  const name = relative(folder, fileOf(program));
  return complaints.filter((line) => line.startsWith(`${name}(`));
};

/** Runs the program in a process of its own. What is wrong with that, or undefined. */
function failureOf(program: Program): string | undefined {
  const compiled = join(folder, 'compiled', relative(root, fileOf(program))).replace(/ts$/, 'js');
  const run = spawnSync(process.execPath, ['--enable-source-maps', compiled], {
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  if (run.error !== undefined) return `${run.error.message}\n${run.stdout}${run.stderr}`;
  if (run.status !== 0) return `exit code ${run.status}\n${run.stdout}${run.stderr}`;
  const missing = firstMissing(program.prints, run.stdout.split('\n'));
  return missing === undefined ? undefined : `does not print: ${missing}\nbut:\n${run.stdout}`;
}

describe.each(programs)('$title', (program) => {
  test('type-checks', () => expect(complaintsAbout(program)).toEqual([]));
  test('runs, and prints what it says', ({ skip }) => {
    if (program.source.includes(namedServer) && !process.env['CI']) {
      skip(server === undefined, 'memcached is not installed');
    }
    expect(failureOf(program)).toBeUndefined();
  });
});

test('there are blocks to check, and the compiler has no complaint outside them', () => {
  expect(programs.length).toBeGreaterThan(5);
  const known = [...programs, ...wrong].flatMap(complaintsAbout);
  // The sources have a check of their own.
  expect(complaints.filter((line) => !known.includes(line) && !line.startsWith('../../src/'))).toEqual([]);
});

test('wrong blocks are found: a type error, an exception, another output', () => {
  expect(complaintsAbout(wrong[0]!).join()).toContain("to type 'string'");
  expect(failureOf(wrong[1]!)).toContain('on purpose');
  expect(failureOf(wrong[2]!)).toContain('does not print: two');
});

test('every npm command in the pages names a script that exists', () => {
  const named = commands.flatMap(({ title, text }) => {
    const script = /\bnpm (?:run )?(?:-s )?([\w:-]+)/.exec(text)?.[1];
    return script === undefined || ['install', 'ci', 'exec'].includes(script) ? [] : [{ title, script }];
  });
  expect(named.length).toBeGreaterThan(1);
  expect(named.filter(({ script }) => manifest.scripts[script] === undefined)).toEqual([]);
});
