import type { KeyDimension } from '../simulator/key-space.ts';
import { dimensionJson, dimensionText } from './key-dimension-text.ts';
import { byteText, count, percent, timeText } from './number-text.ts';
import type { ReadTrace } from './trace-file.ts';

/** Ages that a list of items is cut at, in milliseconds. */
const ages = [60_000, 600_000, 3_600_000, 21_600_000, 86_400_000, 604_800_000];

/** What a list of stored items tells: no hit ratio, but how much of the memory is used. */
export interface Census {
  readonly read: ReadTrace;
  readonly bytes: number;
  /** Of items that were used within so many milliseconds before the last use of any: keys and bytes. */
  readonly used: readonly { readonly within: number; readonly keys: number; readonly bytes: number }[];
  readonly dimensions: readonly KeyDimension[];
}

export function censusOf(read: ReadTrace, dimensions: readonly KeyDimension[]): Census {
  const { requests, times, sizes, rate } = read.trace;
  const latest = times?.reduce((most, time) => (time > most ? time : most), Number.NEGATIVE_INFINITY) ?? 0;
  const used = ages.map((within) => ({ within, keys: 0, bytes: 0 }));
  for (let at = 0; at < requests.length; at++) {
    for (const age of used) {
      if (times === undefined || !(latest - times[at]! <= age.within)) continue;
      age.keys += 1 / rate;
      age.bytes += (sizes?.[requests[at]!] ?? 0) / rate;
    }
  }
  return {
    read,
    bytes: read.trace.total.bytes ?? 0,
    used: used.map(({ within, keys, bytes }) => ({
      within,
      keys: Math.round(keys),
      bytes: Math.round(bytes),
    })),
    dimensions: dimensions.slice(0, 5),
  };
}

export function censusText({ read, bytes, used, dimensions }: Census): string {
  const { name, total } = read.trace;
  const lines = [
    `${name}: ${count(total.keys)} items, ${byteText(bytes)}, ${byteText(bytes / Math.max(1, total.keys))} each on the mean`,
    '',
    'used within the last',
    ...used.map(
      (age) =>
        `  ${timeText(age.within).padEnd(11)} ${count(age.keys).padStart(13)} items ${percent(age.keys / Math.max(1, total.keys)).padStart(7)} ` +
        `${byteText(age.bytes).padStart(10)} ${percent(age.bytes / Math.max(1, bytes)).padStart(7)}`,
    ),
    '',
    'Counted back from the last use of any item. What was not used for long could go: a cache of the size of what is',
    'used within your usual time to live keeps nearly all hits. A list of items tells no hit ratio: record the requests',
    '(watch fetchers) for that.',
  ];
  const [largest] = dimensions;
  if (largest !== undefined)
    lines.push(
      '',
      `key space     ${dimensionText(largest)} makes the most keys: ${count(largest.keys)}, and ${count(largest.keysWithout)} without it`,
    );
  return lines.join('\n');
}

export function censusJson({ read, bytes, used, dimensions }: Census): string {
  return JSON.stringify({
    trace: read.trace.name,
    file: read.path,
    format: read.format.name,
    items: read.trace.total.keys,
    bytes,
    lines: read.lines,
    malformed: read.malformed,
    used: used.map(({ within, keys, bytes: weight }) => ({
      withinMilliseconds: within,
      items: keys,
      bytes: weight,
    })),
    dimensions: dimensions.map(dimensionJson),
  });
}
