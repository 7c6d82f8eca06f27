import { describe, expect, test } from 'vitest';
import { CisternError } from '../../core/error.ts';
import { type MigrationSchedule, TimeTable } from './time-table.ts';

const noon = Date.UTC(2026, 11, 1, 12);
const minute = 60_000;
const whole = [
  { stage: 'mirror', at: noon },
  { stage: 'populate', at: noon + minute, share: '1%' },
  { stage: 'populate', at: noon + 2 * minute, share: 0.5 },
  { stage: 'read-to', at: noon + 3 * minute },
  { stage: 'only-to', at: noon + 10 * minute },
] as const;

function refusal(options: unknown): string {
  try {
    new TimeTable(options as MigrationSchedule);
  } catch (error) {
    expect(error).toBeInstanceOf(CisternError);
    expect((error as CisternError).code).toBe('CISTERN_OPTION');
    return (error as CisternError).message;
  }
  throw new Error('it was taken');
}

describe('a time table', () => {
  test('tells the stage and the share of a moment, and what comes next', () => {
    const table = new TimeTable({ schedule: whole });
    const at = (minutes: number): unknown[] => {
      const time = noon + minutes * minute;
      return [table.stageAt(time), table.shareAt(time), table.nextAfter(time)?.stage];
    };
    expect(at(-0.001)).toEqual(['only-from', 0, 'mirror']);
    expect(at(0)).toEqual(['mirror', 0, 'populate']);
    expect(at(1)).toEqual(['populate', 0.01, 'populate']);
    expect(at(2)).toEqual(['populate', 0.5, 'read-to']);
    expect(at(3)).toEqual(['read-to', 0, 'only-to']);
    expect(at(10)).toEqual(['only-to', 0, undefined]);
  });

  test('sends changes to both from the skew before the first stage until the skew after the last', () => {
    const table = new TimeTable({ schedule: whole, skew: '10s' });
    const edges = [noon - 10_001, noon - 10_000, noon + 10 * minute + 9999, noon + 10 * minute + 10_000];
    expect(edges.map((time) => table.both(time))).toEqual([false, true, true, false]);
  });

  test('stops copying the skew before the switch', () => {
    const table = new TimeTable({ schedule: whole, skew: '10s' });
    const edges = [noon + minute - 1, noon + minute, noon + 3 * minute - 10_001, noon + 3 * minute - 10_000];
    expect(edges.map((time) => table.copies(time, 'k'))).toEqual([false, true, true, false]);
  });

  test('spreads the switches of keys evenly, the same in every process', () => {
    const options = { schedule: whole, skew: '1s', perKey: { interval: '5m' } } as const;
    const table = new TimeTable(options);
    const keys = Array.from({ length: 10_000 }, (_, index) => `shop:user@0.${index}`);
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const key of keys) {
      const after = table.switchOf(key) - (noon + 3 * minute);
      tenths[Math.floor(after / (minute / 2))]!++;
      expect(new TimeTable(options).switchOf(key)).toBe(table.switchOf(key));
      expect(table.poolOf(table.switchOf(key) - 1, key)).toBe(0);
      expect(table.poolOf(table.switchOf(key), key)).toBe(1);
      expect(table.copies(table.switchOf(key) - 1001, key)).toBe(true);
      expect(table.copies(table.switchOf(key) - 1000, key)).toBe(false);
    }
    for (const count of tenths) expect(count).toBeGreaterThan(850);
  });

  test('may end early, and takes texts, numbers and dates', () => {
    const table = new TimeTable({ schedule: [{ stage: 'mirror', at: '2026-12-01T13:00:00+01:00' }] });
    expect(table.mirrorFrom).toBe(noon);
    expect(table.poolOf(noon + 1e12, 'k')).toBe(0);
    expect(table.both(noon + 1e12)).toBe(true);
    expect(new TimeTable({ schedule: [{ stage: 'populate', at: new Date(noon) }] }).mirrorFrom).toBe(noon);
  });

  test('has a digest that only an equal table shares', () => {
    const of = (options: MigrationSchedule): string => new TimeTable(options).digest;
    expect(of({ schedule: whole })).toBe(of({ schedule: [...whole], skew: 10_000 }));
    expect(of({ schedule: whole })).not.toBe(of({ schedule: whole, skew: '9s' }));
    expect(of({ schedule: whole })).not.toBe(of({ schedule: whole.slice(0, 4) }));
  });
});

describe('a time table is refused, with what to do', () => {
  const mirror = whole[0];
  const readTo = whole[3];
  const onlyTo = whole[4];
  test.each([
    ['none', undefined, 'a list of at least one stage'],
    ['an empty one', [], 'a list of at least one stage'],
    ['no object', ['mirror'], 'schedule[0]'],
    ['an unknown stage', [{ stage: 'half', at: noon }], 'one of mirror, populate, read-to, only-to'],
    ['the stage before the first', [{ stage: 'only-from', at: noon }, mirror], 'leave it out'],
    ['no time', [{ stage: 'mirror' }], 'a time with its zone'],
    ['a time without a zone', [{ stage: 'mirror', at: '2026-12-01T12:00:00' }], 'a time with its zone'],
    ['a day', [{ stage: 'mirror', at: '2026-12-01' }], 'a time with its zone'],
    ['no such time', [{ stage: 'mirror', at: '2026-13-01T12:00:00Z' }], 'a time with its zone'],
    ['an invalid date', [{ stage: 'mirror', at: new Date('x') }], 'a time with its zone'],
    ['a share elsewhere', [{ ...mirror, share: 0.1 }], "only 'populate' copies a share"],
    ['a share of 0', [{ stage: 'populate', at: noon, share: 0 }], 'a share above 0 and at most 1'],
    ['a share above 1', [{ stage: 'populate', at: noon, share: '110%' }], 'a share above 0 and at most 1'],
    ['one that goes backwards', [whole[1], mirror], 'a time table goes forward'],
    ['a stage twice', [mirror, { ...mirror, at: noon + minute }], 'a time table goes forward'],
    ['times that go backwards', [mirror, { ...readTo, at: noon - 1 }], '2026-12-01T12:00:20.000Z or later'],
    ['a switch without a stage before', [readTo], "before 'read-to' there must be a stage"],
    ['an end without a stage before', [onlyTo], "before 'only-to' there must be a stage"],
    ['an end without a switch', [mirror, onlyTo], 'there must be a stage in which the new pool is read'],
    ['a short stage', [mirror, { ...readTo, at: noon + 19_999 }], '2026-12-01T12:00:20.000Z or later'],
    ['a populate row out of order', [whole[2], whole[1], readTo], 'the row before it'],
    [
      'a switch right after the last share',
      [whole[1], { ...whole[2], at: noon + 3 * minute }, readTo],
      '12:03:00.001Z or later',
    ],
  ])('%s', (_what, schedule, words) => {
    expect(refusal({ schedule })).toContain(words);
  });

  test('a stage that is shorter than the interval of keys and twice the skew', () => {
    const schedule = [mirror, readTo, { stage: 'only-to', at: readTo.at + minute }];
    expect(refusal({ schedule, skew: '10s', perKey: { interval: '41s' } })).toContain(
      "'read-to' lasts at least 61000 ms (twice the skew of 10000 ms, and the interval of 41000 ms)",
    );
    expect(
      new TimeTable({ schedule, skew: '10s', perKey: { interval: '40s' } } as MigrationSchedule).interval,
    ).toBe(40_000);
  });

  test('a skew or an interval that is none', () => {
    expect(refusal({ schedule: whole, skew: 0 })).toContain("'skew'");
    expect(refusal({ schedule: whole, perKey: { interval: -1 } })).toContain("'perKey.interval'");
    expect(refusal({ schedule: whole, perKey: {} })).toContain("'perKey.interval'");
  });
});
