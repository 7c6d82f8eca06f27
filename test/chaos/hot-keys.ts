import { memcached } from '../../src/memcached.ts';
import type { HotKeysOptions } from '../../src/index.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { Application, sumOf } from './application.ts';
import { CountedSource } from './counted-source.ts';
import { Figures } from './figures.ts';
import { quantile, spreadOf } from './samples.ts';
import type { Outcome, Scenario, Settings } from './scenario.ts';
import { countGets } from './server-statistics.ts';
import { Ends, member, startServers } from './servers.ts';
import { SteadyLoad } from './steady-load.ts';
import { pause } from './time.ts';
import { zipf } from './workload.ts';
import type { MemcachedServer } from '../../src/testing/memcached-server.ts';

export const scenario: Scenario = {
  title: 'the hottest keys are kept in the process for a second, where the near tier is off otherwise',
  run: async (settings) => {
    const ends = new Ends();
    try {
      return await run(settings, ends);
    } finally {
      await ends.run();
    }
  },
};

const servers = 4;
const skew = 0.99;

const sizes = {
  full: { keys: 100_000, reads: 3000, warm: 6000, counted: 20_000, hot: 500 },
  quick: { keys: 3000, reads: 1500, warm: 700, counted: 1200, hot: 500 },
};

interface Phase {
  readonly asked: number;
  /** As the servers have counted them. */
  readonly remote: number;
  readonly application: Application;
  readonly from: number;
  readonly to: number;
}

async function run({ quick, seed, say }: Settings, ends: Ends): Promise<Outcome> {
  const size = quick ? sizes.quick : sizes.full;
  const running = await startServers(servers, ends);
  const source = new CountedSource(0);
  const ids = Array.from({ length: size.keys }, (_, rank) => `k${rank}`);
  // A key is hot from a rate that the hundredth has here; with the traffic of a real service the default, 100 a second, is about the same.
  const hotKeys: HotKeysOptions = { above: 2, most: 100, nearTtl: '1s' };
  say(
    `${servers} memcached ${running[0]!.version}; ${size.reads} reads a second over ${size.keys} rows by Zipf(${skew}); at most 100 keys are hot, each kept for 1 s`,
  );

  const phase = async (
    options: HotKeysOptions | undefined,
    rate: number,
    draw: () => string,
  ): Promise<Phase> => {
    const remote = memcached({ servers: running.map(member), timeout: '100ms' });
    const application = ends.add(
      new Application({ remote, source, ...(options === undefined ? undefined : { hotKeys: options }) }),
      (made) => made.close(),
    );
    const load = ends.add(new SteadyLoad(rate, () => void application.read(draw())).start(), (made) =>
      made.stop(),
    );
    await pause(size.warm);
    const [from, before, askedBefore] = [
      performance.now(),
      await countGets(running),
      application.counts.operations,
    ];
    await pause(size.counted);
    const [to, after, askedAfter] = [
      performance.now(),
      await countGets(running),
      application.counts.operations,
    ];
    load.stop();
    await application.settled();
    return { asked: askedAfter - askedBefore, remote: after - before, application, from, to };
  };
  // All rows are on the servers, so that both phases are warm.
  await warm(running, source, ids);
  const without = await phase(undefined, size.reads, zipf(ids, skew, seededRandom(seed)));
  const withHot = await phase(hotKeys, size.reads, zipf(ids, skew, seededRandom(seed)));
  const found = withHot.application.shop.stats().hotKeys || [];
  const removed = 1 - withHot.remote / withHot.asked / (without.remote / without.asked);

  // One key alone, among others that nobody else asks for.
  const random = seededRandom(seed + 1);
  let hotAsked = 0;
  let hotRemote = 0;
  const single = await phase({ nearTtl: '1s' }, 2 * size.hot, () => {
    if (random() < 0.5) return ids[Math.floor(random() * ids.length)]!;
    hotAsked++;
    return 'hot';
  });
  hotRemote = single.application.remote.getsOf('hot');
  const near = 1 - hotRemote / hotAsked;

  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  say(
    `Zipf: ${without.asked} reads were ${without.remote} gets on the servers without hot keys; with them ${withHot.asked} were ${withHot.remote}: ${percent(removed)} less`,
  );
  say(
    `${found.length} hot keys, the first ones: ${found
      .slice(0, 5)
      .map(({ key, perSecond }) => `${String(key)} (${perSecond.toFixed(0)}/s)`)
      .join(', ')}`,
  );
  say(
    `one key, ${size.hot} reads a second of it: ${hotAsked} reads, ${hotRemote} of them on a server, its finding included: ${percent(near)} near`,
  );
  const counts = sumOf([without, withHot, single].map(({ application }) => application));
  const figures = new Figures();
  figures.atLeast('requests that the servers are spared', 25, 100 * removed, ' %');
  figures.atLeast('reads of one hot key that are answered near', quick ? 70 : 90, 100 * near, ' %');
  figures.none('errors that the application saw', counts.errors);
  figures.none('wrong answers', counts.wrong);
  const times = ({ application, from, to }: Phase): Float64Array => application.samples.between(from, to);
  return {
    scenario: 'hot-keys',
    operations: counts.operations,
    errors: counts.errors,
    wrong: counts.wrong,
    stale: counts.stale,
    p99Ms: quantile(times(withHot), 0.99),
    dbRatio: null,
    figures: figures.all,
    details: {
      servers,
      keys: size.keys,
      readsPerSecond: size.reads,
      skew,
      hotKeys,
      hotKeysFound: found.length,
      without: { reads: without.asked, gets: without.remote },
      with: { reads: withHot.asked, gets: withHot.remote },
      sparedShare: removed,
      oneKey: { reads: hotAsked, gets: hotRemote, nearShare: near },
      readsMs: { without: spreadOf(times(without)), with: spreadOf(times(withHot)) },
    },
  };
}

async function warm(
  running: readonly MemcachedServer[],
  source: CountedSource,
  ids: readonly string[],
): Promise<void> {
  const remote = memcached({ servers: running.map(member), timeout: '1s' });
  const application = new Application({ remote, source });
  await application.readAll(ids, 500);
  await application.close();
}
