import type { PoolCounts } from '../routes/migrating/pool-counts.ts';
import type { ReadStatus } from '../routes/migrating/status-board.ts';
import type { TimeTable } from '../routes/migrating/time-table.ts';
import { count, percent, timeText } from './number-text.ts';
import { textTable } from './text-table.ts';

/** To how many milliseconds the age of a status is known: servers count whole seconds. */
const grain = 2000;

/** By how many milliseconds the clock of a process is ahead of this one, about. */
function ahead(status: ReadStatus, now: number): number {
  return status.wall + status.age - now;
}

/** How all processes stand, and what is not as it should be. `now` in Unix milliseconds. */
export function statusText(
  name: string,
  table: TimeTable,
  processes: readonly ReadStatus[],
  now: number,
): string {
  const next = table.nextAfter(now);
  const lines = [
    `migration ${name}: by this clock ${table.stageAt(now)}` +
      (next === undefined ? '' : `, ${next.stage} in ${timeText(next.at - now)}`),
    '',
  ];
  if (processes.length === 0) return [...lines, 'No process has told its status.'].join('\n');
  const rows = processes.map((each) => [
    each.process,
    each.stage,
    clockText(ahead(each, now)),
    ratioText(each.from),
    ratioText(each.to),
    ratioText(each.sampled),
    count(each.copied),
    count(each.unfinished),
  ]);
  const sum = (of: 'from' | 'to' | 'sampled'): string =>
    ratioText({
      gets: processes.reduce((all, each) => all + each[of].gets, 0),
      hits: processes.reduce((all, each) => all + each[of].hits, 0),
    });
  const total = (of: 'copied' | 'unfinished'): string =>
    count(processes.reduce((all, each) => all + each[of], 0));
  const all = ['all', '', '', sum('from'), sum('to'), sum('sampled'), total('copied'), total('unfinished')];
  const headings = [
    ['', '', '', 'hits of', 'hits of', 'of samples', '', 'deletes to'],
    ['process', 'stage', 'clock', 'from', 'to', 'in to', 'copied', 'repeat'],
  ];
  lines.push(textTable(headings, [...rows, all]), '');
  const problems = statusProblems(table, processes, now);
  return [...lines, ...(problems.length === 0 ? ['All have this table.'] : problems)].join('\n');
}

/** What somebody should look at before the next switch. */
export function statusProblems(
  table: TimeTable,
  processes: readonly ReadStatus[],
  now: number,
): readonly string[] {
  const problems: string[] = [];
  for (const each of processes) {
    if (each.table !== table.digest) problems.push(`${each.process} has another time table (${each.table}).`);
    const off = ahead(each, now);
    if (Math.abs(off) > table.skew + grain)
      problems.push(
        `The clock of ${each.process} is ${timeText(Math.abs(off))} ${off > 0 ? 'ahead' : 'behind'}, more than the skew of ${timeText(table.skew)}.`,
      );
    if (each.unfinished > 0)
      problems.push(`${each.process} has ${count(each.unfinished)} deletes that a pool has not confirmed.`);
  }
  return problems;
}

/** The same for programs: one line per process. */
export function statusJson(
  table: TimeTable,
  processes: readonly ReadStatus[],
  failed: readonly string[],
  now: number,
): string {
  const line = (each: ReadStatus): string =>
    JSON.stringify({
      process: each.process,
      stage: each.stage,
      sameTable: each.table === table.digest,
      clockAheadMs: Math.round(ahead(each, now)),
      from: each.from,
      to: each.to,
      sampled: each.sampled,
      copied: each.copied,
      unfinished: each.unfinished,
    });
  const end = {
    stage: table.stageAt(now),
    processes: processes.length,
    failed,
    problems: statusProblems(table, processes, now),
  };
  return [...processes.map(line), JSON.stringify(end)].join('\n');
}

function ratioText({ gets, hits }: PoolCounts): string {
  return gets === 0 ? '-' : `${percent(hits / gets)} of ${count(gets)}`;
}

function clockText(milliseconds: number): string {
  if (Math.abs(milliseconds) <= grain) return 'same';
  return `${milliseconds > 0 ? '+' : '-'}${(Math.abs(milliseconds) / 1000).toFixed(0)} s`;
}
