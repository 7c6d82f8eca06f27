/** Numbers as people read them. */

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** 0.1234 as `12.3%`; what rounds to nothing or to all without being it is said so. */
export function percent(share: number): string {
  if (share > 0 && share < 0.0005) return '<0.1%';
  if (share < 1 && share >= 0.9995) return '>99.9%';
  return `${(share * 100).toFixed(1)}%`;
}

/** A difference of shares as percentage points: `+3.1 points`. */
export function points(difference: number): string {
  const rounded = (difference * 100).toFixed(1);
  return `${Number(rounded) >= 0 ? '+' : ''}${rounded} points`;
}

const sizeUnits = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Powers of 1024, with three digits or so. */
export function byteText(bytes: number): string {
  const [name, size] = byteUnit(bytes);
  const amount = bytes / size;
  return `${size === 1 || amount >= 100 ? Math.round(amount) : amount.toFixed(amount >= 10 ? 1 : 2)} ${name}`;
}

/** The unit that so many bytes are best told in, and its bytes. */
export function byteUnit(bytes: number): [name: string, bytes: number] {
  let unit = 0;
  while (bytes >= 1000 && unit < sizeUnits.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return [sizeUnits[unit]!, 1024 ** unit];
}

/** The largest unit that fits, with one digit more than whole: `36.5 hours`. */
export function timeText(milliseconds: number): string {
  const units = [
    ['days', 86_400_000],
    ['hours', 3_600_000],
    ['minutes', 60_000],
    ['seconds', 1000],
  ] as const;
  const [name, length] = units.find(([, each]) => milliseconds >= 2 * each) ?? ['ms', 1];
  const amount = milliseconds / length;
  return `${amount >= 100 ? Math.round(amount) : Number(amount.toPrecision(3))} ${name}`;
}
