import { type CaseResult, type Contest, runContest } from './contest.ts';
import { type Figure, type Outcome, packageVersions } from './result.ts';
import type { Spread } from './statistics.ts';
import { figure, textTable } from './table.ts';

/** What the command line asks of a benchmark. */
export interface RunOptions {
  readonly rounds: number | undefined;
  /** Few, short rounds: to see that it runs, not to quote. */
  readonly quick: boolean;
  /** The benchmark's own arguments, as they were given. */
  readonly given: Readonly<Record<string, string | boolean | undefined>>;
  /** Told what is going on. */
  readonly progress: (text: string) => void;
}

/** A benchmark: one file each, found by its name in `main.ts`. */
export interface Benchmark {
  readonly title: string;
  /** Arguments of its own, beside those that all have. */
  readonly arguments?: Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>;
  run(options: RunOptions): Promise<Outcome>;
}

/** What a contest adds to the file of its result. */
export interface ContestDetails {
  readonly baseline: string;
  readonly cases: readonly CaseResult[];
}

/** Runs a contest with the usual effort and makes its outcome: CPU per operation, and the rest beside it. */
export async function sideBySide(
  contest: Contest,
  options: RunOptions,
  additions: { readonly skipped?: readonly string[]; readonly servers?: Record<string, string> } = {},
): Promise<Outcome> {
  const rounds = options.rounds ?? (options.quick ? 3 : (contest.effort?.rounds ?? 9));
  const milliseconds = options.quick ? 150 : (contest.effort?.milliseconds ?? 500);
  const cases = await runContest(contest, { rounds, milliseconds }, options.progress);
  const details: ContestDetails = { baseline: contest.baseline, cases };
  return {
    bench: contest.bench,
    unit: `${contest.unit} of CPU per operation`,
    rounds,
    quick: options.quick,
    skipped: additions.skipped ?? [],
    versions: {
      ...packageVersions(contest.contenders.flatMap((contender) => contender.packages)),
      ...additions.servers,
    },
    results: cases.flatMap((each) =>
      each.rows.map((row): Figure => ({ name: cellLabel(contest, each.case, row.name), ...row.cpu })),
    ),
    table: cases.map((each) => caseTable(contest, each)).join('\n\n'),
    details,
  };
}

function cellLabel(contest: Contest, caseName: string, name: string): string {
  return contest.cases.length === 1 ? name : `${name}: ${caseName}`;
}

function caseTable(contest: Contest, result: CaseResult): string {
  const watched = result.rows.some((row) => row.latency !== undefined);
  const headings = [
    result.case,
    `CPU ${contest.unit}/op`,
    'min - max',
    `x ${contest.baseline}`,
    'min - max',
    'ops/s',
  ];
  if (watched) headings.push('p50 ms', 'p99 ms');
  const rows = result.rows.map((row) => [
    row.name,
    figure(row.cpu.median),
    range(row.cpu),
    figure(row.ratio.median),
    range(row.ratio),
    Math.round(row.operationsPerSecond.median).toLocaleString('en-US'),
    ...(row.latency === undefined ? [] : [figure(row.latency.p50.median), figure(row.latency.p99.median)]),
  ]);
  return textTable(headings, rows);
}

function range(spread: Spread): string {
  return `${figure(spread.min)} - ${figure(spread.max)}`;
}
