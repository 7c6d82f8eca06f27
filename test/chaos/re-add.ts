import { type Member, memcached, type MemcachedStore } from '../../src/memcached.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { Application, sumOf } from './application.ts';
import { ChangingServers } from './changing-servers.ts';
import { CountedSource } from './counted-source.ts';
import { Figures } from './figures.ts';
import { quantile, spreadOf } from './samples.ts';
import type { Outcome, Scenario, Settings } from './scenario.ts';
import { Ends, member, startServers } from './servers.ts';
import { SteadyLoad } from './steady-load.ts';
import { pause, seconds, until } from './time.ts';

export const scenario: Scenario = {
  title:
    'servers leave the pool and come back, again and again, while rows are written; those that are out keep what they had',
  run: async (settings) => {
    const ends = new Ends();
    try {
      return await run(settings, ends);
    } finally {
      await ends.run();
    }
  },
};

const servers = 10;
/** Never fewer than this are in the ring. */
const fewest = 7;
const timeout = 100;

const sizes = {
  full: { changes: 100, quiet: 5000, written: 300, pause: 350, lag: 300, calm: 3000 },
  quick: { changes: 6, quiet: 1500, written: 50, pause: 100, lag: 150, calm: 1000 },
};

/** One process: its view of the ring, and its application. */
interface Process {
  readonly list: ChangingServers;
  readonly store: MemcachedStore;
  readonly application: Application;
}

/** What one change of the ring has cost. */
interface Change {
  readonly before: number;
  readonly after: number;
  readonly misses: number;
  /** K/N, N being the larger of the two rings: what the placement cannot avoid. */
  readonly unavoidable: number;
}

async function run({ quick, seed, say }: Settings, ends: Ends): Promise<Outcome> {
  const size = quick ? sizes.quick : sizes.full;
  // What happens to the ring is drawn apart from what is asked, whose number depends on the machine.
  const random = seededRandom(seed);
  const randomLoad = seededRandom(seed + 1);
  const running = await startServers(servers, ends);
  const members: readonly Member[] = running.map((server, index) => ({
    ...member(server, index),
    weight: 1,
  }));
  const source = new CountedSource();
  const processes = [0, 1].map(() =>
    ends.add(open(members, source), ({ application }) => application.close()),
  );
  const [one, other] = processes as [Process, Process];
  const quiet = Array.from({ length: size.quiet }, (_, index) => `q${index}`);
  const written = Array.from({ length: size.written }, (_, index) => `w${index}`);
  say(
    `${servers} memcached ${running[0]!.version}, 2 clients that learn of changes up to ${size.lag} ms apart; ${size.quiet} rows that are read after each change, ${size.written} that are written all the time`,
  );
  await one.application.readAll(quiet);
  await one.application.readAll(written);
  const loads = startLoads(processes, written, randomLoad, ends);

  // A read that fails is none: that is a server, or a machine, that was slow.
  const missing = new Set<string>();
  let failed = 0;
  for (const { application } of processes)
    application.remote.missed = (id, kind) => {
      if (kind === 'failed') failed++;
      else if (id.startsWith('q')) missing.add(id);
    };
  const changes: Change[] = [];
  let ring = members;
  const began = performance.now();
  for (let turn = 0; turn < size.changes; turn++) {
    const next = changed(ring, members, random);
    one.list.change(next);
    await pause(random() * size.lag);
    other.list.change(next);
    await pause(size.pause);
    for (const { application } of processes) await application.readAll(quiet);
    const { size: misses } = missing;
    missing.clear();
    const larger = Math.max(ring.length, next.length);
    changes.push({ before: ring.length, after: next.length, misses, unavoidable: quiet.length / larger });
    ring = next;
  }
  const took = performance.now() - began;
  // All that ever left is there again, with what it had kept.
  for (const { list } of processes) list.change(members);
  await pause(size.lag);
  for (const load of loads) load.stop();
  for (const { application } of processes) await application.settled();
  const repaired = await until(
    () => processes.every(({ store }) => store.journal()!.pending === 0),
    quick ? 1000 : 20_000,
  );
  // A process learns of what others have done to a server within 250 ms and a timeout.
  await pause(size.calm);
  let old = 0;
  for (const { application } of processes) old += await application.countStale([...written, ...quiet]);

  const counts = sumOf(processes.map(({ application }) => application));
  const shares = changes.map(({ misses, unavoidable }) => misses / unavoidable);
  const worst = Math.max(...shares);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const samples = one.application.samples.between(began, began + took);
  say(
    `${changes.length} changes in ${seconds(took)}: the ring had ${Math.min(...changes.map((each) => each.after))} to ${servers} servers; ${counts.writes} writes, ${counts.unconfirmed} of them not confirmed at once${repaired ? '' : ' (some still owed)'}`,
  );
  say(
    `misses per change, as a multiple of K/N: ${mean.toFixed(2)} on average, ${worst.toFixed(2)} at most; ${counts.old} reads were older than a write that was not confirmed yet`,
  );
  const figures = new Figures();
  figures.none('stale reads after quiescence', old);
  figures.none('stale reads before it, in one process after its own confirmed write', counts.stale);
  figures.atMost('misses of the worst change, as a multiple of K/N', quick ? 1.4 : 1.2, worst);
  figures.none('errors that the application saw', counts.errors);
  figures.none('wrong answers', counts.wrong);
  for (const { application } of processes)
    for (const complaint of application.complaints) say(`error: ${complaint}`);
  return {
    scenario: 're-add',
    operations: counts.operations,
    errors: counts.errors,
    wrong: counts.wrong,
    stale: counts.stale + old,
    p99Ms: quantile(samples, 0.99),
    dbRatio: null,
    figures: figures.all,
    details: {
      servers,
      changes: changes.length,
      missesPerChange: { mean, worst },
      writes: counts.writes,
      unconfirmed: counts.unconfirmed,
      oldBeforeConfirmed: counts.old,
      failedReads: failed,
      readsMs: spreadOf(samples),
      course: changes,
    },
  };
}

function open(members: readonly Member[], source: CountedSource): Process {
  const list = new ChangingServers(members);
  const store = memcached({ servers: list, timeout, name: 'pool' });
  return { list, store, application: new Application({ remote: store, source }) };
}

/** One server more or less, by chance. */
function changed(ring: readonly Member[], all: readonly Member[], random: () => number): readonly Member[] {
  const out = all.filter((each) => !ring.includes(each));
  const leaves = out.length === 0 || (ring.length > fewest && random() < 0.5);
  if (!leaves) return [...ring, out[Math.floor(random() * out.length)]!];
  const gone = ring[Math.floor(random() * ring.length)];
  return ring.filter((each) => each !== gone);
}

function startLoads(
  processes: readonly Process[],
  written: readonly string[],
  random: () => number,
  ends: Ends,
): readonly SteadyLoad[] {
  const draw = (): string => written[Math.floor(random() * written.length)]!;
  return processes
    .flatMap(({ application }) => [
      new SteadyLoad(40, () => void application.write(draw())),
      new SteadyLoad(200, () => void application.read(draw())),
    ])
    .map((load) => ends.add(load.start(), (made) => made.stop()));
}
