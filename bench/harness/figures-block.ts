import type { StampedeDetails } from '../stampede.ts';
import type { CaseResult } from './contest.ts';
import type { HitRatioDetails } from './hit-ratio-details.ts';
import type { ResultFile } from './result.ts';
import type { ContestDetails } from './side-by-side.ts';
import { figure, markdownTable } from './table.ts';

const begin = '<!-- figures:begin -->';
const end = '<!-- figures:end -->';

/** Reads the result of a benchmark by its name; undefined: it was never run. */
export type ReadResult = <Details>(bench: string) => ResultFile<Details> | undefined;

/** The text with what stands between the markers replaced. Throws when they are not there. */
export function withFigures(text: string, block: string): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`no lines ${begin} and ${end}, in this order`);
  return `${text.slice(0, from + begin.length)}\n${block}\n${text.slice(to)}`;
}

/**
 * The figures for the README, from the results that are there: each row a measurement, each column a library, losses
 * included. Says what is missing.
 */
export function figuresBlock(read: ReadResult): string {
  const parts: string[] = [];
  const missing: string[] = [];
  const sources: ResultFile[] = [];
  const part = <Details>(
    names: readonly string[],
    make: (results: ResultFile<Details>[]) => string,
  ): void => {
    const results: ResultFile<Details>[] = [];
    for (const name of names) {
      const result = read<Details>(name);
      if (result === undefined) missing.push(name);
      else results.push(result);
    }
    if (results.length === 0) return;
    sources.push(...results);
    parts.push(make(results));
  };
  part<ContestDetails>(['get-or-load'], (results) => contestTable('CPU per hit, ns', results, shownLoaders));
  part<ContestDetails>(['near-get', 'near-set', 'near-zipf'], (results) =>
    contestTable('near tier of 100,000 entries, CPU per operation, ns', results, shownNear),
  );
  part<unknown>(['near-memory'], ([result]) => memoryLine(result!));
  part<HitRatioDetails>(['hit-ratios'], ([result]) => hitRatioTable(result!));
  part<unknown>(['simulator'], ([result]) => simulatorLine(result!));
  part<ContestDetails>(['memcached-get', 'memcached-set', 'memcached-multi-get'], (results) =>
    contestTable('client CPU per call, µs', results, shownClients),
  );
  part<StampedeDetails>(['stampede'], ([result]) => stampedeTable(result!));
  part<unknown>(['wrong-answers'], ([result]) => wrongAnswersLine(result!));
  const notMeasured = missing.length === 0 ? [] : [`Not measured yet: ${missing.join(', ')}.`];
  return [...introduction(sources), ...parts, ...notMeasured].join('\n\n');
}

/** Columns of the README; the result files hold more variants. */
const shownLoaders = [
  'cistern',
  'plain Map',
  'lru-cache fetch',
  'p-memoize',
  'async-cache-dedupe',
  'cache-manager wrap',
  'cachified + lru-cache',
  'cacheable getOrSet',
  'bentocache getOrSet',
];
const shownNear = [
  'cistern',
  'cistern w-tinylfu, map',
  'cistern lru, hash',
  'cistern lru, map',
  'cistern clock, hash',
  'lru-cache, ttl',
  'lru-cache, max',
  'plain Map',
];
const shownClients = ['cistern', 'cistern getMany', 'memcache', 'memjs', 'memcached', 'ioredis'];

function introduction(sources: readonly ResultFile[]): string[] {
  const [first] = sources;
  if (first === undefined) return [];
  const unique = (values: readonly string[]): string => [...new Set(values)].toSorted().join(' and ');
  const machine = unique(sources.map((source) => source.cpu));
  const node = unique(sources.map((source) => source.node));
  const dates = unique(sources.map((source) => source.date.slice(0, 10)));
  return [
    `\`npm run bench -- <name>\` on ${machine}, Node ${node}, ${dates}: medians of interleaved rounds, in brackets the ` +
      `multiple of Cistern's cost (below 1: the other is cheaper). Raw numbers and versions: [bench/results](bench/results).`,
  ];
}

function contestTable(
  title: string,
  results: readonly ResultFile<ContestDetails>[],
  shown: readonly string[],
): string {
  const rows = results.flatMap((result) =>
    result.details.cases.map((each): [string, CaseResult] => [
      result.bench.startsWith('memcached-')
        ? `${result.bench.slice('memcached-'.length)}, ${each.case}`
        : each.case,
      each,
    ]),
  );
  const columns = shown.filter((name) => rows.some(([, each]) => each.rows.some((row) => row.name === name)));
  return markdownTable(
    [title, ...columns],
    rows.map(([label, each]) => [
      label,
      ...columns.map((name) => {
        const row = each.rows.find((candidate) => candidate.name === name);
        if (row === undefined) return '';
        const { cpu, ratio } = row;
        return name === 'cistern' ? figure(cpu.median) : `${figure(cpu.median)} (${figure(ratio.median)})`;
      }),
    ]),
  );
}

/** `cistern lru, hash` as `lru, hash`. */
function memoryLine(result: ResultFile): string {
  const each = result.results.map(
    ({ name, median }) =>
      `${name.replace(/^cistern$/, 'Cistern').replace(/^cistern /, '')} ${figure(median)}`,
  );
  return `Near tier of a million entries, bytes per entry besides key and value: ${each.join('; ')}.`;
}

function hitRatioTable(result: ResultFile<HitRatioDetails>): string {
  const { ours, published } = result.details;
  const names = Object.keys(ours);
  const peers = Object.keys(published);
  const row = (label: string, mean: 'mean' | 'web'): string[] => [
    label,
    ...names.map((name) => ours[name]![mean].toFixed(4)),
    ...peers.map((name) => published[name]![mean].toFixed(4)),
  ];
  return markdownTable(
    [`mean hit ratio on ${result.details.traces} recorded traces`, ...names, ...peers],
    [row('all', 'mean'), row('web and key-value', 'web')],
  );
}

function simulatorLine(result: ResultFile): string {
  const of = (name: string): number =>
    result.results.find((each) => each.name === name)?.median ?? Number.NaN;
  return (
    `\`cistern simulate\`: ${figure(of('requests/s: lru') / 1e6)} million requests a second with LRU, ` +
    `${figure(of('requests/s: w-tinylfu') / 1e6)} million with the default policy; 4 million requests over 6 policies and 5 sizes in ${figure(of('seconds for all'))} s.`
  );
}

function wrongAnswersLine(result: ResultFile): string {
  const count = (name: string): string =>
    (result.results.find((each) => each.name === name)?.median ?? Number.NaN).toLocaleString('en-US');
  return (
    `Answers that reached another request, under cancels, timeouts, cut connections, odd chunks and a stopped server: ` +
    `${count('wrong')} of ${count('responses')}.`
  );
}

function stampedeTable(result: ResultFile<StampedeDetails>): string {
  const { rows } = result.details;
  const columns = [...new Set(rows.map((row) => row.name))];
  const scenarios = [...new Set(rows.map((row) => row.scenario))];
  return markdownTable(
    ['1,000 callers in 4 processes, loader 100 ms: loads; p99 ms', ...columns],
    scenarios.map((scenario) => [
      scenario,
      ...columns.map((name) => {
        const row = rows.find((candidate) => candidate.name === name && candidate.scenario === scenario);
        if (row === undefined) return '';
        return `${row.summary.loaderRuns.max}; ${figure(row.summary.p99.median)}`;
      }),
    ]),
  );
}
