import { memcached, type MemcachedStore } from '../../src/memcached.ts';
import { Application } from './application.ts';
import { CountedConnects, mostConnects } from './counted-connects.ts';
import { CountedSource } from './counted-source.ts';
import { amplification } from './amplification.ts';
import { listen } from './events.ts';
import { type Fault, type FaultName, prepareFault } from './fault.ts';
import { Figures } from './figures.ts';
import { quantile, spreadOf } from './samples.ts';
import type { Outcome, Scenario, Settings } from './scenario.ts';
import { Ends, idOf, member, startServers } from './servers.ts';
import { pause, seconds, until } from './time.ts';
import { isFresh } from './watched-store.ts';
import { Workload } from './workload.ts';

/** One of ten servers fails under load, and comes back. */
export function serverFault(name: FaultName): Scenario {
  const titles = {
    stop: 'one of ten servers is stopped (SIGSTOP) under load, and goes on later',
    kill: 'one of ten servers is killed (SIGKILL) under load, started again later, and once more restarted at once',
    drop: 'no packet of one of ten servers arrives any more, and later they do again',
  };
  return {
    title: titles[name],
    ...(name === 'drop' ? { ownNetwork: true } : undefined),
    run: (settings) => runFault(name, settings),
  };
}

const servers = 10;
const hitRatio = 0.95;
const timeout = 50;
const health = { failures: 3, firstPause: 50, longestPause: 2000 };

/** How long each part of the run takes, in milliseconds. */
const spans = {
  full: { warm: 5000, healthy: 20_000, fault: 20_000, back: 10_000 },
  quick: { warm: 200, healthy: 800, fault: 1200, back: 300 },
};

async function runFault(name: FaultName, settings: Settings): Promise<Outcome> {
  const ends = new Ends();
  try {
    return await new FaultRun(name, settings, ends).run();
  } finally {
    await ends.run();
  }
}

class FaultRun {
  readonly #name: FaultName;
  readonly #settings: Settings;
  readonly #ends: Ends;
  readonly #source = new CountedSource();
  readonly #connects = new CountedConnects();
  readonly #figures = new Figures();
  readonly #victim: number;
  readonly #spans: (typeof spans)['full'];
  #fault!: Fault;
  #members!: readonly { readonly id: string; readonly address: string }[];
  #application!: Application;

  constructor(name: FaultName, settings: Settings, ends: Ends) {
    this.#name = name;
    this.#settings = settings;
    this.#ends = ends;
    this.#victim = settings.seed % servers;
    this.#spans = settings.quick ? spans.quick : spans.full;
  }

  async run(): Promise<Outcome> {
    const { quick, seed, say } = this.#settings;
    const began = await startServers(servers, this.#ends);
    this.#fault = await prepareFault(this.#name, began[this.#victim]!, this.#ends);
    const downs = listen('server-down', this.#ends);
    const ups = listen('server-up', this.#ends);
    const ofVictim = ({ store }: { readonly store: string }): boolean => store.endsWith(this.#fault.address);
    const since = (from: number) => (event: { readonly store: string; readonly at: number }) =>
      event.at >= from && ofVictim(event);
    this.#members = began.map((server, index) =>
      index === this.#victim ? { id: idOf(index), address: this.#fault.address } : member(server, index),
    );
    const remote = memcached({
      servers: this.#members,
      timeout,
      health,
      runtime: this.#connects.runtime,
    });
    const application = (this.#application = this.#ends.add(
      new Application({ remote, source: this.#source }),
      (made) => made.close(),
    ));
    const load = { keys: quick ? 1000 : 5000, skew: 0.99, reads: quick ? 600 : 1000, fresh: 1 - hitRatio };
    const workload = new Workload(application, { ...load, writes: 10, seed });
    say(
      `${servers} memcached ${began[0]!.version}, timeout ${timeout} ms; ${load.reads} reads and 10 writes a second over ${load.keys} rows, hit ratio ${hitRatio}`,
    );

    await application.readAll(workload.ids);
    this.#ends.add(workload, (made) => made.stop());
    workload.start();
    await pause(this.#spans.warm);
    const healthyFrom = performance.now();
    await pause(this.#spans.healthy);
    const brokenFrom = performance.now();
    await this.#fault.begin();
    say(`after ${seconds(this.#spans.healthy)} in health, server ${idOf(this.#victim)}: ${this.#fault.way}`);
    const marked = await until(() => downs.some(since(brokenFrom)), this.#spans.fault, 2);
    const downFrom = downs.find(since(brokenFrom))?.at ?? Number.POSITIVE_INFINITY;
    await pause(this.#spans.fault);
    const brokenTo = performance.now();
    await this.#fault.end();
    const returned = await until(() => ups.some(since(brokenTo)), 10_000, 2);
    const backFrom = performance.now();
    await pause(this.#spans.back);
    const restarted = this.#name === 'kill' ? await this.#restart() : undefined;
    workload.stop();
    await application.settled();

    const healthy = application.samples.between(healthyFrom, brokenFrom);
    const firstSecond = application.samples.between(brokenFrom, brokenFrom + 1000);
    const down = application.samples.between(downFrom, brokenTo);
    const victims = (id: string): boolean => this.#isVictims(id);
    const victimsFirst = application.samples.between(brokenFrom, downFrom, victims);
    const victimsDown = application.samples.between(downFrom, brokenTo, victims);
    const [healthyP99, firstP99, downP99] = [healthy, firstSecond, down].map((each) =>
      quantile(each, 0.99),
    ) as [number, number, number];
    // On a busy machine the tests only show that nobody waits for a server that is down; the times are those of the full run.
    this.#figures.atMost('p99 of the first second', timeout + (quick ? 250 : 5), firstP99, ' ms');
    if (quick)
      this.#figures.atMost(
        'median of reads of a server that is down',
        timeout / 2,
        quantile(victimsDown, 0.5),
        ' ms',
      );
    else this.#figures.atMost('p99 after mark-down (in health, and 1 ms)', healthyP99 + 1, downP99, ' ms');
    // A few turns of requests without an answer, not the end of a connection or of an attempt to make one.
    this.#figures.atMost('time until it is marked down', quick ? 900 : 500, downFrom - brokenFrom, ' ms');
    const connects = this.#connects.between(brokenFrom, brokenTo, this.#fault.port);
    const most = mostConnects(brokenTo - brokenFrom, health.firstPause, health.longestPause);
    this.#figures.atMost('attempts to connect to the server that is down', most, connects);
    this.#figures.none(
      'rounds in which it was not marked down, or did not come back',
      (marked ? 0 : 1) + (returned ? 0 : 1),
    );

    const leftOver = await this.#quiet(workload.ids, remote);
    const { counts } = application;
    const ratio = this.#databaseRatio(healthyFrom, brokenFrom, downFrom, brokenTo);
    this.#figures.none('errors that the application saw', counts.errors);
    this.#figures.none('wrong answers', counts.wrong);
    this.#figures.none('stale answers, afterwards included', counts.stale + leftOver);
    say(
      `marked down after ${seconds(downFrom - brokenFrom)}, ${connects} attempts to connect in ${seconds(brokenTo - brokenFrom)} (configured: at most ${most}); back ${seconds(backFrom - brokenTo)} after the fault ended`,
    );
    say(
      `database: ${ratio.measured.toFixed(2)} x the load in health without any spare; by the formula ${ratio.formula.toFixed(2)} x, its share of the reads being ${(100 * ratio.share).toFixed(1)} %`,
    );
    if (counts.unconfirmed > 0)
      say(`${counts.unconfirmed} of ${counts.writes} writes were not confirmed, and repaired later`);
    for (const complaint of application.complaints) say(`error: ${complaint}`);
    return {
      scenario: `server-${this.#name}`,
      operations: counts.operations,
      errors: counts.errors,
      wrong: counts.wrong,
      stale: counts.stale + leftOver,
      p99Ms: firstP99,
      dbRatio: ratio.measured,
      figures: this.#figures.all,
      details: {
        servers,
        timeoutMs: timeout,
        way: this.#fault.way,
        readsMs: {
          healthy: spreadOf(healthy),
          firstSecond: spreadOf(firstSecond),
          down: spreadOf(down),
          ofThatServerBeforeMarkDown: spreadOf(victimsFirst),
          ofThatServerWhileDown: spreadOf(victimsDown),
          ...(restarted === undefined ? undefined : { firstSecondOfRestart: restarted }),
        },
        markDownMs: downFrom - brokenFrom,
        backMs: backFrom - brokenTo,
        // A machine that stands still for a while looks like servers that do.
        othersMarkedDown: downs.filter((event) => !ofVictim(event)).length,
        connects,
        connectsAllowed: most,
        database: ratio,
        writes: counts.writes,
        unconfirmed: counts.unconfirmed,
        oldBeforeRepair: counts.old,
      },
    };
  }

  /** Gone and there again within milliseconds, as in a deploy. */
  async #restart(): Promise<ReturnType<typeof spreadOf>> {
    const from = performance.now();
    await this.#fault.begin();
    await this.#fault.end();
    await pause(Math.max(1000, this.#spans.back));
    const first = this.#application.samples.between(from, from + 1000);
    this.#figures.atMost(
      'p99 of the first second of a restart',
      timeout + (this.#settings.quick ? 250 : 5),
      quantile(first, 0.99),
      ' ms',
    );
    return spreadOf(first);
  }

  #isVictims(id: string): boolean {
    return this.#application.remote.leafOf(id)?.name.endsWith(this.#fault.address) === true;
  }

  /** Once all that was lost is repaired: how many rows are old all the same, for this process and for one that is new. */
  async #quiet(ids: readonly string[], store: MemcachedStore): Promise<number> {
    await until(() => store.journal()!.pending === 0, this.#settings.quick ? 1000 : 15_000);
    const other = this.#ends.add(
      new Application({ remote: memcached({ servers: this.#members, timeout }), source: this.#source }),
      (made) => made.close(),
    );
    return (await this.#application.countStale(ids)) + (await other.countStale(ids));
  }

  #databaseRatio(
    healthyFrom: number,
    healthyTo: number,
    downFrom: number,
    downTo: number,
  ): ReturnType<typeof amplification> {
    const { samples } = this.#application;
    const reads = samples.between(healthyFrom, healthyTo).length;
    const known = samples.between(healthyFrom, healthyTo, (id) => !isFresh(id)).length;
    const victims = samples.between(healthyFrom, healthyTo, (id) => this.#isVictims(id)).length;
    const before = this.#source.countLoads(healthyFrom, healthyTo) / reads;
    const after = this.#source.countLoads(downFrom, downTo) / samples.between(downFrom, downTo).length;
    return amplification({
      hitRatio: 1 - before,
      share: victims / known,
      spareHitRatio: 0,
      measured: after / before,
    });
  }
}
