import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Spread } from './statistics.ts';

/** Where the repository is. */
export const root: string = join(import.meta.dirname, '../..');

/** One number of the last line of `--json`. */
export interface Figure extends Spread {
  readonly name: string;
}

/** What a benchmark hands over when it is done. */
export interface Outcome {
  readonly bench: string;
  readonly unit: string;
  readonly rounds: number;
  readonly quick: boolean;
  /** What was left out and why. */
  readonly skipped: readonly string[];
  /** Versions of the npm packages and of the servers that took part. */
  readonly versions: Record<string, string>;
  readonly results: readonly Figure[];
  /** The table for people, ready to print. */
  readonly table: string;
  /** Why this is not as it must be, if so: the program then ends with an error. */
  readonly failure?: string;
  /** Whatever else belongs into the file: ratios, raw numbers of every round. */
  readonly details: unknown;
}

/** The file of a run: who measured what on which machine. */
export interface ResultFile<Details = unknown> {
  readonly bench: string;
  readonly unit: string;
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly cpu: string;
  readonly rounds: number;
  readonly quick: boolean;
  readonly versions: Record<string, string>;
  readonly skipped: readonly string[];
  readonly results: readonly Figure[];
  readonly details: Details;
}

export function resultPath(bench: string, quick: boolean): string {
  return join(root, 'bench/results', ...(quick ? ['quick'] : []), `${bench}.json`);
}

/** Writes `bench/results/<name>.json`; a quick run goes aside, into `bench/results/quick/`, as it is no figure to quote. */
export function writeResult(outcome: Outcome): string {
  const { bench, unit, rounds, quick, versions, skipped, results, details } = outcome;
  const processors = cpus();
  const file: ResultFile = {
    bench,
    unit,
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    cpu: `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown'}`,
    rounds,
    quick,
    versions,
    skipped,
    results,
    details,
  };
  const path = resultPath(bench, quick);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `${JSON.stringify(file, rounded, 1)}\n`);
  return path;
}

export function readResult<Details>(bench: string): ResultFile<Details> | undefined {
  try {
    return JSON.parse(readFileSync(resultPath(bench, false), 'utf8')) as ResultFile<Details>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The last line of `--json`. */
export function jsonLine(outcome: Outcome): string {
  const { bench, unit, results } = outcome;
  return JSON.stringify({ bench, unit, results }, rounded);
}

/** The installed versions of npm packages. */
export function packageVersions(names: Iterable<string>): Record<string, string> {
  const versions: Record<string, string> = {};
  for (const name of [...new Set(names)].toSorted()) {
    const path = join(root, 'node_modules', name, 'package.json');
    versions[name] = (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
  }
  return versions;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

/** Five digits are more than any of these measurements holds; counts are exact. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}
