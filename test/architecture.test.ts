import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkArchitecture, floors, longestFile, packageFiles } from './architecture-rules.ts';

const root = join(import.meta.dirname, '..');

function sources(...folders: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of folders)
    for (const entry of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }))
      if (entry.endsWith('.ts') && !/(^|\/)(node_modules|dist)\//.test(entry))
        files.set(`${folder}/${entry}`, readFileSync(join(root, folder, entry), 'utf8'));
  return files;
}

test('every source file keeps to its floor, its length and its rights', () => {
  const { trespasses, imports } = checkArchitecture(sources('src', 'test', 'examples', 'bench'));
  expect(trespasses).toEqual([]);
  expect(imports, 'the check saw too few imports: it is blind').toBeGreaterThan(100);
});

test('every package that the library depends on has its place', () => {
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  expect(Object.keys(packageFiles).toSorted()).toEqual(Object.keys(dependencies).toSorted());
});

describe('the check bites', () => {
  const found = (path: string, source: string): readonly string[] =>
    checkArchitecture(new Map([[path, source]])).trespasses;

  test.each([
    ['upward', 'src/core/key.ts', `import { x } from '../cache/cache.ts';`],
    ['upward, as a type', 'src/net/pool.ts', `import type { X } from '../stores/memory/memory.ts';`],
    [
      'upward, over several lines',
      'src/wire/a.ts',
      `import {\n  type A,\n  b, // from\n} from '../net/pool.ts';`,
    ],
    ['upward, re-exported', 'src/policies/clock.ts', `export * from '../cache/near.ts';`],
    ['upward, for its effects', 'src/core/key.ts', `import '../net/pool.ts';`],
    ['upward, lazily', 'src/core/key.ts', `const near = await import('../cache/near.ts');`],
    ['across', 'src/cache/cache.ts', `import { memory } from '../stores/memory/memory.ts';`],
    [
      'across, from deep inside',
      'src/stores/memcached/a/b.ts',
      `import { c } from '../../../cache/cache.ts';`,
    ],
    ['a door', 'src/testing/chaos.ts', `import { cistern } from '../index.ts';`],
    ['a folder without a floor', 'src/core/key.ts', `import { a } from '../attic/a.ts';`],
    ['from a folder without a floor', 'src/attic/a.ts', `import { a } from '../core/key.ts';`],
    ['outside of src', 'src/core/key.ts', `import { a } from '../../test/a.ts';`],
    ['policies from routes', 'src/routes/sharded.ts', `import { clock } from '../policies/clock.ts';`],
    ['without an ending', 'src/core/key.ts', `import { a } from './error';`],
    ['a computed name', 'src/core/key.ts', 'const a = await import(name);'],
  ])('on an import %s', (_what, path, source) => {
    expect(found(path, source)).toHaveLength(1);
  });

  test.each([
    ['down', 'src/cache/cache.ts', `import { x } from '../core/key.ts';`],
    ['within its folder', 'src/cache/near/near.ts', `import { x } from '../cache.ts';`],
    [
      'as the doors do',
      'src/index.ts',
      `export { x } from './cache/cache.ts';\nexport * from './testing/x.ts';`,
    ],
    [
      'in a comment',
      'src/core/key.ts',
      `// import { x } from '../cache/cache.ts';\n/* setTimeout(Date.now()) */`,
    ],
    ['in a test', 'src/core/key.test.ts', `import { x } from '../testing/fake-runtime.ts';`],
    [
      'of the platform where it is allowed',
      'src/core/runtime.ts',
      `import { connect } from 'node:net';\nDate.now();`,
    ],
  ])('but not on an import %s', (_what, path, source) => {
    expect(found(path, source)).toEqual([]);
  });

  test.each(['node:net', 'node:fs/promises', 'react', '@scope/name/part', 'cborg'])(
    'on %s in the wrong place',
    (name) => {
      expect(found('src/net/pool.ts', `import x from '${name}';`)).toHaveLength(1);
    },
  );

  test.each([
    'Date.now()',
    'new Date()',
    'performance.now()',
    'Math.random()',
    'setTimeout(f, 1)',
    'setInterval(f, 1)',
    'setImmediate(f)',
    'globalThis.setTimeout(f, 1)',
    'process.nextTick(f)',
    'queueMicrotask(f)',
    'crypto.randomUUID()',
  ])('on %s in the library', (call) => {
    expect(found('src/cache/cache.ts', `const x = ${call};`)).toHaveLength(1);
    expect(found('src/core/runtime.ts', `const x = ${call};`)).toEqual([]);
  });

  test('on a file that is too long', () => {
    const lines = (count: number): string => 'x;\n'.repeat(count);
    expect(found('src/core/long.ts', lines(longestFile))).toEqual([]);
    expect(found('src/core/long.ts', lines(longestFile + 1))).toHaveLength(1);
    expect(found('test/long.test.ts', lines(longestFile + 1))).toHaveLength(1);
  });

  test.each([
    'src/core/utils.ts',
    'src/helpers/a.ts',
    'src/core/types.ts',
    'src/core/TimerWheel.ts',
    'src/core/timer_wheel.ts',
  ])('on the name %s', (path) => {
    expect(found(path, '').length).toBeGreaterThan(0);
  });

  test('when it sees nothing', () => {
    expect(checkArchitecture(new Map()).imports).toBe(0);
  });

  test('on every pair of folders that must not know each other', () => {
    const inside = Object.keys(floors).filter((folder) => folder !== '.');
    for (const from of inside)
      for (const to of inside) {
        const allowed = from === to || (floors[to]! < floors[from]! && (from !== 'routes' || to === 'core'));
        const source = `import { x } from '${from === to ? './b.ts' : `../${to}/b.ts`}';`;
        expect(found(`src/${from}/a.ts`, source), `${from} on ${to}`).toHaveLength(allowed ? 0 : 1);
      }
  });
});
