import { posix } from 'node:path';

/**
 * Which folder of `src/` stands on which floor. A folder imports itself and lower floors, never upward or across. `.` are
 * the doors: the files of `src/` itself, which hand out what is below them.
 */
export const floors: Readonly<Record<string, number>> = {
  core: 0,
  policies: 1,
  wire: 1,
  net: 2,
  routes: 2,
  cache: 3,
  stores: 3,
  simulator: 3,
  telemetry: 3,
  http: 4,
  feeds: 4,
  proxy: 4,
  testing: 4,
  '.': 5,
  cli: 6,
  dashboard: 6,
};

/** Folders that may import less than their floor allows. */
const narrower: Readonly<Record<string, readonly string[]>> = { routes: ['core'] };

/** The one file that may import a package. */
export const packageFiles: Readonly<Record<string, string>> = {
  cborg: 'src/cache/codec/cbor.ts',
  'd3-scale': 'src/cli/chart-scales.ts',
  papaparse: 'src/simulator/csv-row.ts',
};

/** Where `node:` may be imported: the runtime with its files, the events, and the floors that run on machines rather than in them. */
const nodeFiles = [
  'src/core/runtime.ts',
  'src/core/real-acceptor.ts',
  'src/core/real-files.ts',
  'src/core/real-socket.ts',
  'src/core/file-lock.ts',
  'src/core/events.ts',
  'src/testing/',
  'src/cli/',
  'src/dashboard/',
];

/** The one file that may import what is not known before: a module of the user. */
const moduleFile = 'src/cli/store-module.ts';

/** Where clock, chance and timers may be touched. `testing/` drives real processes. */
const clockFiles = [
  'src/core/runtime.ts',
  'src/core/real-socket.ts',
  'src/core/file-lock.ts',
  'src/testing/',
  'src/cli/',
  'src/dashboard/',
];

const clockWords =
  /\b(?:Date\.now|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|process\.nextTick|process\.hrtime|crypto\.randomUUID|crypto\.getRandomValues)\b|\bnew Date\(\s*\)/g;

/** Names that say nothing about what is inside. */
const emptyNames = ['utils', 'util', 'helpers', 'helper', 'common', 'types', 'misc', 'shared', 'lib'];

export const longestFile = 400;

export interface Findings {
  /** One line for each trespass: the file, and what it must not do. */
  readonly trespasses: readonly string[];
  /** How many imports were looked at: none means that the check is blind. */
  readonly imports: number;
}

/**
 * Checks sources by their paths from the project's root. Shipped files of `src/` keep all rules; tests anywhere keep those on
 * length and names.
 */
export function checkArchitecture(files: ReadonlyMap<string, string>): Findings {
  const trespasses: string[] = [];
  let imports = 0;
  for (const [path, source] of files) {
    const complain = (what: string): void => void trespasses.push(`${path} ${what}`);
    const lines = source.trimEnd().split('\n').length;
    if (lines > longestFile) complain(`has ${lines} lines, more than ${longestFile}`);
    checkName(path, complain);
    if (!path.startsWith('src/') || path.endsWith('.test.ts')) continue;
    for (const target of importsOf(source)) {
      imports++;
      checkImport(path, target, complain);
    }
    if (!clockFiles.some((allowed) => path.startsWith(allowed)))
      for (const [word] of withoutTexts(source).matchAll(clockWords))
        complain(`touches ${word}: time, chance and timers come from the runtime`);
  }
  return { trespasses, imports };
}

function checkName(path: string, complain: (what: string) => void): void {
  const name = posix.basename(path).replace(/(\.test|\.d)?\.ts$/, '');
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) complain('is not named in kebab-case');
  for (const part of path.replace(/\.ts$/, '').split('/'))
    if (emptyNames.includes(part)) complain(`is named '${part}', which does not say what is inside`);
}

function checkImport(path: string, target: string, complain: (what: string) => void): void {
  if (target.startsWith('node:')) {
    if (!nodeFiles.some((allowed) => path.startsWith(allowed)))
      complain(`imports ${target}: only core/runtime and core/events reach the platform`);
  } else if (target.startsWith(computedName) && path === moduleFile) {
    // A module of the user.
  } else if (!target.startsWith('.')) {
    const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
    const allowed = packageFiles[name];
    if (allowed === undefined) complain(`imports the package ${name}, which no file is named for`);
    else if (!path.startsWith(allowed)) complain(`imports the package ${name}, which only ${allowed} may`);
  } else {
    const imported = posix.join(posix.dirname(path), target);
    const [from, to] = [folderOf(path), folderOf(imported)];
    if (!target.endsWith('.ts')) complain(`imports ${target} without its ending`);
    if (!imported.startsWith('src/')) complain(`imports ${imported}, which is outside of src/`);
    else if (floors[from] === undefined) complain(`is in the folder ${from}, which has no floor`);
    else if (floors[to] === undefined) complain(`imports ${imported}, whose folder has no floor`);
    else if (from !== to && (floors[to] >= floors[from] || narrower[from]?.includes(to) === false))
      complain(
        `imports ${imported}: ${from} (floor ${floors[from]}) must not know ${to} (floor ${floors[to]})`,
      );
  }
}

/** The folder directly below `src/`, `.` for the files of `src/` itself. */
function folderOf(path: string): string {
  const [, folder, rest] = path.split('/');
  return rest === undefined ? '.' : folder!;
}

const lexemes = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;

function withoutComments(source: string): string {
  return source.replace(lexemes, (lexeme) => (lexeme.startsWith('/') ? ' ' : lexeme));
}

function withoutTexts(source: string): string {
  return source.replace(lexemes, ' ');
}

/** What stands for a name that is known only when it is imported. */
const computedName = 'a computed name';

const importForms =
  /\b(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*['"]([^'"]+)['"]|\b(?:import|require)\s*\(\s*(?:['"]([^'"]+)['"]|([^'"\s)]))/g;

function importsOf(source: string): readonly string[] {
  return [...withoutComments(source).matchAll(importForms)].map(
    ([, from, bare, called, computed]) => from ?? bare ?? called ?? `${computedName} (${computed}...)`,
  );
}
