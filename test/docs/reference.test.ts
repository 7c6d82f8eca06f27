import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Every text that matches, once each. */
const found = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map((match) => match[1]!))].toSorted();

test('errors.md has a row for every error code, and for no other', () => {
  const codes = found(read('src/core/error.ts'), /^ {2}readonly (CISTERN_\w+):/gm);
  expect(codes.length).toBeGreaterThan(10);
  expect(found(read('docs/reference/errors.md'), /^\| `(CISTERN_\w+)` \|/gm)).toEqual(codes);
});

test('events.md has a row for every channel, and for no other', () => {
  const kinds = found(read('src/core/events.ts'), /channel\('(cistern:[\w-]+)'\)/g);
  expect(kinds.length).toBeGreaterThan(3);
  expect(found(read('docs/reference/events.md'), /^\| `(cistern:[\w-]+)` \|/gm)).toEqual(kinds);
});

/** The options that an exported interface names, those of objects within as `loads.queue`. */
function optionsOf(path: string, ...interfaces: readonly string[]): string[] {
  const source = read(path);
  return interfaces.flatMap((name) => {
    const body = new RegExp(`interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1];
    if (body === undefined) throw new Error(`${path} has no interface ${name}`);
    return found(body, /^ {2}(?:readonly )?(\w+)\??[:(]/gm);
  });
}

/** The options that a chapter of options.md (all text under one second-level heading) has rows for. */
function documented(chapter: string): string[] {
  const text = read('docs/reference/options.md')
    .split(/^## /m)
    .find((part) => part.startsWith(chapter));
  return found(text ?? '', /^\| `([\w.]+)` \|/gm);
}

test('options.md has a row for every option of cistern() and define(), and for no other', () => {
  const near = optionsOf('src/cache/options.ts', 'NearOptions').map((name) => `near.${name}`);
  const hotKeys = optionsOf('src/cache/hot-keys/hot-keys-options.ts', 'HotKeysOptions').map(
    (name) => `hotKeys.${name}`,
  );
  expect(documented('`cistern(')).toEqual(
    [...optionsOf('src/cache/options.ts', 'CisternOptions'), ...near, ...hotKeys].toSorted(),
  );
  const definition = 'src/cache/definition.ts';
  const limits = optionsOf(definition, 'LoadLimits').map((name) => `loads.${name}`);
  const rest = optionsOf(definition, 'Common', 'Batched', 'Lifetimes').filter((name) => name !== 'loads');
  expect(documented('`define(')).toEqual([...rest, ...limits, 'absent', 'key', 'private'].toSorted());
});

test('options.md has a row for every option of memcached(), memory() and the calls, and for no other', () => {
  const folder = 'src/stores/memcached';
  const within = (name: string, path: string, of: string): string[] =>
    optionsOf(`${folder}/${path}`, of).map((option) => `${name}.${option}`);
  const memcached = [
    ...optionsOf(`${folder}/memcached.ts`, 'MemcachedOptions').filter((name) => name !== 'failOpen'),
    ...within('failOpen', '../../net/health-group.ts', 'HealthGroupOptions'),
    ...optionsOf(`${folder}/server.ts`, 'ServerSettings').filter(
      (name) => !['pool', 'health', 'authentication'].includes(name),
    ),
    ...optionsOf(`${folder}/pool-safety.ts`, 'SafetyOptions').filter((name) => name !== 'runtime'),
    ...within('journal', '../../routes/journal/journal.ts', 'JournalOptions'),
    ...within('pool', 'pool-options.ts', 'PoolOptions'),
    ...within('health', 'health-options.ts', 'HealthOptions'),
    ...within('tls', 'address.ts', 'TlsOptions'),
    ...within('authentication', 'authentication.ts', 'Authentication'),
  ];
  expect(documented('`memcached(')).toEqual(memcached.toSorted());
  expect(documented('`memory(')).toEqual(
    optionsOf('src/stores/memory/memory.ts', 'MemoryOptions').toSorted(),
  );
  const calls = optionsOf('src/cache/call-options.ts', 'ReadOptions', 'MutateOptions');
  expect(documented('Options of a call')).toEqual(calls.toSorted());
});

test('options.md has a row for every option of migrating(), and for no other', () => {
  const folder = 'src/routes/migrating';
  const within = (name: string, file: string, of: string): string[] =>
    optionsOf(`${folder}/${file}.ts`, of).map((option) => `${name}.${option}`);
  const own = optionsOf(`${folder}/migrating.ts`, 'MigratingOptions');
  const table = optionsOf(`${folder}/time-table.ts`, 'MigrationSchedule').filter((name) => name !== 'perKey');
  const inner = [
    ...within('schedule', 'time-table', 'ScheduledStage'),
    ...within('status', 'migrating', 'MigrationStatusOptions'),
    'perKey.interval',
  ];
  expect(documented('`migrating(')).toEqual([...own, ...table, ...inner].toSorted());
});

test('the README shows the table that npm start printed', () => {
  const table =
    /<!-- start-table:begin -->([\s\S]*)<!-- start-table:end -->/.exec(read('README.md'))?.[1] ?? '';
  for (const word of [
    'without',
    'with',
    'better',
    'home',
    'product',
    'search',
    'stale',
    'queries/s',
    'all',
  ]) {
    expect(table).toContain(word);
  }
});

test('every promise of the README names tests that exist', () => {
  const rows = read('README.md').match(/^\| P\d \|.+$/gm) ?? [];
  expect(rows.length).toBe(6);
  for (const row of rows) {
    const shown = row.split(' | ').at(-1)!;
    // A link to a test file, and then names of tests in it.
    const files = shown.split(/(?=\[[\w-]+\]\()/);
    expect(files.every((file) => file.startsWith('['))).toBe(true);
    for (const file of files) {
      const path = /\]\((.+?)\)/.exec(file)![1]!;
      const names = found(file, /`(.+?)`/g);
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) expect(read(path), path).toContain(name);
    }
  }
});

test('links between the pages lead to files that exist', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/start.md', 'docs/decisions/README.md'];
  const links = pages.flatMap((page) =>
    found(read(page), /\]\((?!https?:)([^)#]+)/g).map((target) => join(root, dirname(page), target)),
  );
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter((path) => !existsSync(path))).toEqual([]);
});
