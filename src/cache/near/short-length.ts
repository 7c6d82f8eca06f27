/**
 * Lengths of time and sizes in few bits: a small floating-point number of five bits for the power of two and the rest for the digits,
 * rounded down. Exact up to 2 to the power of the digits; from there on the error is at most one part in so many. All bits
 * set stand for infinity; so does whatever does not fit, which is more than 60,000 years in milliseconds.
 */

const exponentLimit = 31;

function packed(value: number, digits: number): number {
  const exact = 2 ** digits;
  if (value < exact) return value <= 0 ? 0 : Math.floor(value);
  const endless = 2 ** (digits + 5) - 1;
  let exponent = 1;
  let scaled = value / exact;
  while (scaled >= 2) {
    scaled /= 2;
    if (++exponent > exponentLimit) return endless;
  }
  return Math.min(exponent * exact + Math.floor((scaled - 1) * exact), endless);
}

function unpacked(code: number, digits: number): number {
  const exact = 2 ** digits;
  if (code < exact) return code;
  if (code === 2 ** (digits + 5) - 1) return Number.POSITIVE_INFINITY;
  const exponent = Math.floor(code / exact);
  return (exact + (code % exact)) * 2 ** (exponent - 1);
}

/** In 16 bits: exact to 2,047, then at most 0.05 % less than it was. */
export function packed16(value: number): number {
  return packed(value, 11);
}

export function unpacked16(code: number): number {
  return unpacked(code, 11);
}

/** In 24 bits: exact to 524,287, then at most 0.0002 % less than it was. */
export function packed24(value: number): number {
  return packed(value, 19);
}

export function unpacked24(code: number): number {
  return unpacked(code, 19);
}

/** The number of at most 0.05 % more that `packed16` keeps exactly. */
export function roundedUp16(value: number): number {
  const code = packed16(value);
  const kept = unpacked16(code);
  return kept >= value ? kept : unpacked16(code + 1);
}
