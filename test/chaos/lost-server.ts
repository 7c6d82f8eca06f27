import type { MemcachedServer } from '../../src/testing/memcached-server.ts';
import type { MemcachedStore } from '../../src/memcached.ts';
import type { Store } from '../../src/core/store.ts';
import { type Amplification, amplification } from './amplification.ts';
import { Application } from './application.ts';
import { CountedSource } from './counted-source.ts';
import { Figures } from './figures.ts';
import { quantile, spreadOf } from './samples.ts';
import type { Outcome, Settings } from './scenario.ts';
import { Ends, idOf, startServers } from './servers.ts';
import { pause, seconds, until } from './time.ts';
import { isFresh } from './watched-store.ts';
import { Workload } from './workload.ts';

/** What stands in for the server that is lost. */
export interface Spare {
  readonly scenario: string;
  /** Processes besides the ten servers. */
  readonly servers: number;
  /** What stands in, in words. */
  readonly words: string;
  /** The most that the source may be asked, as a multiple of what it is asked in health. */
  readonly limit: number;
  /** How long after the loss that must hold, in milliseconds. */
  readonly after: number;
  /** The pools, the one that loses a server first, and how they are combined. */
  make(
    main: readonly MemcachedServer[],
    spare: readonly MemcachedServer[],
  ): { readonly remote: Store; readonly pools: readonly MemcachedStore[] };
}

const servers = 10;
const hitRatio = 0.95;
const timeout = 50;

const spans = {
  full: { warm: 12_000, healthy: 20_000, down: 30_000 },
  quick: { warm: 300, healthy: 1300, down: 1300 },
};

/** One of ten servers is killed and does not come back: what the source has to bear. */
export async function runLostServer(spare: Spare, settings: Settings): Promise<Outcome> {
  const ends = new Ends();
  try {
    return await run(spare, settings, ends);
  } finally {
    await ends.run();
  }
}

async function run(spare: Spare, { quick, seed, say }: Settings, ends: Ends): Promise<Outcome> {
  const { warm, healthy, down } = quick ? spans.quick : spans.full;
  const after = quick ? 500 : spare.after;
  const all = await startServers(servers + spare.servers, ends);
  const main = all.slice(0, servers);
  const { remote, pools } = spare.make(main, all.slice(servers));
  const source = new CountedSource();
  const application = ends.add(new Application({ remote, source }), (made) => made.close());
  const load = { keys: quick ? 1000 : 10_000, skew: 0.99, reads: quick ? 800 : 1500, writes: 5 };
  const workload = new Workload(application, { ...load, fresh: 1 - hitRatio, seed });
  say(
    `${servers} memcached ${all[0]!.version} and ${spare.words}; ${load.reads} reads and ${load.writes} writes a second over ${load.keys} rows by Zipf(${load.skew}), hit ratio ${hitRatio}`,
  );
  await application.readAll(workload.ids);
  ends.add(workload, (made) => made.stop());
  workload.start();
  const began = performance.now();
  await pause(warm);
  const healthyFrom = performance.now();
  await pause(healthy);
  const healthyTo = performance.now();
  const victim = busiest(application, main, healthyFrom);
  // Counting has held everything up for a moment.
  await pause(warm / 10);
  const lostAt = performance.now();
  await main[victim]!.stop();
  say(`after ${seconds(lostAt - began)} the server with the most reads, ${idOf(victim)}, is killed`);
  await pause(after + down);
  const endedAt = performance.now();
  workload.stop();
  await application.settled();

  const isVictims = (id: string): boolean =>
    application.remote.leafOf(id)?.name.endsWith(main[victim]!.address) === true;
  const period = (from: number, to: number): Period => countPeriod(application, source, isVictims, from, to);
  const before = period(healthyFrom, healthyTo);
  const ratioOf = (
    { loads, reads, victims }: Period,
    { victimLoads }: Period = period(0, 0),
  ): Amplification => {
    const h = 1 - before.loads / before.reads;
    return amplification({
      measured: loads / reads / (before.loads / before.reads),
      hitRatio: h,
      share: before.victims / (before.reads - before.fresh),
      spareHitRatio: victims === 0 ? 0 : 1 - victimLoads / victims,
    });
  };
  const measured = period(lostAt + after, endedAt);
  const ratio = ratioOf(measured, measured);
  const course = [];
  const step = (after + down) / 12;
  for (let from = lostAt; from + step <= endedAt + 1; from += step) {
    const part = period(from, from + step);
    course.push({
      afterMs: Math.round(from - lostAt),
      ratio: Number(ratioOf(part, part).measured.toFixed(3)),
    });
  }
  say(
    `database load in steps of ${seconds(step)}: ${course.map((each) => each.ratio.toFixed(2)).join(' ')} x`,
  );
  say(
    `from ${seconds(after)} on: ${ratio.measured.toFixed(2)} x; 1 + s h (1 - g) / (1 - h) says ${ratio.formula.toFixed(2)} x with s = ${ratio.share.toFixed(3)}, h = ${ratio.hitRatio.toFixed(3)}, g = ${ratio.spareHitRatio.toFixed(3)}; without a spare it would be ${amplification({ ...ratio, spareHitRatio: 0 }).formula.toFixed(2)} x`,
  );

  const figures = new Figures();
  figures.atMost(
    `database load from ${seconds(after)} on`,
    quick ? 1 + 1.5 * (spare.limit - 1) + 0.4 : spare.limit,
    ratio.measured,
    ' x',
  );
  const left = await leftOver(application, workload.ids, pools, quick);
  const { counts, samples } = application;
  figures.none('errors that the application saw', counts.errors);
  figures.none('wrong answers', counts.wrong);
  figures.none('stale answers, afterwards included', counts.stale + left);
  for (const complaint of application.complaints) say(`error: ${complaint}`);
  const reads = samples.between(lostAt, endedAt);
  return {
    scenario: spare.scenario,
    operations: counts.operations,
    errors: counts.errors,
    wrong: counts.wrong,
    stale: counts.stale + left,
    p99Ms: quantile(reads, 0.99),
    dbRatio: ratio.measured,
    figures: figures.all,
    details: {
      servers,
      spare: spare.words,
      timeoutMs: timeout,
      database: { ...ratio, withoutSpare: amplification({ ...ratio, spareHitRatio: 0 }).formula },
      course,
      readsMs: { healthy: spreadOf(samples.between(healthyFrom, healthyTo)), lost: spreadOf(reads) },
      writes: counts.writes,
      unconfirmed: counts.unconfirmed,
    },
  };
}

/** The server whose rows are read most: the worst that can be lost. */
function busiest({ samples, remote }: Application, main: readonly MemcachedServer[], from: number): number {
  const reads = main.map(
    ({ address }) =>
      samples.between(
        from,
        Number.POSITIVE_INFINITY,
        (id) => remote.leafOf(id)?.name.endsWith(address) === true,
      ).length,
  );
  return reads.indexOf(Math.max(...reads));
}

interface Period {
  readonly reads: number;
  readonly loads: number;
  /** Of these reads, those of rows that nobody had asked for before. */
  readonly fresh: number;
  /** Reads and loads of rows of the server that is lost. */
  readonly victims: number;
  readonly victimLoads: number;
}

function countPeriod(
  { samples }: Application,
  source: CountedSource,
  isVictims: (id: string) => boolean,
  from: number,
  to: number,
): Period {
  return {
    reads: samples.between(from, to).length,
    loads: source.countLoads(from, to),
    fresh: samples.between(from, to, isFresh).length,
    victims: samples.between(from, to, isVictims).length,
    victimLoads: source.countLoads(from, to, isVictims),
  };
}

/** Rows that are old once everything is quiet. What is owed to the server that is gone stays owed: it is not read from. */
async function leftOver(
  application: Application,
  ids: readonly string[],
  pools: readonly MemcachedStore[],
  quick: boolean,
): Promise<number> {
  const alive = (): boolean =>
    pools.every((pool) => pool.journal()!.servers.filter(({ pending }) => pending > 0).length <= 1);
  await until(alive, quick ? 500 : 15_000);
  return await application.countStale(ids);
}
