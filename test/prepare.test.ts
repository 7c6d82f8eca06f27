import { mkdirSync, mkdtempSync, rmSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

// The scripts are plain JavaScript, because they run before anything is installed.
const scripts = new URL('../scripts/', import.meta.url);
const { installProblem } = (await import(new URL('install-state.mjs', scripts).href)) as {
  readonly installProblem: (root: string) => string | undefined;
};
const { buildProblem } = (await import(new URL('build-state.mjs', scripts).href)) as {
  readonly buildProblem: (root: string) => string | undefined;
};
const { withLock } = (await import(new URL('prepare-lock.mjs', scripts).href)) as {
  readonly withLock: (
    folder: string,
    say: (line: string) => void,
    work: () => Promise<void>,
  ) => Promise<void>;
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cistern-prepare-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, content: unknown, changed?: number): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  if (changed !== undefined) utimesSync(file, changed, changed);
}

describe('what is installed', () => {
  const lock = {
    '': { name: 'project' },
    tool: { name: 'tool' },
    'node_modules/tool': { resolved: 'tool', link: true },
    'node_modules/one': { version: '1.0.0', integrity: 'sha512-one' },
    'node_modules/one/node_modules/two': { version: '2.0.0' },
    'node_modules/elsewhere': { version: '1.0.0', optional: true, os: ['plan9'] },
  };
  const { '': _, 'node_modules/elsewhere': __, ...installed } = lock;

  function install(packages: object = installed): void {
    write('package-lock.json', { packages: lock });
    write('node_modules/.package-lock.json', { packages });
    for (const path of Object.keys(installed)) mkdirSync(join(root, path), { recursive: true });
  }

  test('is fine as npm leaves it, without packages for other platforms, wherever they came from', () => {
    install();
    expect(installProblem(root)).toBeUndefined();
    install({
      ...installed,
      'node_modules/one': { ...installed['node_modules/one'], resolved: 'https://packages.example/one.tgz' },
    });
    expect(installProblem(root)).toBeUndefined();
  });

  test('is missing in a fresh clone, and when an install was cut off', () => {
    write('package-lock.json', { packages: lock });
    expect(installProblem(root)).toBe('there are none yet');
    install();
    unlinkSync(join(root, 'node_modules/.package-lock.json'));
    expect(installProblem(root)).toBe('the last install did not end');
    write('node_modules/.package-lock.json', '{ "packa');
    expect(installProblem(root)).toBe('the last install did not end');
  });

  test('is out of date when a version, a checksum or a package differs', () => {
    for (const [path, entry] of Object.entries({
      'node_modules/one': { version: '1.0.1' },
      'node_modules/one/node_modules/two': undefined,
      'node_modules/tool': { version: '1.0.0' },
    })) {
      install({ ...installed, [path]: entry });
      expect(installProblem(root)).toBe('the lock file has changed');
    }
    install({ ...installed, 'node_modules/one': { version: '1.0.0', integrity: 'sha512-other' } });
    expect(installProblem(root)).toBe('the lock file has changed');
  });

  test('is incomplete when the folder of a package is gone', () => {
    install();
    rmSync(join(root, 'node_modules/one/node_modules/two'), { recursive: true });
    expect(installProblem(root)).toBe('two is gone');
  });
});

describe('what is built', () => {
  const past = Date.now() / 1000 - 3600;

  function build(): void {
    write('package.json', {
      exports: { '.': { default: './dist/index.js' }, './package.json': './package.json' },
    });
    for (const path of ['tsconfig.base.json', 'tsconfig.build.json', 'src/index.ts', 'src/core/key.ts']) {
      write(path, '', past);
    }
    for (const folder of ['src', 'src/core']) utimesSync(join(root, folder), past, past);
    write('dist/index.js', '', past + 60);
  }

  test('is fine when every door is newer than all sources; tests are no sources', () => {
    build();
    expect(buildProblem(root)).toBeUndefined();
    write('src/core/key.test.ts', '');
    utimesSync(join(root, 'src/core'), past, past);
    expect(buildProblem(root)).toBeUndefined();
  });

  test('is missing or older than a source, a setting, or a folder that lost a file', () => {
    build();
    unlinkSync(join(root, 'dist/index.js'));
    expect(buildProblem(root)).toBe('it is not built yet');
    for (const path of ['src/core/key.ts', 'tsconfig.base.json']) {
      build();
      write(path, '', past + 120);
      expect(buildProblem(root)).toBe('its sources have changed');
    }
    build();
    unlinkSync(join(root, 'src/core/key.ts'));
    expect(buildProblem(root)).toBe('its sources have changed');
  });
});

describe('the lock of a checkout', () => {
  test('lets one process work at a time, and tells the other what it waits for', async () => {
    const said: string[] = [];
    const order: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = withLock(
      root,
      (line) => said.push(line),
      async () => {
        order.push('first begins');
        await promise;
        order.push('first ends');
      },
    );
    const second = withLock(
      root,
      (line) => said.push(line),
      async () => void order.push('second'),
    );
    resolve();
    await Promise.all([first, second]);
    expect(order).toEqual(['first begins', 'first ends', 'second']);
    expect(said).toHaveLength(1);
  });

  test('is taken over from a process that is gone, and given back after a failure', async () => {
    const past = Date.now() / 1000 - 10;
    write('prepare.lock', '2147483646', past);
    await expect(
      withLock(
        root,
        () => {},
        () => Promise.reject(new Error('no network')),
      ),
    ).rejects.toThrow('no network');
    let worked = false;
    await withLock(
      root,
      () => {},
      async () => void (worked = true),
    );
    expect(worked).toBe(true);
  });
});
