import { type Duration, milliseconds } from '../../core/duration.ts';
import { wrongOption } from '../../core/error.ts';
import { realRuntime, type Runtime } from '../../core/runtime.ts';
import type { Destination, Operation, Reply, Store } from '../../core/store.ts';
import { guardedPart } from '../guarded-part.ts';
import { checkedCount, checkedOptions, checkedPart } from '../route-options.ts';
import { Route } from '../route.ts';
import { HitCopier } from './hit-copier.ts';
import { LocalTime } from './local-time.ts';
import { destinationsOf } from './migration-destinations.ts';
import { type CopyCounts, MigrationCounts, type PoolCounts } from './pool-counts.ts';
import { newPool, oldPool, PoolPair } from './pool-pair.ts';
import { PoolReads } from './pool-reads.ts';
import { PoolWrites } from './pool-writes.ts';
import { StageWatch } from './stage-watch.ts';
import { type ProcessStatus, StatusBoard, usualSlots } from './status-board.ts';
import { type MigrationSchedule, type Stage, TimeTable } from './time-table.ts';
import { TwinRights } from './twin-rights.ts';
import { UnfinishedDeletes } from './unfinished-deletes.ts';

/** How this process tells of itself, for `cistern migrate status`. */
export interface MigrationStatusOptions {
  /** How often. Default 10 s. */
  readonly interval?: Duration;
  /** How many places there are for processes: more than there are processes, and the same for all. Default 256, at most 4096. */
  readonly slots?: number;
  /** What this process is called, in up to 64 printable characters: `'web-7 pid 4711'`. Default: a random name. */
  readonly process?: string;
}

export interface MigratingOptions extends MigrationSchedule {
  /** The pool to move away from. */
  readonly from: Store;
  /** The pool to move to. Empty at first: what it held before is not known to be right. */
  readonly to: Store;
  /** Names the migration, in 1 to 32 letters, digits, `.` `_` `-`: for events, and for the status of its processes. Default `migration`. */
  readonly name?: string;
  /** `false`: this process does not tell how it stands. */
  readonly status?: MigrationStatusOptions | false;
  /** How many entries are copied at the same time at most. Default 64. */
  readonly copiesAtOnce?: number;
  readonly runtime?: Runtime;
}

/** How a migration stands in this process. Counters since it was made. */
export interface MigrationStatistics {
  readonly stage: Stage;
  /** The next row of the time table, `undefined` after the last. */
  readonly next: { readonly stage: Stage; readonly at: Date } | undefined;
  readonly from: PoolCounts;
  readonly to: PoolCounts;
  /** Of the sampled reads that the old pool answered, how many the new one would have had: whether it is warm. */
  readonly sampled: PoolCounts;
  readonly copies: CopyCounts;
  /** Fills that reached both pools. */
  readonly twinFills: number;
  /** Fills that came after the switch with a right of the old pool alone. */
  readonly lateFills: number;
  /** Keys whose delete a pool has not confirmed yet; it is repeated. */
  readonly unfinished: number;
  /** Of those, how many were forgotten because there were too many. */
  readonly forgotten: number;
}

export interface Migrating extends Store {
  stats(): MigrationStatistics;
}

/**
 * Moves a fleet from one pool to another while it serves, by a time table that stands in the configuration of every process. Stages:
 *
 * | stage | reads | changes |
 * |---|---|---|
 * | `only-from` (before the first row) | `from` | `from` |
 * | `mirror` | `from` | both |
 * | `populate` | `from`; a share of the hits is copied | both |
 * | `read-to` | `to`, each key at its time | both |
 * | `only-to` | `to` | `to` |
 *
 * **No old value is answered**, whatever the stage of this process and of any other whose clock is at most the skew away. The law: *a pool that
 * anybody may read, now or later, gets every delete; and a value comes into a pool only by a right (a CAS) that was taken there
 * before the value was read, from the source or from the other pool.* By the proof of leases each pool then is right for itself: a
 * value that is older than a delete was read before it, so its right is older too, and the delete destroys that or removes the value.
 * What is left to show is that every delete comes where it must. Let `t` be the beginning of a stage; a process at `t` by its
 * own clock knows that all others are between `t - skew` and `t + skew`. No stage is shorter than twice the skew, so two
 * processes are in the same stage or in neighbouring ones:
 *
 * - *only-from and mirror.* The first process that puts anything into `to` is at the beginning of `mirror`, so the others are at most the
 *   skew before it: from then on their deletes go to both. A delete that was sent to `from` alone before, and is answered after, is then
 *   sent to `to`. One that was answered before was committed before any right in `to` was taken.
 * - *mirror and populate.* Both read `from`, both send all changes to both, `from` first. Copies are safe by that order: see `HitCopier`.
 * - *populate and read-to* (and two keys, or two processes, on the two sides of a key's own switch). Both pools get every change of both
 *   processes. A process that reads `to` deletes in both at once, so it must not meet a copy whose right is younger than its delete:
 *   copying ends the skew before the switch, and a right that comes later is given back. A load that was allowed by one pool and comes
 *   after the switch fills the other by the right that was taken there at the same time, or nothing.
 * - *read-to and only-to.* Nobody reads `from` but those who are not yet in `only-to`, and for the skew after its beginning those
 *   who are still send their deletes there.
 *
 * The stage is looked at when an operation is asked, and again when it is answered: a process that was stopped in between tells the pool
 * that it did not know of, and hands on nothing from one that is out of use. What it still holds are rights, and they are gone. A wall clock
 * that is set back by less than the skew is not followed. What this does not cover: clocks further apart than the skew, tables that differ,
 * a `to` that was not empty, and `set` without a CAS, of which the last to arrive wins, as in any one pool.
 *
 * Leases and CAS follow the reads, and so do counters: `to` begins without them. Records (what has a `copy`) are read in `to`, and while they
 * are missing there in `from`, so that all processes see one. A pool that fails fails what it decides; a delete that either fails is
 * `failed`, and is repeated until both have confirmed it.
 *
 * Cost: nothing but one promise in the first and the last stage. Between: a change is one operation more, a miss that wins the lease waits
 * for a second lease (at most 100 ms), a copied entry is three operations in the background.
 *
 * Source: mcrouter, MigrateRoute (a switch per key, deletes in both); meta-memcache-py, MigratingCacheClient (stages by time table).
 */
export function migrating(options: MigratingOptions): Migrating {
  checkedOptions(options, [
    'from',
    'to',
    'schedule',
    'skew',
    'perKey',
    'name',
    'status',
    'copiesAtOnce',
    'runtime',
  ]);
  return new MigratingRoute(options);
}

class MigratingRoute extends Route implements Migrating {
  readonly #runtime: Runtime;
  readonly #table: TimeTable;
  readonly #time: LocalTime;
  readonly #counts = new MigrationCounts();
  readonly #unfinished: UnfinishedDeletes;
  readonly #reads: PoolReads;
  readonly #writes: PoolWrites;
  readonly #watch: StageWatch;
  readonly #board: StatusBoard | undefined;
  /** As the last status told it. */
  #told = new MigrationCounts();

  constructor(options: MigratingOptions) {
    const from = checkedPart('from', options.from);
    const to = checkedPart('to', options.to);
    if (from === to) throw wrongOption('to', to, "another store than 'from'");
    const name = options.name ?? 'migration';
    if (typeof name !== 'string' || !/^[\w.-]{1,32}$/.test(name))
      throw wrongOption('name', name, '1 to 32 letters, digits, . _ -');
    super(name, [from, to]);
    const runtime = options.runtime ?? realRuntime;
    const table = new TimeTable(options);
    const most = checkedCount('copiesAtOnce', options.copiesAtOnce ?? 64, 1, 10_000);
    const time = new LocalTime(runtime.clock, table.skew);
    const pools = new PoolPair(guardedPart(from), guardedPart(to));
    const counts = this.#counts;
    this.#runtime = runtime;
    const copier = new HitCopier({ pools, table, time, runtime, counts, most });
    this.#table = table;
    this.#time = time;
    this.#unfinished = new UnfinishedDeletes(pools, runtime, (pool) =>
      pool === newPool ? time.now() >= table.bothFrom : time.now() < table.bothUntil,
    );
    const rooms = { pools, table, time, runtime, counts, copier, twins: new TwinRights() };
    this.#reads = new PoolReads({ ...rooms, unfinished: this.#unfinished });
    this.#writes = new PoolWrites({ ...rooms, unfinished: this.#unfinished });
    const { status = {} } = options;
    this.#board = status === false ? undefined : this.#boardOf(status, pools);
    this.#watch = new StageWatch(name, table, time, runtime);
  }

  protected ask(operation: Operation): Promise<Reply> {
    const now = this.#time.about();
    switch (operation.kind) {
      case 'get':
        return this.#reads.get(operation, now);
      case 'set':
        return this.#writes.set(operation, now);
      case 'delete':
        return this.#writes.remove(operation, now);
      case 'touch':
        return this.#writes.touch(operation, now);
      case 'count':
        return this.#writes.count(operation, now);
      case 'release':
        return this.#writes.release(operation, now);
      default:
        return guardedPart(this.parts[0]!).execute(operation);
    }
  }

  destinations(operation: Operation): readonly Destination[] {
    const [from, to] = this.parts as readonly [Store, Store];
    return destinationsOf(operation, this.#table, this.#time.now(), this.#runtime.clock.read(), [from, to]);
  }

  stats(): MigrationStatistics {
    const now = this.#time.now();
    const next = this.#table.nextAfter(now);
    const { from, to, sampled, copies, twinFills, lateFills } = this.#counts;
    return {
      stage: this.#table.stageAt(now),
      next: next && { stage: next.stage, at: new Date(next.at) },
      from: { ...from },
      to: { ...to },
      sampled: { ...sampled },
      copies: { ...copies },
      twinFills,
      lateFills,
      unfinished: this.#unfinished.size,
      forgotten: this.#unfinished.dropped,
    };
  }

  protected override release(): void {
    this.#watch.close();
    this.#board?.close();
    this.#unfinished.close();
  }

  #boardOf(options: MigrationStatusOptions, pools: PoolPair): StatusBoard {
    if (typeof options !== 'object' || options === null)
      throw wrongOption('status', options, 'an object, or false');
    const interval = milliseconds('status.interval', options.interval ?? '10s', {
      least: 100,
      most: 3_600_000,
    });
    const slots = checkedCount('status.slots', options.slots ?? usualSlots, 1, 4096);
    const runtime = this.#runtime;
    const process = options.process ?? runtime.randomId();
    if (typeof process !== 'string' || !/^[ -~]{1,64}$/.test(process))
      throw wrongOption('status.process', process, '1 to 64 printable characters');
    return new StatusBoard({
      migration: this.name,
      slots,
      interval,
      process,
      runtime,
      ask: (operation) => pools.ask(this.#time.now() < this.#table.readToFrom ? oldPool : newPool, operation),
      status: () => this.#statusOf(process, interval),
    });
  }

  #statusOf(process: string, interval: number): ProcessStatus {
    const { from, to, sampled, copies } = this.#counts;
    const told = this.#told;
    const since = (now: PoolCounts, before: PoolCounts): PoolCounts => ({
      gets: now.gets - before.gets,
      hits: now.hits - before.hits,
    });
    const status: ProcessStatus = {
      process,
      stage: this.#table.stageAt(this.#time.now()),
      wall: this.#runtime.clock.wall(),
      table: this.#table.digest,
      from: since(from, told.from),
      to: since(to, told.to),
      sampled: since(sampled, told.sampled),
      copied: copies.stored,
      unfinished: this.#unfinished.size,
      interval,
    };
    Object.assign(told.from, from);
    Object.assign(told.to, to);
    Object.assign(told.sampled, sampled);
    return status;
  }
}
