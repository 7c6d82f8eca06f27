/**
 * Lengths of time and sizes in few bits: a small floating-point number of five bits for the power of two and the rest for the digits,
 * rounded down. Exact up to 2 to the power of one more than the digits; from there on the error is at most one part in so many halves. All bits
 * set stand for infinity; so does whatever does not fit: from 139 years in milliseconds, or 4 TB, in 16 bits, and from 35,000 years in 24.
 */

function packed(value: number, digits: number, exact: number, endless: number): number {
  if (value < exact) return value <= 0 ? 0 : Math.floor(value);
  if (value >= exact * 2 ** 31) return endless;
  // The power of two of the highest bit; exact for numbers of up to 53 bits.
  let exponent = 1;
  let scaled = value;
  if (scaled >= exact * 65_536) {
    exponent += 16;
    scaled /= 65_536;
  }
  while (scaled >= 2 * exact) {
    exponent++;
    scaled /= 2;
  }
  return (exponent << digits) + Math.floor(scaled) - exact;
}

function unpacked(code: number, digits: number, exact: number, endless: number): number {
  if (code < exact) return code;
  if (code === endless) return Number.POSITIVE_INFINITY;
  return (exact + (code & (exact - 1))) * 2 ** ((code >>> digits) - 1);
}

const exact16 = 1 << 11;
const endless16 = 0xffff;
const exact24 = 1 << 19;
const endless24 = 0xff_ffff;

/** In 16 bits: exact to 4,095, then at most 0.05 % less than it was. */
export function packed16(value: number): number {
  if (value >= 0 && value < exact16) return value | 0;
  return packed(value, 11, exact16, endless16);
}

export function unpacked16(code: number): number {
  return code < exact16 ? code : unpacked(code, 11, exact16, endless16);
}

/** In 24 bits: exact to 1,048,575, then at most 0.0002 % less than it was. */
export function packed24(value: number): number {
  if (value >= 0 && value < exact24) return value | 0;
  return packed(value, 19, exact24, endless24);
}

export function unpacked24(code: number): number {
  return unpacked(code, 19, exact24, endless24);
}

/** The largest whole number of which `packed24` makes this code. */
export function largest24(code: number): number {
  return code < exact24 ? code : unpacked24(Math.min(code + 1, endless24)) - 1;
}

/** The number of at most 0.05 % more that `packed16` keeps exactly. */
export function roundedUp16(value: number): number {
  if (value >= 0 && value <= exact16) return Math.ceil(value);
  const code = packed16(value);
  const kept = unpacked16(code);
  return kept >= value ? kept : unpacked16(code + 1);
}
