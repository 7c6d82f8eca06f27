import fc from 'fast-check';
import { type Cache, cistern, type Cistern, memory, type Store } from '../../src/index.ts';
import { type Migrating, migrating } from '../../src/routes/migrating/migrating.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing/fake-runtime.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { skewedRuntime } from './skewed-runtime.ts';
import { SlowWire } from './slow-wire.ts';

export const skew = 1000;
export const times = { mirror: 3000, populate: 6000, readTo: 10_000, onlyTo: 14_000, end: 17_000 } as const;
const remoteTimeout = 100;
const recordPoll = 50;
/** How old a read may be that another process has begun before a change: a flight with its load, and the poll. */
const elsewhere = 400 + remoteTimeout + recordPoll;

const keys = ['a', 'b'] as const;
type Key = (typeof keys)[number];
const kinds = ['get', 'get', 'get', 'get', 'delete', 'mutate', 'set', 'expire', 'clear', 'lose'] as const;

export interface CacheStep {
  readonly pause: number;
  readonly process: number;
  readonly key: Key;
  readonly kind: (typeof kinds)[number];
}

export interface CacheConditions {
  readonly seed: number;
  readonly delay: number;
  readonly clocks: readonly number[];
  readonly begin: number;
  /** Of the hits that are copied. */
  readonly share: number;
}

export const cacheConditions: fc.Arbitrary<CacheConditions> = fc.record({
  seed: fc.integer(),
  delay: fc.constantFrom(0, 8, 40),
  clocks: fc.constantFrom([0, 1], [1, 0], [0.5, 0, 1]),
  begin: fc
    .record({
      time: fc.constantFrom(times.mirror, times.populate, times.readTo, times.readTo, times.onlyTo),
      before: fc.constantFrom(200, 600, 1000, 1400),
    })
    .map(({ time, before }) => time - before),
  share: fc.constantFrom(1, 0.001),
});

export const cacheSteps: fc.Arbitrary<readonly CacheStep[]> = fc.array(
  fc.record({
    pause: fc.constantFrom(0, 8, 40, 80, 300),
    process: fc.nat(2),
    key: fc.constantFrom<Key>('a', 'a', 'b'),
    kind: fc.constantFrom(...kinds),
  }),
  { minLength: 8, maxLength: 40, size: 'max' },
);

interface Row {
  readonly key: Key;
  readonly version: number;
}

interface Floor extends Row {
  readonly process: number;
  readonly at: number;
}

/**
 * Whole caches of several processes, with their server record, over two pools that are being migrated: what was confirmed holds for
 * every process, generations too, and also when a pool loses what it has.
 */
export class CachesWorld {
  readonly wrong: string[] = [];
  reads = 0;
  loads = 0;
  readonly #runtime: FakeRuntime;
  readonly #random: () => number;
  readonly #conditions: CacheConditions;
  readonly #pools: Store[];
  readonly #routes: Migrating[] = [];
  readonly #shops: Cistern[] = [];
  readonly #caches: Cache<Key, Row>[] = [];
  readonly #versions = new Map<Key, number>(keys.map((key) => [key, 1]));
  readonly #changing = new Map<Key, number>(keys.map((key) => [key, 0]));
  readonly #floors: Floor[] = [];
  /** When a pool last lost all it had: the record is then made anew, which others notice after a poll. */
  #lost = Number.NEGATIVE_INFINITY;

  constructor(conditions: CacheConditions) {
    const runtime = fakeRuntime({ seed: conditions.seed });
    this.#runtime = runtime;
    this.#conditions = conditions;
    this.#random = seededRandom(conditions.seed);
    this.#pools = ['from', 'to'].map((name) => memory({ name, runtime }));
    const start = runtime.clock.wall();
    for (const ahead of conditions.clocks) {
      const [from, to] = this.#pools.map(
        (_, index) =>
          new SlowWire(this.#poolAt(index), runtime, this.#random, { delay: conditions.delay, loss: 0 }),
      );
      const route = migrating({
        from: from!,
        to: to!,
        skew,
        schedule: [
          { stage: 'mirror', at: start + times.mirror },
          { stage: 'populate', at: start + times.populate, share: conditions.share },
          { stage: 'read-to', at: start + times.readTo },
          { stage: 'only-to', at: start + times.onlyTo },
        ],
        status: false,
        runtime: skewedRuntime(runtime, () => ahead * skew),
      });
      const shop = cistern({ name: 'shop', runtime, remote: route, remoteTimeout, recordPoll, near: false });
      this.#routes.push(route);
      this.#shops.push(shop);
      this.#caches.push(
        shop.define<Key, Row>('row', {
          load: async (key) => await this.#load(key),
          ttl: '1m',
          staleWhileRevalidate: '1m',
          deadline: 400,
          near: false,
        }),
      );
    }
  }

  async run(steps: readonly CacheStep[]): Promise<void> {
    for (let process = 0; process < this.#caches.length; process++)
      for (const key of keys) await this.#runtime.until(this.#read(process, key));
    await this.#runtime.advance(this.#conditions.begin);
    const running: Promise<unknown>[] = [];
    for (const step of steps) {
      if (step.pause > 0) await this.#runtime.advance(step.pause);
      running.push(this.#step(step).catch(() => undefined));
    }
    await this.#runtime.until(Promise.all(running));
    await this.#runtime.advance(times.end);
    for (let process = 0; process < this.#caches.length; process++)
      for (const key of keys) await this.#runtime.until(this.#read(process, key));
    await this.#runtime.until(Promise.all(this.#shops.map(async (shop) => await shop.close())));
    await this.#runtime.until(Promise.all(this.#routes.map(async (route) => await route.close())));
  }

  async #step({ process, key, kind }: CacheStep): Promise<void> {
    const home = process % this.#caches.length;
    const cache = this.#caches[home]!;
    switch (kind) {
      case 'get':
        await this.#read(home, key);
        return;
      case 'lose':
        this.#lost = this.#runtime.clock.read();
        this.#pools[process % 2] = memory({ runtime: this.#runtime });
        return;
      case 'clear':
        await this.#change(home, keys, async () => await cache.clear());
        return;
      case 'expire':
        await cache.expire(key);
        return;
      case 'delete':
        await this.#change(home, [key], async () => await cache.delete(key));
        return;
      case 'set':
        if (this.#changing.get(key)! > 0) return;
        await this.#change(home, [key], async (version) => await cache.set(key, { key, version }), true);
        return;
      default:
        await this.#change(
          home,
          [key],
          async () =>
            await cache.mutate(key, async () => void this.#versions.set(key, this.#versions.get(key)! + 1)),
        );
    }
  }

  async #change(
    process: number,
    changed: readonly Key[],
    tell: (version: number) => Promise<{ readonly confirmed: boolean }>,
    alone = false,
  ): Promise<void> {
    if (changed.some((key) => this.#changing.get(key)! >= 1000)) return;
    const weight = alone ? 1000 : 1;
    for (const key of changed) {
      this.#changing.set(key, this.#changing.get(key)! + weight);
      this.#versions.set(key, this.#versions.get(key)! + 1);
    }
    const before = changed.map((key) => this.#versions.get(key)!);
    try {
      const { confirmed } = await tell(before[0]!);
      const at = this.#runtime.clock.read();
      if (confirmed)
        for (const [index, key] of changed.entries())
          this.#floors.push({ key, version: before[index]!, process, at });
    } finally {
      for (const key of changed) this.#changing.set(key, this.#changing.get(key)! - weight);
    }
  }

  async #read(process: number, key: Key): Promise<void> {
    const started = this.#runtime.clock.read();
    const unsettled = started < this.#lost + elsewhere;
    let floor = 0;
    for (const each of this.#floors) {
      const holds = (each.process === process && !unsettled) || each.at <= started - elsewhere;
      if (each.key === key && holds) floor = Math.max(floor, each.version);
    }
    const row = await this.#caches[process]!.entry(key).catch(() => undefined);
    if (row === undefined || row.status === 'stale') return;
    this.reads++;
    if (row.value!.version < floor)
      this.wrong.push(
        `process ${process}, a read of ${key} at ${started - 1_000_000}: ${row.value!.version} after ${floor}`,
      );
  }

  async #load(key: Key): Promise<Row> {
    this.loads++;
    await this.#sleep(this.#random() * 30);
    const version = this.#versions.get(key)!;
    await this.#sleep(this.#random() * 60);
    return { key, version };
  }

  #poolAt(index: number): Store {
    const at = (): Store => this.#pools[index]!;
    return {
      name: at().name,
      parts: [],
      execute: async (operation) => await at().execute(operation),
      close: async () => undefined,
    };
  }

  async #sleep(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => void this.#runtime.after(Math.ceil(milliseconds / 4) * 4, resolve));
  }
}
