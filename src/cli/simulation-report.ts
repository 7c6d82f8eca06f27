import { writeRow } from '../simulator/csv-row.ts';
import { chartSvg } from './chart.ts';
import { byteText, byteUnit, count, percent, timeText } from './number-text.ts';
import type { GridResult, GridSize, SimulatedTrace } from './simulation-grid.ts';
import { textTable } from './text-table.ts';
import { shown } from './trace-file.ts';

/** The results on one line. Ratios have six digits, which is more than any of them holds. */
export function jsonOf({ read, results, assumedValueSize }: SimulatedTrace): string {
  const { trace, format, lines, malformed } = read;
  return JSON.stringify({
    trace: trace.name,
    file: read.path,
    format: format.name,
    requests: trace.total.reads,
    distinct: trace.total.keys,
    ...(trace.total.bytes !== undefined && { bytes: trace.total.bytes }),
    lines,
    malformed,
    ...(trace.rate < 1 && { sample: trace.rate }),
    ...(assumedValueSize !== undefined && { assumedValueSize }),
    results: results.map(({ policy, size, hitRatio, byteHitRatio, nsPerRequest }) => ({
      policy,
      size: size.amount,
      ...(size.unit === 'bytes' && { unit: 'bytes' }),
      hitRatio: rounded(hitRatio, 6),
      ...(byteHitRatio !== undefined && { byteHitRatio: rounded(byteHitRatio, 6) }),
      nsPerRequest: rounded(nsPerRequest, 1),
    })),
  });
}

/** A row per result; the line of names with the first trace only. */
export function csvOf({ read, results }: SimulatedTrace, first: boolean): string {
  const rows = results.map(({ policy, size, hitRatio, byteHitRatio, nsPerRequest }) => [
    read.trace.name,
    policy,
    size.amount,
    size.unit,
    rounded(hitRatio, 6),
    byteHitRatio === undefined ? '' : rounded(byteHitRatio, 6),
    rounded(nsPerRequest, 1),
  ]);
  const names = ['trace', 'policy', 'size', 'unit', 'hit_ratio', 'byte_hit_ratio', 'ns_per_request'];
  return [...(first ? [names] : []), ...rows].map((row) => `${writeRow(row)}\n`).join('');
}

/** For people: what the trace is, and a table of hit ratios. */
export function tableOf(simulated: SimulatedTrace): string {
  const { read, policies, sizes, results } = simulated;
  const tables = [gridTable('hit ratio', simulated, (result) => percent(result.hitRatio))];
  if (results.some((result) => result.byteHitRatio !== undefined))
    tables.push(gridTable('bytes hit', simulated, (result) => percent(result.byteHitRatio ?? 0)));
  const cost = policies.map((policy) => {
    const own = results.filter((result) => result.policy === policy);
    return `${policy} ${Math.round(own.reduce((sum, { nsPerRequest }) => sum + nsPerRequest, 0) / sizes.length)}`;
  });
  return `${aboutTrace(read.trace)}\n\n${tables.join('\n\n')}\n\nns per request, simulation and all: ${cost.join(', ')}`;
}

function gridTable(
  title: string,
  { policies, sizes, results }: SimulatedTrace,
  cell: (result: GridResult) => string,
): string {
  const asked = ['', ...sizes.map((size) => (size.text.endsWith('%') ? size.text : ''))];
  const headings = [[title, ...sizes.map(amountText)]];
  if (asked.some((text) => text !== '')) headings.unshift(asked);
  const rows = policies.map((policy) => [
    policy === 'belady' ? 'belady (the optimum)' : policy,
    ...results.filter((result) => result.policy === policy).map(cell),
  ]);
  return textTable(headings, rows);
}

/** One line of what is in a trace. */
export function aboutTrace({ name, total }: SimulatedTrace['read']['trace']): string {
  const once = total.readKeys === 0 ? 0 : total.onceKeys / total.readKeys;
  const parts = [
    `${count(total.reads)} reads of ${count(total.readKeys)} keys, ${percent(once)} of them read once`,
    ...(total.bytes === undefined ? [] : [byteText(total.bytes)]),
    ...(total.writes === 0 ? [] : [`${count(total.writes)} writes`]),
    ...(total.removals === 0 ? [] : [`${count(total.removals)} removals`]),
    ...(total.milliseconds === undefined ? [] : [timeText(total.milliseconds)]),
  ];
  return `${shown(name)}: ${parts.join('; ')}`;
}

/** The chart of the sizes in entries, or of those in bytes where there are no others. */
export function chartOf({ read, policies, sizes, results }: SimulatedTrace): string {
  const unit = sizes.some((size) => size.unit === 'entries') ? 'entries' : 'bytes';
  // In megabytes and the like, so that the axis has round numbers of them.
  const largest = Math.max(...sizes.map((size) => (size.unit === unit ? size.amount : 1)));
  const [unitName, unitSize] = unit === 'entries' ? ['', 1] : byteUnit(largest);
  const lines = policies.map((policy) => ({
    name: policy,
    bound: policy === 'belady',
    points: results
      .filter((result) => result.policy === policy && result.size.unit === unit)
      .map((result) => ({ x: result.size.amount / unitSize, y: result.hitRatio }))
      .toSorted((a, b) => a.x - b.x),
  }));
  const about = aboutTrace(read.trace);
  const cut = about.indexOf(': ');
  return chartSvg({
    title: about.slice(0, cut),
    subtitle: about.slice(cut + 2),
    xTitle: unit === 'entries' ? 'cache size in entries' : 'cache size',
    xText: (value) => (unit === 'entries' ? count(value) : `${Number(value.toPrecision(3))} ${unitName}`),
    lines,
  });
}

function amountText(size: GridSize): string {
  return size.unit === 'bytes' ? size.text : count(size.amount);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
