import type { Stage, TimeTable } from '../routes/migrating/time-table.ts';
import { percent, timeText } from './number-text.ts';
import { textTable } from './text-table.ts';

/** Where reads go, and what becomes of changes, in a stage. */
export function stageText(stage: Stage, share: number): readonly [reads: string, changes: string] {
  switch (stage) {
    case 'only-from':
      return ['from', 'from'];
    case 'mirror':
      return ['from', 'both'];
    case 'populate':
      return [`from, ${percent(share)} of the hits are copied`, 'both'];
    case 'read-to':
      return ['to', 'both'];
    case 'only-to':
      return ['to', 'to'];
  }
}

/** The plan as a table, with what happens around the switches. `now` in Unix milliseconds. */
export function planText(name: string, table: TimeTable, now: number): string {
  const rows = [{ stage: 'only-from' as Stage, at: undefined, share: 0 }, ...table.rows];
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cells = rows.map(({ stage, at, share }) => [
    stage,
    at === undefined ? '' : utcText(at),
    at === undefined ? '' : localText(at),
    ...stageText(stage, share),
  ]);
  const next = table.nextAfter(now);
  return [
    `migration ${name}, clocks at most ${timeText(table.skew)} apart`,
    '',
    textTable([['stage', 'begins (UTC)', `begins (${zone})`, 'reads', 'changes']], cells),
    '',
    ...margins(table),
    `now             ${utcText(now)} UTC, ${table.stageAt(now)}` +
      (next === undefined ? '; the last stage' : `; ${next.stage} in ${timeText(next.at - now)}`),
  ].join('\n');
}

/** What is not said by the rows: when things begin before a stage, or end after it. */
function margins(table: TimeTable): readonly string[] {
  const { bothFrom, bothUntil, populateFrom, readToFrom, interval, skew } = table;
  const known = Number.isFinite;
  const lines = [
    `both            changes reach both pools from ${utcText(bothFrom)}` +
      (known(bothUntil) ? ` to ${utcText(bothUntil)}` : '; no end is planned'),
  ];
  if (known(populateFrom))
    lines.push(
      known(readToFrom)
        ? `copies          end ${timeText(skew)} before a key is read in the new pool: at ${utcText(readToFrom - skew)}${interval > 0 ? ' for the first' : ''}`
        : 'copies          go on: no switch is planned',
    );
  if (known(readToFrom))
    lines.push(
      interval > 0
        ? `switch          each key at its time from ${utcText(readToFrom)} to ${utcText(readToFrom + interval)}`
        : `switch          all keys at ${utcText(readToFrom)}, by the clock of each process`,
    );
  return lines;
}

/** The plan for programs. */
export function planJson(name: string, table: TimeTable, now: number): string {
  const time = (at: number): string | null => (Number.isFinite(at) ? new Date(at).toISOString() : null);
  return JSON.stringify({
    migration: name,
    table: table.digest,
    skewMs: table.skew,
    intervalMs: table.interval,
    stage: table.stageAt(now),
    next: table.nextAfter(now)?.stage ?? null,
    changesReachBoth: { from: time(table.bothFrom), to: time(table.bothUntil) },
    schedule: table.rows.map(({ stage, at, share }) => ({
      stage,
      at: time(at),
      ...(stage === 'populate' ? { share } : undefined),
    })),
  });
}

function utcText(at: number): string {
  return new Date(at)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.000Z$|Z$/, '');
}

function localText(at: number): string {
  const date = new Date(at);
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
