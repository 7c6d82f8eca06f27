import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as door from '../../src/routes.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Routes with a page of their own. */
const elsewhere = ['migrating', 'sharded'];
/** Lists of servers are no routes. */
const routes = Object.keys(door).filter((name) => !elsewhere.includes(name) && !name.endsWith('Servers'));

const fileOf = (route: string): string =>
  `src/routes/${route.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`;

function optionsOf(route: string): string[] {
  const name = `${route[0]!.toUpperCase()}${route.slice(1)}Options`;
  const body = new RegExp(`interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(read(fileOf(route)))?.[1];
  return [...(body ?? '').matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1]!);
}

test('options.md has a row for every option of every route, and for no other', () => {
  expect(routes.length).toBeGreaterThan(10);
  const chapter = read('docs/reference/options.md')
    .split(/^## /m)
    .find((part) => part.startsWith('Routes\n'));
  const rows = [...(chapter ?? '').matchAll(/^\| `(\w+\.\w+)` \|/gm)].map((match) => match[1]!);
  const options = routes.flatMap((route) => optionsOf(route).map((option) => `${route}.${option}`));
  expect(rows.toSorted()).toEqual(options.filter((option) => !/\.(name|runtime)$/.test(option)).toSorted());
  for (const route of routes) expect(optionsOf(route)).toContain('name');
});

test('routes.md has a section with an example for every route', () => {
  const sections = read('docs/routes.md').split(/^## /m);
  for (const route of routes) {
    const section = sections.find((each) => each.startsWith(`${route}\n`));
    expect(section, route).toContain('**When:**');
    expect(section, route).toContain(`${route}(`);
  }
});
