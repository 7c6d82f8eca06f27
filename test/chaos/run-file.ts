import { relative } from 'node:path';
import { root, writeResult } from '../../bench/harness/result.ts';
import { versionOf } from './servers.ts';
import type { Outcome } from './scenario.ts';

/** The last line of `--json`. */
export function jsonLine(outcome: Outcome): string {
  const { scenario, operations, errors, wrong, stale, p99Ms, dbRatio, details } = outcome;
  return JSON.stringify({ scenario, operations, errors, wrong, stale, p99Ms, dbRatio, details }, rounded);
}

/** Writes the run beside the results of the benchmarks, in the same form: `bench/results/chaos-<name>.json`; a quick one aside. Answers where. */
export function writeRun(outcome: Outcome, quick: boolean, seed: number): string {
  const { scenario, operations, errors, wrong, stale, p99Ms, dbRatio, figures, details } = outcome;
  const counted = { operations, errors, wrong, stale, p99Ms, dbRatio };
  const path = writeResult({
    bench: `chaos-${scenario}`,
    unit: 'as named',
    rounds: 1,
    quick,
    skipped: [],
    versions: { memcached: versionOf() },
    results: Object.entries(counted).flatMap(([name, value]) =>
      value === null ? [] : [{ name, median: value, min: value, max: value }],
    ),
    table: '',
    details: { seed, figures, ...details },
  });
  return relative(root, path);
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}
