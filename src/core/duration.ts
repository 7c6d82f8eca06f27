import { wrongOption } from './error.ts';

/** A length of time: a number is milliseconds; or a number with a unit, checked by the compiler. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a duration may be, in milliseconds. Both ends belong to the range. */
export interface DurationRange {
  /** Default 1: zero must be allowed by name. */
  readonly least?: number;
  /** Default 365 days. */
  readonly most?: number;
}

/**
 * The milliseconds of a duration. Refuses what is not one (NaN, Infinity, other units, more than one number) and what
 * is outside the range, with `CISTERN_OPTION` naming `option`.
 */
export function milliseconds(option: string, value: Duration, range: DurationRange = {}): number {
  const least = range.least ?? 1;
  const most = range.most ?? 31_536_000_000;
  const amount = typeof value === 'number' ? value : parse(value);
  if (!(amount >= least && amount <= most)) {
    throw wrongOption(
      option,
      value,
      `a duration (milliseconds, or '50ms', '10s', '5m', '2h', '7d') from ${least} to ${most} ms`,
    );
  }
  return amount;
}

function parse(text: unknown): number {
  const match = typeof text === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) : null;
  return match === null ? Number.NaN : Number(match[1]) * units[match[2]!]!;
}
