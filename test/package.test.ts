import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** The whole tarball, compressed: what an installation costs. Raise it knowingly. */
const largestPackage = 1200 * 1024;

const root = join(import.meta.dirname, '..');
const folder = join(root, '.cistern', `package-${process.pid}`);
const stage = join(folder, 'stage');
const user = join(folder, 'user');

interface Manifest {
  readonly exports: Record<string, { types: string; default: string } | string>;
  readonly dependencies?: Record<string, string>;
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const doors = Object.keys(manifest.exports).filter((door) => door !== './package.json');

let packed: { filename: string; size: number; files: { path: string }[] };

function run(command: string, parameters: string[], cwd: string): string {
  const result = spawnSync(command, parameters, { cwd, encoding: 'utf8' });
  if (result.status !== 0)
    throw new Error(`${command} ${parameters.join(' ')}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

const tsc = (cwd: string, ...parameters: string[]): string =>
  run(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false', ...parameters],
    cwd,
  );

// The package as it would be published, built from the sources as they are now, and installed for a user beside.
beforeAll(() => {
  mkdirSync(join(user, 'node_modules/cistern'), { recursive: true });
  mkdirSync(stage);
  for (const name of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'src'])
    cpSync(join(root, name), join(stage, name), { recursive: true });
  tsc(root, '-p', 'tsconfig.build.json', '--outDir', join(stage, 'dist'));
  [packed] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts'], stage)) as [typeof packed];
  run(
    'tar',
    ['-xzf', join(stage, packed.filename), '--strip-components=1', '-C', join(user, 'node_modules/cistern')],
    stage,
  );
  writeFileSync(join(user, 'package.json'), '{ "type": "module" }');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the package holds sources, build and papers, and nothing else', () => {
  const paths = packed.files.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']));
  const other = paths.filter((path) => !/^(dist\/.+\.(js|d\.ts)(\.map)?|src\/.+(?<!\.test)\.ts)$/.test(path));
  expect(other.toSorted()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
});

test(`the package stays within ${largestPackage / 1024} kB`, () => {
  expect(packed.size).toBeGreaterThan(1024);
  expect(packed.size).toBeLessThanOrEqual(largestPackage);
});

test('every door opens in the installed package, and hands out something', () => {
  const script = doors.map(
    (door, index) =>
      `import * as door${index} from 'cistern${door.slice(1)}'; console.log(Object.keys(door${index}).length);`,
  );
  writeFileSync(join(user, 'open.js'), script.join('\n'));
  const counts = run(process.execPath, ['open.js'], user).trim().split('\n').map(Number);
  expect(counts).toHaveLength(doors.length);
  expect(Math.min(...counts)).toBeGreaterThan(0);
});

test('the program runs as it is installed', () => {
  expect(
    run(process.execPath, ['node_modules/cistern/dist/cli/main.js', 'simulate', '--help'], user),
  ).toContain('cistern simulate');
});

test.each([
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
])(
  'the declarations compile for a user who checks those of libraries too ($moduleResolution)',
  (resolution) => {
    const uses = doors.map(
      (door, index) => `import * as door${index} from 'cistern${door.slice(1)}';\nvoid door${index};`,
    );
    writeFileSync(join(user, 'use.ts'), uses.join('\n'));
    const compilerOptions = {
      ...resolution,
      noEmit: true,
      strict: true,
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      types: ['node'],
    };
    writeFileSync(join(user, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
    expect(tsc(user, '-p', '.')).toBe('');
  },
);

test('every runtime dependency was decided in writing', () => {
  const decisions = readdirSync(join(root, 'docs/decisions'))
    .map((name) => readFileSync(join(root, 'docs/decisions', name), 'utf8'))
    .join();
  for (const name of Object.keys(manifest.dependencies ?? {})) expect(decisions).toContain(`\`${name}\``);
});
