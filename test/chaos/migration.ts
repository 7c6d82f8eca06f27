import { setTimeout as sleep } from 'node:timers/promises';
import { cistern } from '../../src/index.ts';
import type { ScheduledStage } from '../../src/routes/migrating/time-table.ts';
import { memcached } from '../../src/stores/memcached/memcached.ts';
import { Figures } from './figures.ts';
import { type ClientPlan, family, rowOptions } from './migration-client.ts';
import { Client, Witness } from './migration-witness.ts';
import type { Outcome, Scenario, Settings } from './scenario.ts';
import { Ends, startServers } from './servers.ts';
import { seconds } from './time.ts';

export const scenario: Scenario = {
  title:
    'a cache moves to another pool while processes read and change it: their clocks are apart by the whole skew, and one is killed while entries are copied',
  run: async (settings) => {
    const ends = new Ends();
    try {
      return await run(settings, ends);
    } finally {
      await ends.run();
    }
  },
};

/** Times in milliseconds, rates per second and of all clients together. `servers` in each pool. */
interface Size {
  readonly servers: number;
  readonly clients: number;
  readonly skew: number;
  readonly keys: number;
  readonly reads: number;
  readonly writes: number;
  readonly warmUp: number;
  /** How long entries are copied, beyond twice the skew. */
  readonly copying: number;
  /** How long the keys take to change over. */
  readonly interval: number;
}

const full: Size = {
  servers: 16,
  clients: 4,
  skew: 5000,
  keys: 12_000,
  reads: 4000,
  writes: 60,
  warmUp: 6000,
  copying: 15_000,
  interval: 10_000,
};

const quickly: Size = {
  servers: 2,
  clients: 3,
  skew: 1000,
  keys: 1000,
  reads: 2000,
  writes: 30,
  warmUp: 3000,
  copying: 2000,
  interval: 1500,
};

async function run({ quick, seed, say }: Settings, ends: Ends): Promise<Outcome> {
  const size = quick ? quickly : full;
  const witness = new Witness(size.keys);
  const clients = Array.from({ length: size.clients }, () => startClient(witness, ends));
  const servers = await startServers(2 * size.servers, ends);
  const addresses = servers.map((server) => server.address);
  await warm(addresses.slice(0, size.servers), witness);
  await Promise.all(clients.map(async (client) => await client.ready));
  say(
    `${servers.length} memcached ${servers[0]!.version} in two pools, ${size.clients} client processes with clocks up to ${seconds(size.skew)} apart, ${size.keys} rows`,
  );
  const course = await migrate({ size, seed, say, witness, clients, addresses, ends });
  const { all, startedAt, endedAt, start, startLoads, verified } = course;

  const wrong = witness.untrue(verified);
  const old = witness.older(verified);
  const within = Array.from({ length: endedAt - startedAt }, (_, index) => startedAt + index);
  const lowest = Math.min(...within.map((each) => witness.ratio(each, each + 1)));
  const mostLoads = Math.max(...within.map((each) => witness.loadsIn(each, each + 1)));
  const stale = witness.stale();
  const sum = (of: 'copied' | 'twinFills' | 'unconfirmed'): number =>
    all.reduce((total, client) => total + client[of], 0);
  const figures = new Figures();
  figures.none('stale reads', stale);
  figures.none('rows that are old when all is quiet, in any process', old);
  figures.none('wrong answers', wrong);
  figures.none('errors that the application saw', witness.errors.length);
  figures.atMost('fall of the hit ratio in the worst second, in points', 5, start - lowest);
  figures.atLeast('changes that were confirmed', quick ? 50 : 2000, witness.changes.length);
  figures.atLeast('entries that were copied', quick ? 200 : 5000, sum('copied'));
  for (const complaint of witness.errors.slice(0, 3)) say(`error: ${complaint}`);
  say(
    `hit ratio ${start.toFixed(1)} % at the start, ${lowest.toFixed(1)} % in the worst second; ${sum('copied')} entries copied, ${sum('twinFills')} fills of both pools, ${witness.changes.length} changes confirmed, ${sum('unconfirmed')} not at once`,
  );
  return {
    scenario: 'migration',
    operations: witness.reads.length + witness.changes.length,
    errors: witness.errors.length,
    wrong,
    stale: stale + old,
    p99Ms: witness.readTime(0.99),
    dbRatio: mostLoads / Math.max(1, startLoads),
    figures: figures.all,
    details: {
      servers: servers.length,
      clients: size.clients,
      clockSkewMs: size.skew,
      hitRatioAtStart: start,
      lowestHitRatio: lowest,
      course: within.map((each) => witness.courseOf(each)),
      changes: witness.changes.length,
      unconfirmed: sum('unconfirmed'),
      copied: sum('copied'),
      fillsOfBoth: sum('twinFills'),
    },
  };
}

function startClient(witness: Witness, ends: Ends): Client {
  return ends.add(new Client(witness), async (client) => await client.kill());
}

/** Loads every key into the pool that is to be moved away from. */
async function warm(addresses: readonly string[], witness: Witness): Promise<void> {
  const remote = memcached({ servers: addresses, timeout: '5s' });
  const shop = cistern({ name: family, near: false, remote, remoteTimeout: '5s' });
  const rows = shop.define<number, number>('row', { ...rowOptions, load: (key) => witness.versions[key]! });
  for (let key = 0; key < witness.versions.length; key += 500)
    await rows.getMany(witness.versions.slice(key, key + 500).map((_, index) => key + index));
  await shop.close();
  await remote.close();
}

interface Course {
  /** Those that were killed, too. */
  readonly all: readonly Client[];
  /** From the first second in which anything is moved to the last. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** The hit ratio before, in percent, and the loads per second. */
  readonly start: number;
  readonly startLoads: number;
  /** By client: the version of each row when all is quiet. */
  readonly verified: readonly (readonly number[])[];
}

async function migrate(world: {
  readonly size: Size;
  readonly seed: number;
  readonly say: (line: string) => void;
  readonly witness: Witness;
  readonly clients: Client[];
  readonly addresses: readonly string[];
  readonly ends: Ends;
}): Promise<Course> {
  const { size, seed, say, witness, clients, addresses, ends } = world;
  const { skew, interval } = size;
  const mirror = Date.now() + size.warmUp + skew;
  const populate = mirror + 2 * skew;
  const readTo = populate + 2 * skew + size.copying;
  const onlyTo = readTo + interval + 2 * skew;
  const schedule: readonly ScheduledStage[] = [
    { stage: 'mirror', at: mirror },
    { stage: 'populate', at: populate, share: 1 },
    { stage: 'read-to', at: readTo },
    { stage: 'only-to', at: onlyTo },
  ];
  const planOf = (index: number, generation: number): ClientPlan => ({
    name: family,
    from: addresses.slice(0, size.servers),
    to: addresses.slice(size.servers),
    schedule,
    skew,
    perKey: { interval },
    ahead: (skew * index) / (clients.length - 1) - skew / 2,
    seed: seed + index + 100 * generation,
    keys: size.keys,
    readsPerSecond: size.reads / clients.length,
    writesPerSecond: size.writes / clients.length,
  });
  for (const [index, client] of clients.entries()) client.order({ kind: 'begin', plan: planOf(index, 0) });
  const until = async (time: number): Promise<void> => await sleep(Math.max(0, time - Date.now()));
  const first = witness.second + 1;
  await until(mirror - skew);
  const startedAt = witness.second;

  await until(populate + skew);
  const victim = clients[1]!;
  await victim.kill();
  say(`killed a process in its stage ${victim.stage}, with ${victim.open.size} changes not confirmed`);
  const heir = startClient(witness, ends);
  clients[1] = heir;
  await heir.ready;
  heir.order({ kind: 'begin', plan: planOf(1, 1) });
  heir.order({ kind: 'invalidate', changes: [...victim.open] });
  const all = [...clients, victim];
  await until(readTo);
  say(
    `${all.reduce((sum, each) => sum + each.copied, 0)} entries are copied when reads begin to change over`,
  );
  await until(onlyTo + 2.5 * skew);
  const endedAt = witness.second - 1;
  for (const client of clients) client.order({ kind: 'verify' });
  const verified = await Promise.all(clients.map(async (client) => await client.verified));
  await Promise.all(clients.map(async (client) => await client.gone));
  return {
    all,
    startedAt,
    endedAt,
    start: witness.ratio(first, startedAt),
    startLoads: witness.loadsIn(first, startedAt) / Math.max(1, startedAt - first),
    verified,
  };
}
