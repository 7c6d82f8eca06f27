import type { KeyDimension } from '../simulator/key-space.ts';
import { PolicyMaker } from '../simulator/simulated-policy.ts';
import { simulate } from '../simulator/simulation.ts';
import { type CurvePoint, HitRatioCurve, withHeadroom } from '../simulator/sizing.ts';
import { dimensionJson, dimensionText } from './key-dimension-text.ts';
import { byteText, count, percent, points } from './number-text.ts';
import { aboutTrace } from './simulation-report.ts';
import { textTable } from './text-table.ts';
import type { ReadTrace } from './trace-file.ts';

/** What Cistern's near tier does unless told otherwise: simulated at the size that is recommended. */
const defaultPolicy = 'w-tinylfu';

const shares = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

interface DoublingPoint extends CurvePoint {
  /** The hit ratio with twice the room. */
  readonly doubled: number;
}

/** How large a cache for a trace should be, and why. */
export interface SizeAdvice {
  readonly read: ReadTrace;
  readonly curve: readonly DoublingPoint[];
  /** Every key was followed, or a sample of them. */
  readonly exact: boolean;
  /** With room for everything. */
  readonly reachable: number;
  readonly knee: CurvePoint;
  /** What was asked for, and the room for it: `undefined` if no room is enough. */
  readonly wanted: { readonly hitRatio: number; readonly entries: number | undefined } | undefined;
  readonly recommended: DoublingPoint & {
    /** With Cistern's default policy instead of LRU. */
    readonly withDefaultPolicy: number;
  };
  readonly dimensions: readonly KeyDimension[];
  readonly warnings: readonly string[];
}

export function adviceOf(
  read: ReadTrace,
  dimensions: readonly KeyDimension[],
  wanted: number | undefined,
): SizeAdvice {
  const { trace } = read;
  const curve = new HitRatioCurve(trace);
  const entriesOf = (share: number): number => Math.max(1, Math.round(share * curve.largest));
  const at = (entries: number): DoublingPoint => ({
    entries,
    hitRatio: curve.hitRatio(entries),
    doubled: curve.hitRatio(2 * entries),
  });
  const { knee, reachable } = curve;
  const wantedEntries = wanted === undefined ? undefined : curve.entriesFor(wanted);
  const base = wanted === undefined ? knee.entries : (wantedEntries ?? curve.largest);
  const entries = withHeadroom(base);
  const result = simulate(trace, new PolicyMaker(trace), {
    policy: defaultPolicy,
    capacity: entries,
    now: () => 0,
  });
  return {
    read,
    curve: [...new Set(shares.map(entriesOf))].map(at),
    exact: curve.exact,
    reachable,
    knee,
    wanted: wanted === undefined ? undefined : { hitRatio: wanted, entries: wantedEntries },
    recommended: { ...at(entries), withDefaultPolicy: result.hitRatio },
    dimensions: dimensions.slice(0, 5),
    warnings: warningsOf(read, dimensions),
  };
}

function warningsOf({ trace }: ReadTrace, dimensions: readonly KeyDimension[]): string[] {
  const { readKeys, onceKeys, reads } = trace.total;
  const warnings: string[] = [];
  if (onceKeys > 0.5 * readKeys && onceKeys > 0.1 * reads)
    warnings.push(
      `one-hit wonders: ${percent(onceKeys / readKeys)} of the keys are read once and never again, ${percent(onceKeys / reads)} of the reads. ` +
        `They push out what is read again: choose a policy that lets them in on probation only (w-tinylfu, s3-fifo), and do not cache what will not be read again.`,
    );
  for (const dimension of dimensions.filter(({ explodes }) => explodes).slice(0, 3)) {
    const { keys, keysWithout, values, reads: readsWith } = dimension;
    const what =
      keysWithout <= 3
        ? 'nothing else tells these keys apart, so they are hardly ever read again'
        : `without it there would be ${count(keysWithout)} keys instead of ${count(keys)}`;
    warnings.push(
      `the key space explodes: ${dimensionText(dimension)} has ${count(values)} values in ${count(readsWith)} reads; ${what}.`,
    );
  }
  return warnings;
}

export function adviceText(advice: SizeAdvice): string {
  const { read, curve, exact, reachable, knee, wanted, recommended, dimensions, warnings } = advice;
  const { total } = read.trace;
  const mean = total.bytes === undefined ? undefined : total.bytes / Math.max(1, total.keys);
  const memory = (entries: number): string[] => (mean === undefined ? [] : [byteText(entries * mean)]);
  const room = (entries: number): string => [`${count(entries)} entries`, ...memory(entries)].join(', ');
  const largest = curve.at(-1)!.entries;
  const rows = curve.map(({ entries, hitRatio, doubled }) => [
    percent(entries / largest),
    count(entries),
    ...memory(entries),
    percent(hitRatio),
    points(Math.max(0, doubled - hitRatio)),
  ]);
  const headings = [
    'of the keys',
    'entries',
    ...(mean === undefined ? [] : ['values']),
    'hit ratio of LRU',
    'twice the room',
  ];
  const lines = [
    aboutTrace(read.trace),
    '',
    textTable([headings], rows),
    '',
    `working set   ${room(largest)}: with room for all, ${percent(reachable)} of the reads are hits, the others are the first of their key`,
    `knee          ${room(knee.entries)}: ${percent(knee.hitRatio)} of the reads are hits; beyond, more room buys less and less`,
  ];
  if (wanted !== undefined)
    lines.push(
      wanted.entries === undefined
        ? `wanted        ${percent(wanted.hitRatio)} is out of reach: with room for all keys it is ${percent(reachable)}`
        : `wanted        ${room(wanted.entries)}: ${percent(wanted.hitRatio)} of the reads are hits`,
    );
  lines.push(
    `recommended   ${room(recommended.entries)}, 30% headroom included: ${percent(recommended.hitRatio)} with LRU, ${percent(recommended.withDefaultPolicy)} with Cistern's ${defaultPolicy}`,
    `              twice of that would add ${points(Math.max(0, recommended.doubled - recommended.hitRatio))}`,
  );
  if (mean !== undefined)
    lines.push('              values alone: an entry takes some 100 bytes more, and its key');
  if (!exact)
    lines.push('', 'The hit ratios are estimates from a sample of the keys, usually within half a point.');
  const [largestDimension] = dimensions;
  if (largestDimension !== undefined && !largestDimension.explodes)
    lines.push(
      '',
      `key space     ${dimensionText(largestDimension)} makes the most keys: ${count(largestDimension.keys)}, and ${count(largestDimension.keysWithout)} without it`,
    );
  for (const warning of warnings) lines.push('', `warning: ${warning}`);
  return lines.join('\n');
}

export function adviceJson(advice: SizeAdvice): string {
  const { read, curve, exact, reachable, knee, wanted, recommended, dimensions, warnings } = advice;
  const { total, name } = read.trace;
  const mean = total.bytes === undefined ? undefined : total.bytes / Math.max(1, total.keys);
  const point = ({ entries, hitRatio, doubled }: CurvePoint & Partial<DoublingPoint>): object => ({
    entries,
    ...(mean !== undefined && { bytes: Math.round(entries * mean) }),
    hitRatio: rounded(hitRatio),
    ...(doubled !== undefined && { doubled: rounded(doubled) }),
  });
  return JSON.stringify({
    trace: name,
    file: read.path,
    format: read.format.name,
    requests: total.reads,
    distinct: total.keys,
    ...(total.bytes !== undefined && { bytes: total.bytes }),
    lines: read.lines,
    malformed: read.malformed,
    readOnce: { keys: total.onceKeys, shareOfKeys: rounded(total.onceKeys / Math.max(1, total.readKeys)) },
    reachable: rounded(reachable),
    exact,
    curve: curve.map(point),
    knee: point(knee),
    ...(wanted !== undefined && { wanted: { hitRatio: wanted.hitRatio, entries: wanted.entries ?? null } }),
    recommended: { ...point(recommended), withDefaultPolicy: rounded(recommended.withDefaultPolicy) },
    dimensions: dimensions.map(dimensionJson),
    warnings,
  });
}

function rounded(value: number): number {
  return Number(value.toFixed(6));
}
