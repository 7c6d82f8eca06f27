import type { Runtime } from '../../core/runtime.ts';
import type { HitCopier } from './hit-copier.ts';
import type { LocalTime } from './local-time.ts';
import type { MigrationCounts } from './pool-counts.ts';
import type { PoolPair } from './pool-pair.ts';
import type { TimeTable } from './time-table.ts';
import type { TwinRights } from './twin-rights.ts';
import type { UnfinishedDeletes } from './unfinished-deletes.ts';

/** What the parts of one migration share. */
export interface MigrationRooms {
  readonly pools: PoolPair;
  readonly table: TimeTable;
  readonly time: LocalTime;
  readonly twins: TwinRights;
  readonly copier: HitCopier;
  readonly unfinished: UnfinishedDeletes;
  readonly counts: MigrationCounts;
  readonly runtime: Runtime;
}
