import type { Runtime } from '../../src/core/runtime.ts';
import type { MigrationSchedule } from '../../src/routes/migrating/time-table.ts';

/** Every state that a process can be in: the stages, the times around them in which changes reach both pools, and keys on both sides of a switch. */
export const stages = [
  'only-from',
  'only-from, about to mirror',
  'mirror',
  'populate',
  'populate, about to switch',
  'read-to, half of the keys',
  'read-to',
  'only-to, others perhaps not yet',
  'only-to',
] as const;
export type StageOnTrial = (typeof stages)[number];

const hour = 3_600_000;
const minute = 60_000;
/** So long after the beginning of `mirror`, with a skew of ten minutes and hours for each stage: nothing changes while a test runs. */
const moments: Readonly<Record<StageOnTrial, number>> = {
  'only-from': -10 * hour,
  'only-from, about to mirror': -5 * minute,
  mirror: hour,
  populate: 3 * hour,
  'populate, about to switch': 4 * hour - 5 * minute,
  'read-to, half of the keys': 5 * hour,
  'read-to': 7 * hour,
  'only-to, others perhaps not yet': 8 * hour + 5 * minute,
  'only-to': 10 * hour,
};

/** A time table by which it is this stage now. */
export function scheduleIn(stage: StageOnTrial, runtime: Runtime): MigrationSchedule {
  const start = runtime.clock.wall() - moments[stage];
  return {
    skew: '10m',
    perKey: { interval: '2h' },
    schedule: [
      { stage: 'mirror', at: start },
      { stage: 'populate', at: start + 2 * hour, share: 1 },
      { stage: 'read-to', at: start + 4 * hour },
      { stage: 'only-to', at: start + 8 * hour },
    ],
  };
}
