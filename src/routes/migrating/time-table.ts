import { type Duration, milliseconds } from '../../core/duration.ts';
import { wrongOption } from '../../core/error.ts';
import { digest128 } from '../../core/runtime.ts';
import { newPool, oldPool, type Pool } from './pool-pair.ts';

/** Where a migration stands; in this order, never back. `only-from` is what holds before the first row of the table. */
export type Stage = 'only-from' | 'mirror' | 'populate' | 'read-to' | 'only-to';

export interface ScheduledStage {
  /**
   * `mirror`: every change reaches both pools. `populate`: and a share of the hits is copied. `read-to`: reads go to the new
   * pool, changes still reach both. `only-to`: the new pool alone.
   */
  readonly stage: Exclude<Stage, 'only-from'>;
  /** When it begins: a text with its zone (`'2026-12-01T09:00:00Z'`), Unix milliseconds or a `Date`. */
  readonly at: string | number | Date;
  /** Of `populate`: the share of hits whose entry is copied, `0.1` or `'10%'`. Default 10 %. It may have several rows, to grow. */
  readonly share?: number | `${number}%`;
}

/** What every process of a migration must be told alike. */
export interface MigrationSchedule {
  /** When each stage begins, by the wall clock. A table that ends early is one: what follows can be added later. */
  readonly schedule: readonly ScheduledStage[];
  /** How far the wall clocks of two processes may be apart. Default 10 s; 1 ms to 1 h. */
  readonly skew?: Duration;
  /** Let the reads of each key change over at a time of its own, spread evenly over this long after `read-to`. Default: all at once. */
  readonly perKey?: { readonly interval: Duration };
}

/** A row as it is kept: times in Unix milliseconds. */
export interface TimeTableRow {
  readonly stage: Stage;
  readonly at: number;
  readonly share: number;
}

const order: readonly Stage[] = ['only-from', 'mirror', 'populate', 'read-to', 'only-to'];
const never = Number.POSITIVE_INFINITY;

/**
 * The time table of a migration, checked: it goes forward, leaves out no stage that the next one needs, and every stage is at
 * least twice the skew long, so that no two processes are ever more than one stage apart. All times are Unix milliseconds on
 * the wall clock of the process that asks.
 */
export class TimeTable {
  readonly rows: readonly TimeTableRow[];
  readonly skew: number;
  /** How long the keys take to change over; 0: all at once. */
  readonly interval: number;
  /** From here on every change reaches both pools: the skew before the first process may put anything into the new one. */
  readonly bothFrom: number;
  /** From here on rights are taken in both pools, so that a fill reaches both. */
  readonly mirrorFrom: number;
  readonly populateFrom: number;
  readonly readToFrom: number;
  readonly onlyToFrom: number;
  /** Until here changes reach both: the skew after the last process may read the old one. */
  readonly bothUntil: number;
  /** The same for the same table: tells whether two processes have one. 8 characters. */
  readonly digest: string;

  /** Throws `CISTERN_OPTION`, which says what to do. */
  constructor(options: MigrationSchedule) {
    this.skew = milliseconds('skew', options.skew ?? '10s', { most: 3_600_000 });
    this.interval =
      options.perKey === undefined ? 0 : milliseconds('perKey.interval', options.perKey.interval);
    this.rows = rowsOf(options.schedule);
    const at = (stage: Stage): number => this.rows.find((row) => row.stage === stage)?.at ?? never;
    this.mirrorFrom = Math.min(at('mirror'), at('populate'));
    this.populateFrom = at('populate');
    this.readToFrom = at('read-to');
    this.onlyToFrom = at('only-to');
    this.bothFrom = this.mirrorFrom - this.skew;
    this.bothUntil = this.onlyToFrom + this.skew;
    checkRows(this.rows, this.skew, this.interval);
    this.digest = digest128(JSON.stringify([this.rows, this.skew, this.interval])).slice(0, 8);
  }

  stageAt(time: number): Stage {
    return this.#rowAt(time)?.stage ?? 'only-from';
  }

  /** The next row that changes anything, `undefined` after the last. */
  nextAfter(time: number): TimeTableRow | undefined {
    return this.rows.find((row) => row.at > time);
  }

  /** Which share of the hits is copied. */
  shareAt(time: number): number {
    return this.#rowAt(time)?.share ?? 0;
  }

  /** Whether changes reach both pools. */
  both(time: number): boolean {
    return time >= this.bothFrom && time < this.bothUntil;
  }

  /** Whether a right that is won in one pool is taken in the other, too. */
  mirrors(time: number): boolean {
    return time >= this.mirrorFrom && time < this.onlyToFrom;
  }

  /** When the reads of a key change over. */
  switchOf(key: string): number {
    return this.interval === 0 ? this.readToFrom : this.readToFrom + (hashOf(key) % this.interval);
  }

  /** The pool that the reads of a key go to, and that decides what is answered. */
  poolOf(time: number, key: string): Pool {
    if (time < this.readToFrom) return oldPool;
    return time >= this.readToFrom + this.interval || time >= this.switchOf(key) ? newPool : oldPool;
  }

  /** Whether an entry may be copied: no process reads this key in the new pool yet, nor will for the time of the skew. */
  copies(time: number, key: string): boolean {
    if (time < this.populateFrom) return false;
    return time < this.readToFrom - this.skew || time < this.switchOf(key) - this.skew;
  }

  /** Whether a record may be copied: as long as the old pool is still asked for it. */
  copiesRecords(time: number): boolean {
    return time >= this.mirrorFrom && time < this.onlyToFrom - this.skew;
  }

  #rowAt(time: number): TimeTableRow | undefined {
    for (let index = this.rows.length - 1; index >= 0; index--) {
      const row = this.rows[index]!;
      if (row.at <= time) return row;
    }
    return undefined;
  }
}

function rowsOf(schedule: unknown): readonly TimeTableRow[] {
  if (!Array.isArray(schedule) || schedule.length === 0)
    throw wrongOption(
      'schedule',
      schedule,
      "a list of at least one stage, such as [{ stage: 'mirror', at: '2026-12-01T09:00:00Z' }]",
    );
  return schedule.map((given: unknown, index) => {
    const option = `schedule[${index}]`;
    if (typeof given !== 'object' || given === null)
      throw wrongOption(option, given, "an object such as { stage: 'mirror', at: '2026-12-01T09:00:00Z' }");
    const { stage, at, share } = given as Partial<ScheduledStage>;
    if (typeof stage !== 'string' || order.indexOf(stage) < 1)
      throw wrongOption(
        `${option}.stage`,
        stage,
        `one of ${order.slice(1).join(', ')} (before the first row there is 'only-from': leave it out)`,
      );
    if (share !== undefined && stage !== 'populate')
      throw wrongOption(`${option}.share`, share, "left out: only 'populate' copies a share");
    return {
      stage,
      at: timeOf(`${option}.at`, at),
      share: stage === 'populate' ? shareOf(`${option}.share`, share ?? 0.1) : 0,
    };
  });
}

/** A text without a zone would be another moment on each machine. */
const zoned = /T.*(?:Z|[+-]\d\d:?\d\d)$/i;

function timeOf(option: string, at: unknown): number {
  const time =
    typeof at === 'number'
      ? at
      : at instanceof Date
        ? at.getTime()
        : typeof at === 'string' && zoned.test(at)
          ? Date.parse(at)
          : Number.NaN;
  if (Number.isFinite(time) && time > 0) return time;
  throw wrongOption(
    option,
    at,
    "a time with its zone ('2026-12-01T09:00:00Z' or '...+01:00'), Unix milliseconds or a Date",
  );
}

function shareOf(option: string, given: unknown): number {
  const match = typeof given === 'string' ? /^(\d+(?:\.\d+)?)%$/.exec(given) : null;
  const share = typeof given === 'number' ? given : match === null ? Number.NaN : Number(match[1]) / 100;
  if (share > 0 && share <= 1) return share;
  throw wrongOption(option, given, "a share above 0 and at most 1, such as 0.1 or '10%'");
}

function checkRows(rows: readonly TimeTableRow[], skew: number, interval: number): void {
  for (const [index, row] of rows.entries()) {
    const before = rows[index - 1];
    if (before === undefined) {
      checkFirst(row);
      continue;
    }
    const option = `schedule[${index}]`;
    const step = order.indexOf(row.stage) - order.indexOf(before.stage);
    const again = step === 0 && row.stage === 'populate';
    if (step < 0 || (step === 0 && !again))
      throw wrongOption(
        `${option}.stage`,
        row.stage,
        `a stage after '${before.stage}' (${order.slice(order.indexOf(before.stage) + 1).join(', ') || 'none'}): ` +
          'a time table goes forward. To go back, see docs/migration.md',
      );
    if (row.stage === 'only-to' && before.stage !== 'read-to')
      throw wrongOption(
        `${option}.stage`,
        row.stage,
        `'read-to': between '${before.stage}' and 'only-to' there must be a stage in which the new pool is read and both are written, ` +
          'or a process whose clock is behind reads what is not kept right any more',
      );
    if (again) {
      if (row.at <= before.at)
        throw wrongOption(`${option}.at`, textOf(row.at), `after ${textOf(before.at)}, the row before it`);
      continue;
    }
    const first = rows.find((each) => each.stage === before.stage)!;
    const span = 2 * skew + (before.stage === 'read-to' ? interval : 0);
    if (row.at < first.at + span || row.at <= before.at)
      throw wrongOption(
        `${option}.at`,
        textOf(row.at),
        `${textOf(Math.max(first.at + span, before.at + 1))} or later: '${before.stage}' lasts at least ${span} ms ` +
          `(twice the skew of ${skew} ms${before.stage === 'read-to' && interval > 0 ? `, and the interval of ${interval} ms` : ''})`,
      );
  }
}

function checkFirst(row: TimeTableRow): void {
  if (row.stage === 'mirror' || row.stage === 'populate') return;
  throw wrongOption(
    'schedule[0].stage',
    row.stage,
    `'mirror' or 'populate': before '${row.stage}' there must be a stage in which every change reaches both pools, or the new one would answer old values`,
  );
}

function textOf(time: number): string {
  return new Date(time).toISOString();
}

/** FNV-1a, 32 bits, mixed: the same in every process. What is no key at all is the pools' to refuse. */
function hashOf(key: string): number {
  if (typeof key !== 'string') return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
