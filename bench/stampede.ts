import { Fleet, type Rush } from './harness/fleet.ts';
import { type Figure, type Outcome, packageVersions } from './harness/result.ts';
import { type Server, startMemcached, startRedis } from './harness/servers.ts';
import type { Benchmark, RunOptions } from './harness/side-by-side.ts';
import { quantile, rotatedOrder, type Spread, spread } from './harness/statistics.ts';
import { figure, textTable } from './harness/table.ts';

const processes = 4;
const callers = 1000;
const loaderMilliseconds = 100;
/** A memcached tells freshness in whole seconds, and one may be added: after this long an entry of one second is stale for everybody. */
const freshFor = 1000;
const untilStale = 2500;
const staleFor = 60_000;

const cold = 'cold key';
const staleNear = 'expired, stale in the near tier';
const staleRemote = 'expired, stale in the remote tier alone';
const scenarios = [cold, staleNear, staleRemote] as const;
type Scenario = (typeof scenarios)[number];
/** In this order, as Cistern's near tier asks the remote one again 5 seconds after it did so last (`nearTtl`). */
const asked: readonly Scenario[] = [staleNear, staleRemote, cold];

interface Contender {
  readonly name: string;
  readonly packages: readonly string[];
  readonly adapter: string;
  readonly server: 'memcached' | 'redis';
  /** Whether it keeps entries in the process too. */
  readonly near: boolean;
}

const contenders: readonly Contender[] = [
  {
    name: 'cistern',
    packages: ['cistern'],
    adapter: import.meta.resolve('./competitors/cistern.ts'),
    server: 'memcached',
    near: true,
  },
  {
    name: 'bentocache',
    packages: ['bentocache', 'ioredis'],
    adapter: import.meta.resolve('./competitors/bentocache.ts'),
    server: 'redis',
    near: true,
  },
  {
    name: 'cachified',
    packages: ['@epic-web/cachified', 'ioredis'],
    adapter: import.meta.resolve('./competitors/cachified.ts'),
    server: 'redis',
    near: false,
  },
  {
    name: 'async-cache-dedupe',
    packages: ['async-cache-dedupe', 'ioredis'],
    adapter: import.meta.resolve('./competitors/async-cache-dedupe.ts'),
    server: 'redis',
    near: false,
  },
];

/** What the thousand callers of one round saw. */
interface RoundResult {
  readonly loaderRuns: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  /** 99th percentile of the waiting times in loader times. */
  readonly p99ToLoader: number;
  /** Callers that waited for at least half a loader's time. */
  readonly waiting: number;
}

export interface StampedeDetails {
  readonly rows: readonly {
    readonly scenario: Scenario;
    readonly name: string;
    readonly summary: Record<keyof RoundResult, Spread>;
    readonly rounds: readonly RoundResult[];
  }[];
}

export const benchmark: Benchmark = {
  title: `${callers} concurrent callers of one key in ${processes} processes that share one server, loader of ${loaderMilliseconds} ms`,
  async run(options) {
    const memcached = await startMemcached();
    const redis = await startRedis();
    const taking = contenders.filter(({ server }) => server === 'memcached' || redis !== undefined);
    const fleets = new Map<string, Fleet>();
    try {
      for (const { name, adapter, server } of taking) {
        options.progress(`starting ${name}`);
        const { address } = server === 'memcached' ? memcached : redis!;
        const start = { adapter, address, loaderMilliseconds };
        fleets.set(name, await Fleet.start(processes, start));
      }
      return await runRounds(taking, fleets, options, memcached, redis);
    } finally {
      await Promise.all([...fleets.values()].map((fleet) => fleet.close()));
      await memcached.close();
      await redis?.close();
    }
  },
};

async function runRounds(
  taking: readonly Contender[],
  fleets: ReadonlyMap<string, Fleet>,
  options: RunOptions,
  memcached: Server,
  redis: Server | undefined,
): Promise<Outcome> {
  const rounds = options.rounds ?? (options.quick ? 2 : 7);
  const measured = new Map<string, RoundResult[]>();
  // The first round warms what is asked once only, and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const { name } of taking) {
      options.progress(`round ${round} of ${rounds}: preparing ${name}`);
      await openCaches(fleets.get(name)!, round);
    }
    // All at nearly the same time: what is measured first must not be older than what is measured last.
    await Promise.all([...fleets.values()].map((fleet) => putEntries(fleet, round)));
    await new Promise((resolve) => setTimeout(resolve, untilStale));
    for (const scenario of asked) {
      for (const index of rotatedOrder(taking.length, round)) {
        const { name, near } = taking[index]!;
        if (scenario === staleNear && !near) continue;
        options.progress(`round ${round} of ${rounds}: ${name}, ${scenario}`);
        const rushed = await fleets.get(name)!.rush(scenario, keyOf(scenario, round), callers);
        const cell = `${scenario}\n${name}`;
        if (round > 0) measured.set(cell, [...(measured.get(cell) ?? []), roundResult(rushed)]);
      }
    }
    for (const fleet of fleets.values()) {
      for (const scenario of scenarios) await fleet.all({ kind: 'close', scenario });
    }
  }
  const rows = scenarios.flatMap((scenario) =>
    taking.flatMap(({ name }) => {
      const results = measured.get(`${scenario}\n${name}`);
      return results === undefined ? [] : [{ scenario, name, summary: summaryOf(results), rounds: results }];
    }),
  );
  const details: StampedeDetails = { rows };
  return {
    bench: 'stampede',
    unit: 'named in each result',
    rounds,
    quick: options.quick,
    skipped: redis === undefined ? ['the libraries that need a Redis: no redis-server on the PATH'] : [],
    versions: {
      ...packageVersions(taking.flatMap((contender) => contender.packages)),
      'memcached server': memcached.version,
      ...(redis !== undefined && { 'redis server': redis.version }),
    },
    results: rows.flatMap(({ scenario, name, summary }): Figure[] => [
      { name: `${name}: ${scenario}: loader runs`, ...summary.loaderRuns },
      { name: `${name}: ${scenario}: p99 ms`, ...summary.p99 },
      { name: `${name}: ${scenario}: p99 / loader time`, ...summary.p99ToLoader },
      { name: `${name}: ${scenario}: callers that waited`, ...summary.waiting },
    ]),
    table: scenarios.map((scenario) => scenarioTable(scenario, rows)).join('\n\n'),
    details,
  };
}

/** New caches for all scenarios, connected and warm. */
async function openCaches(fleet: Fleet, round: number): Promise<void> {
  for (const scenario of scenarios) {
    await fleet.all({ kind: 'open', scenario, freshFor, staleFor });
    const warm = { scenario, key: `warm-${round}`, callers: callers / processes, turns: 20 };
    await fleet.all({ kind: 'warm', ...warm });
  }
}

/** Entries where the scenario wants them, to grow stale. */
async function putEntries(fleet: Fleet, round: number): Promise<void> {
  for (let index = 0; index < fleet.size; index++) {
    await fleet.one(index, { kind: 'read', scenario: staleNear, key: keyOf(staleNear, round) });
  }
  // A cache of its own, that is gone afterwards: the caches that will be asked have never seen the entry.
  const scenario = 'fill';
  await fleet.one(0, { kind: 'open', scenario, freshFor, staleFor });
  await fleet.one(0, { kind: 'read', scenario, key: keyOf(staleRemote, round) });
  await fleet.one(0, { kind: 'close', scenario });
}

function keyOf(scenario: Scenario, round: number): string {
  return `${scenarios.indexOf(scenario)}-${round}`;
}

function roundResult({ waits, loaderTimes }: Rush): RoundResult {
  const loaderTime = loaderTimes.length === 0 ? loaderMilliseconds : quantile(loaderTimes, 0.5);
  const p99 = quantile(waits, 0.99);
  return {
    loaderRuns: loaderTimes.length,
    p50: quantile(waits, 0.5),
    p99,
    longest: quantile(waits, 1),
    p99ToLoader: p99 / loaderTime,
    waiting: waits.filter((wait) => wait >= loaderMilliseconds / 2).length,
  };
}

function summaryOf(results: readonly RoundResult[]): Record<keyof RoundResult, Spread> {
  const of = (field: keyof RoundResult): Spread => spread(results.map((result) => result[field]));
  return {
    loaderRuns: of('loaderRuns'),
    p50: of('p50'),
    p99: of('p99'),
    longest: of('longest'),
    p99ToLoader: of('p99ToLoader'),
    waiting: of('waiting'),
  };
}

function scenarioTable(scenario: Scenario, rows: StampedeDetails['rows']): string {
  const headings = [scenario, 'loader runs', 'p50 ms', 'p99 ms', 'longest ms', 'p99 / loader', 'waited'];
  return textTable(
    headings,
    rows
      .filter((row) => row.scenario === scenario)
      .map(({ name, summary }) => [
        name,
        wholeRange(summary.loaderRuns),
        figure(summary.p50.median),
        figure(summary.p99.median),
        figure(summary.longest.max),
        figure(summary.p99ToLoader.median),
        wholeRange(summary.waiting),
      ]),
  );
}

function wholeRange({ min, max }: Spread): string {
  return min === max ? String(min) : `${min} - ${max}`;
}
