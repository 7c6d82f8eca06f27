/**
 * One process that uses a cache over two pools that are being migrated, for tests that have several of them with clocks that differ, and
 * kill some. The parent is the source: it is asked for versions, and told of every read and every confirmed change.
 */
import { cistern } from '../../src/index.ts';
import { realRuntime } from '../../src/core/runtime.ts';
import { migrating } from '../../src/routes/migrating/migrating.ts';
import type { MigrationSchedule } from '../../src/routes/migrating/time-table.ts';
import { memcached } from '../../src/stores/memcached/memcached.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { skewedRuntime } from '../migration/skewed-runtime.ts';

export interface ClientPlan extends MigrationSchedule {
  readonly name: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** By how many milliseconds this process's wall clock is ahead. */
  readonly ahead: number;
  readonly seed: number;
  readonly keys: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
}

/** What the parent says. */
export type Order =
  | { readonly kind: 'begin'; readonly plan: ClientPlan }
  | { readonly kind: 'answer'; readonly id: number; readonly version: number }
  /** Changes whose process died before they were confirmed. */
  | { readonly kind: 'invalidate'; readonly changes: readonly (readonly [key: number, version: number])[] }
  /** Stop, read every key, and tell. */
  | { readonly kind: 'verify' };

/** A read: key, version, when it began and how long it took, in milliseconds on the machine's monotonic clock. */
export type ReadRow = readonly [key: number, version: number, began: number, took: number];
/** A confirmed change: key, version, when. */
export type ChangeRow = readonly [key: number, version: number, at: number];

/** What a process tells its parent. */
export type News =
  | { readonly kind: 'ask'; readonly id: number; readonly key: number; readonly commit: boolean }
  | {
      readonly kind: 'batch';
      readonly at: number;
      readonly reads: readonly ReadRow[];
      readonly changes: readonly ChangeRow[];
      readonly hits: number;
      readonly misses: number;
      readonly errors: readonly string[];
      readonly unconfirmed: number;
      readonly copied: number;
      readonly twinFills: number;
      readonly stage: string;
    }
  | { readonly kind: 'ready' }
  | { readonly kind: 'verified'; readonly versions: readonly number[] };

/** What the caches are called. */
export const family = 'chaos';
/** How the cache of rows is defined, everywhere. */
export const rowOptions = { ttl: '10m', near: false, refreshAhead: 0, loads: { concurrent: 1000 } } as const;

const tick = 10;
const batchTime = 100;

/** The same clock in every process of a machine. */
function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

function tell(news: News): void {
  process.send?.(news);
}

function begin(plan: ClientPlan): (order: Order) => void {
  const random = seededRandom(plan.seed);
  const runtime = skewedRuntime(realRuntime, () => plan.ahead);
  const pool = (servers: readonly string[]): ReturnType<typeof memcached> =>
    memcached({ servers, timeout: '1s', connectTimeout: '5s' });
  const { schedule, skew, perKey, name } = plan;
  const remote = migrating({
    name,
    from: pool(plan.from),
    to: pool(plan.to),
    schedule,
    ...(skew === undefined ? undefined : { skew }),
    ...(perKey === undefined ? undefined : { perKey }),
    copiesAtOnce: 256,
    runtime,
  });
  const shop = cistern({ name: family, near: false, remote, remoteTimeout: '2s' });
  const waiting = new Map<number, (version: number) => void>();
  let asked = 0;
  const ask = async (key: number, commit: boolean): Promise<number> =>
    await new Promise((resolve) => {
      waiting.set(++asked, resolve);
      tell({ kind: 'ask', id: asked, key, commit });
    });
  const rows = shop.define<number, number>('row', {
    ...rowOptions,
    load: async (key) => await ask(key, false),
  });

  let reads: ReadRow[] = [];
  let changes: ChangeRow[] = [];
  let errors: string[] = [];
  let unconfirmed = 0;
  let told = rows.stats();
  const read = async (key: number): Promise<void> => {
    const began = monotonic();
    try {
      const version = await rows.get(key);
      reads.push([key, version, began, monotonic() - began]);
    } catch (error) {
      errors.push(String(error));
    }
  };
  const invalidate = async (key: number, version: number): Promise<boolean> => {
    const { confirmed } = await rows.delete(key);
    if (confirmed) changes.push([key, version, monotonic()]);
    else unconfirmed++;
    return confirmed;
  };
  const popular = keyByRank(plan.keys, random);
  const bring = (): void => {
    const now = rows.stats();
    const { copies, twinFills, stage } = remote.stats();
    tell({
      kind: 'batch',
      at: monotonic(),
      reads,
      changes,
      hits: now.remote.hits - told.remote.hits,
      misses: now.remote.misses - told.remote.misses,
      errors,
      unconfirmed,
      copied: copies.stored,
      twinFills,
      stage,
    });
    told = now;
    reads = [];
    changes = [];
    errors = [];
  };

  let going = true;
  const verify = async (): Promise<void> => {
    clearInterval(batches);
    bring();
    const versions: number[] = [];
    for (let key = 0; key < plan.keys; key += 500) {
      const part = Array.from({ length: Math.min(500, plan.keys - key) }, (_, index) => key + index);
      versions.push(...(await Promise.all(part.map(async (each) => await rows.get(each)))));
    }
    tell({ kind: 'verified', versions });
    await shop.close();
    await remote.close();
    process.disconnect();
  };

  const batches = setInterval(bring, batchTime);
  let owedReads = 0;
  let owedWrites = 0;
  const turns = setInterval(() => {
    if (!going) {
      clearInterval(turns);
      return;
    }
    owedReads += (plan.readsPerSecond * tick) / 1000;
    owedWrites += (plan.writesPerSecond * tick) / 1000;
    for (; owedReads >= 1; owedReads--) void read(popular());
    for (; owedWrites >= 1; owedWrites--) {
      const key = popular();
      void ask(key, true).then((version) => invalidate(key, version));
    }
  }, tick);

  return (order) => {
    if (order.kind === 'answer') {
      waiting.get(order.id)?.(order.version);
      waiting.delete(order.id);
    } else if (order.kind === 'invalidate') {
      for (const [key, version] of order.changes) void repeat(async () => await invalidate(key, version));
    } else if (order.kind === 'verify') {
      going = false;
      void verify();
    }
  };
}

async function repeat(work: () => Promise<boolean>): Promise<void> {
  while (!(await work())) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** Keys by Zipf's law with an exponent of 0.9: some are asked for often, all now and then. */
function keyByRank(keys: number, random: () => number): () => number {
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= keys; rank++) sums.push((sum += rank ** -0.9));
  return () => {
    const wanted = random() * sum;
    let [low, high] = [0, keys - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Begins when it is told to, so that the time that a process takes to start is not part of the plan. */
function main(): void {
  let obey: ((order: Order) => void) | undefined;
  process.on('message', (order: Order) => {
    if (order.kind === 'begin') obey = begin(order.plan);
    else obey?.(order);
  });
  tell({ kind: 'ready' });
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) main();
