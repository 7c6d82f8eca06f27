import { wrongOption } from './error.ts';

/** A size: a number is bytes; or a number with a unit (powers of 1024), checked by the compiler. */
export type Bytes = number | `${number}${'b' | 'kb' | 'mb' | 'gb'}`;

const units: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/** The bytes of a size, rounded down. Refuses what is not one, or is outside the range, with `CISTERN_OPTION` naming `option`. */
export function bytes(
  option: string,
  value: Bytes,
  least = 1,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const amount = Math.floor(typeof value === 'number' ? value : parse(value));
  if (!(amount >= least && amount <= most)) {
    throw wrongOption(
      option,
      value,
      `a size (bytes, or '512kb', '64mb', '2gb') from ${least} to ${most} bytes`,
    );
  }
  return amount;
}

function parse(text: unknown): number {
  const match = typeof text === 'string' ? /^(\d+(?:\.\d+)?)(b|kb|mb|gb)$/i.exec(text) : null;
  return match === null ? Number.NaN : Number(match[1]) * units[match[2]!.toLowerCase()]!;
}
