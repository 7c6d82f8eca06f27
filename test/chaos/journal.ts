import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memcached } from '../../src/memcached.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { type FaultProxy, startFaultProxy } from '../../src/testing/fault-proxy.ts';
import { Application } from './application.ts';
import { CountedSource } from './counted-source.ts';
import { Figures } from './figures.ts';
import { quantile } from './samples.ts';
import type { Outcome, Scenario, Settings } from './scenario.ts';
import { Ends, idOf, member, startServers } from './servers.ts';
import { SteadyLoad } from './steady-load.ts';
import { pause, seconds, until } from './time.ts';
import { WriterProcess } from './writer-process.ts';

export const scenario: Scenario = {
  title:
    'more than one in ten writes fails, and the client is killed (SIGKILL) twice; its journal is on disk',
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
/** The limits of the journal: its defaults. */
const mostRecords = 50_000;
const mostBytes = 16 * 1024 ** 2;

/** `cut`: the chance that a connection breaks at a chunk of bytes, each way. What is under way on it fails, and what comes while it is opened anew. */
const sizes = {
  full: { keys: 3000, writes: 200, reads: 400, cut: 0.035, faults: 60_000, patience: 60_000 },
  quick: { keys: 300, writes: 150, reads: 200, cut: 0.06, faults: 2000, patience: 15_000 },
};

async function run({ quick, seed, say }: Settings, ends: Ends): Promise<Outcome> {
  const size = quick ? sizes.quick : sizes.full;
  const running = await startServers(servers, ends);
  const proxies: FaultProxy[] = [];
  for (const { port } of running) {
    const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port }, seed: seed + port });
    proxies.push(ends.add(proxy, (made) => made.stop()));
  }
  const folder = ends.add(mkdtempSync(join(tmpdir(), 'cistern-chaos-')), (made) =>
    rmSync(made, { recursive: true, force: true }),
  );
  const source = new CountedSource(0);
  const ids = Array.from({ length: size.keys }, (_, index) => `k${index}`);
  const store = memcached({ servers: running.map(member), timeout: '100ms' });
  const reader = ends.add(new Application({ remote: store, source }), (made) => made.close());
  const start = {
    // The same servers by another way: their ids say so.
    servers: proxies.map(({ address }, index) => ({ id: idOf(index), address })),
    journal: join(folder, 'journal'),
    ids,
    seed,
  };
  const writers: WriterProcess[] = [];
  const startWriter = (writesPerSecond: number): WriterProcess => {
    const writer = new WriterProcess(
      { ...start, writesPerSecond, seed: seed + writers.length },
      source,
      ends,
    );
    writers.push(writer);
    return writer;
  };
  say(
    `${servers} memcached ${running[0]!.version}; a client that writes (${size.writes} a second, ${size.keys} rows) through connections that break, and another that reads and keeps what it reads (${size.reads} a second)`,
  );

  await reader.readAll(ids);
  const random = seededRandom(seed);
  const reads = ends.add(
    new SteadyLoad(size.reads, () => void reader.read(ids[Math.floor(random() * ids.length)]!)).start(),
    (made) => made.stop(),
  );
  let writer = startWriter(size.writes);
  await until(() => writer.writes > 0, 10_000);
  for (const { faults } of proxies) faults.cut = size.cut;
  const began = performance.now();
  await pause(size.faults / 2);
  const unknown = [...(await writer.kill())];
  say(`after ${seconds(performance.now() - began)} the client is killed, and started again`);
  writer = startWriter(size.writes);
  await until(() => writer.state !== undefined, 10_000);
  await pause(Math.max(0, began + (5 / 6) * size.faults - performance.now()));
  // What is lost from now on can only be repaired from the disk.
  proxies[0]!.faults.hang = true;
  await pause(Math.max(0, began + size.faults - performance.now()));
  const owed = writer.state?.pending ?? 0;
  unknown.push(...(await writer.kill()));
  const endedAt = performance.now();
  for (const { faults } of proxies) faults.cut = 0;
  // What hangs in the proxy never arrives.
  proxies[0]!.cutAll();
  proxies[0]!.faults.hang = false;
  say(
    `after ${seconds(endedAt - began)} it is killed again, and the faults end; another process opens its journal and writes nothing`,
  );
  writer = startWriter(0);
  // It tells something only once it has read its journal.
  const settled = await until(() => writer.state?.pending === 0, size.patience, 10);
  const repairedIn = performance.now() - endedAt;
  reads.stop();
  await reader.settled();

  const lostInSource = newestOf(unknown);
  const rows = await reader.readAll(ids);
  const old = rows.flatMap((row) =>
    row !== undefined && row.version < source.version(row.id) ? [row.id] : [],
  );
  // The client died between its write in the source and its invalidation: no journal can know of that, a feed of changes can.
  const died = old.filter((id) => lostInSource.get(id) === source.version(id));
  const sum = (count: (each: WriterProcess) => number): number =>
    writers.reduce((all, each) => all + count(each), 0);
  const [writes, unconfirmed] = [sum((each) => each.writes), sum((each) => each.unconfirmed)];
  const most = (name: keyof WriterProcess['most']): number =>
    Math.max(...writers.map((each) => each.most[name]));
  const { counts } = reader;
  const errors = counts.errors + sum((each) => each.errors.length);
  say(
    `${writes} writes, ${unconfirmed} invalidations not confirmed (${((100 * unconfirmed) / writes).toFixed(1)} %); ${owed} keys were owed when the faults ended, none ${seconds(repairedIn)} later${settled ? '' : ' (no: still some)'}`,
  );
  say(
    `the journal had ${most('pending')} records (${Math.round(most('journalBytes') / 1024)} KB, on disk ${Math.round(most('fileBytes') / 1024)} KB) at most; the clients took ${Math.round(most('resident') / 1024 ** 2)} MB at most`,
  );
  say(
    `${unknown.length} writes were under way when the client was killed; of their rows ${died.length} are old in the cache: a write without an end is nobody's failure to record`,
  );
  const figures = new Figures();
  figures.atLeast('writes that failed', 10, (100 * unconfirmed) / writes, ' %');
  figures.none(
    `keys left unrepaired ${size.patience / 1000} s after the faults end, by the journal`,
    settled ? 0 : (writer.state?.pending ?? 1),
  );
  figures.none('keys left unrepaired, as another client reads them', old.length - died.length);
  figures.atMost('records in the journal', mostRecords, most('pending'));
  figures.atMost('bytes of the journal in memory', mostBytes, most('journalBytes'));
  figures.none('errors that the application saw', errors);
  figures.none('wrong answers', counts.wrong);
  for (const text of [...reader.complaints, ...writers.flatMap((each) => each.errors.slice(0, 3))])
    say(`error: ${text}`);
  return {
    scenario: 'journal',
    operations: counts.operations + writes,
    errors,
    wrong: counts.wrong,
    stale: old.length - died.length,
    p99Ms: quantile(reader.samples.between(began, endedAt), 0.99),
    dbRatio: null,
    figures: figures.all,
    details: {
      servers,
      writes,
      unconfirmed,
      owedWhenFaultsEnded: owed,
      repairedInMs: repairedIn,
      most: Object.fromEntries(
        (['pending', 'journalBytes', 'fileBytes', 'resident'] as const).map((name) => [name, most(name)]),
      ),
      fenced: sum((each) => each.state?.fenced ?? 0),
      dropped: sum((each) => each.state?.dropped ?? 0),
      connectionsBroken: proxies.reduce((all, each) => all + each.broken, 0),
      underWayAtKills: unknown.length,
      oldBecauseTheClientDied: died.length,
    },
  };
}

/** By row, the newest version whose write had no end. */
function newestOf(
  unknown: readonly { readonly id: string; readonly version: number }[],
): ReadonlyMap<string, number> {
  const newest = new Map<string, number>();
  for (const { id, version } of unknown) newest.set(id, Math.max(version, newest.get(id) ?? 0));
  return newest;
}
