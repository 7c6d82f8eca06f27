import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Cache, Cistern } from '../../src/index.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { Fleet, isRecord, sleep, type Wire } from './fleet.ts';

const keys = ['a', 'b'] as const;
type Key = (typeof keys)[number];
interface Row {
  readonly key: Key;
  readonly version: number;
}

const kinds = ['get', 'many', 'delete', 'mutate', 'set', 'refresh', 'expire', 'clear'] as const;

interface Step {
  /** Milliseconds since the step before. */
  readonly pause: number;
  readonly process: number;
  readonly key: Key;
  readonly kind: (typeof kinds)[number] | 'restart';
}

interface Weather {
  /** How long messages take at most, each way. */
  readonly delay: number;
  /** The share of operations that get lost, on either way. */
  readonly loss: number;
  /** The share of loads that fail; a fifth of them hang. */
  readonly sick: number;
  readonly near: readonly boolean[];
  readonly stale: boolean;
  /** Keys that are asked for a few times are hot, and kept where the near tier is off. */
  readonly hot: boolean;
}

const deadline = 400;
const nearTtl = 150;
const recordPoll = 50;
const remoteTimeout = 100;
/** How old a read in another process may be: a flight that was under way, then a near copy, and the poll. */
const elsewhere = deadline + remoteTimeout + nearTtl + recordPoll;

/** What was confirmed: from then on nothing older. */
interface Floor {
  readonly key: Key;
  readonly version: number;
  readonly process: number;
  readonly at: number;
}

class World {
  readonly fleet: Fleet;
  readonly #random: () => number;
  readonly #weather: Weather;
  readonly #versions = new Map<Key, number>(keys.map((key) => [key, 1]));
  readonly #floors: Floor[] = [];
  readonly #caches: Cache<Key, Row>[] = [];
  readonly #shops: Cistern[] = [];
  readonly #wires: Wire[] = [];
  /** Changes under way per key: `set` stores a version that must be the newest, so it is alone. */
  readonly #changing = new Map<Key, number>(keys.map((key) => [key, 0]));
  readonly wrong: string[] = [];
  restarts = false;
  reads = 0;
  loads = 0;
  most = 0;

  constructor(seed: number, weather: Weather) {
    this.fleet = new Fleet(seed);
    this.#random = seededRandom(seed);
    this.#weather = weather;
    const running = new Map<Key, number>();
    for (const near of weather.near) {
      const hot = weather.hot ? { hotKeys: { above: 1, nearTtl } } : undefined;
      const { shop, wire } = this.fleet.join({ recordPoll, remoteTimeout, ...hot });
      wire.fate = (operation) => {
        const lost = !isRecord(operation) && this.#random() < weather.loss;
        return {
          before: this.#delay(),
          after: this.#delay(),
          ...(lost ? { fail: this.#random() < 0.5 ? 'unsent' : 'lost' } : undefined),
        };
      };
      this.#wires.push(wire);
      this.#shops.push(shop);
      this.#caches.push(
        shop.define<Key, Row>('row', {
          load: async (key) => {
            running.set(key, (running.get(key) ?? 0) + 1);
            this.most = Math.max(this.most, running.get(key)!);
            try {
              return await this.#load(key);
            } finally {
              running.set(key, running.get(key)! - 1);
            }
          },
          ttl: '10s',
          ...(weather.stale
            ? { staleWhileRevalidate: '5s', staleIfError: '20s', retryAfterError: 20 }
            : undefined),
          deadline,
          nearTtl,
          near,
        }),
      );
    }
  }

  async #load(key: Key): Promise<Row> {
    this.loads++;
    await sleep(this.fleet.runtime, this.#random() * 30);
    const version = this.#versions.get(key)!;
    await sleep(this.fleet.runtime, this.#random() * 60);
    if (this.#random() < this.#weather.sick) {
      if (this.#random() < 0.2) await new Promise(() => undefined);
      throw new Error('the source is sick');
    }
    return { key, version };
  }

  #delay(): number {
    // Now and then one takes longer than anybody waits for it, and is carried out all the same.
    if (this.#weather.loss > 0 && this.#random() < 0.03) return remoteTimeout * 2;
    return this.#random() * this.#weather.delay;
  }

  async run(steps: readonly Step[]): Promise<void> {
    const all: Promise<unknown>[] = [];
    for (const step of steps) {
      if (step.pause > 0) await this.fleet.runtime.advance(step.pause);
      all.push(this.#step(step).catch(() => undefined));
    }
    await this.fleet.runtime.advance(deadline * 4);
    let settled = 0;
    for (const each of all) void each.then(() => settled++);
    await this.fleet.runtime.settle();
    if (settled < all.length) this.wrong.push(`${all.length - settled} calls have not settled`);
    for (let process = 0; process < this.#caches.length; process++)
      for (const key of keys) all.push(this.#read(process, key).catch(() => undefined));
    await this.fleet.runtime.advance(60_000);
    await this.fleet.wait(Promise.all(this.#shops.map((shop) => shop.close())));
    // The store's sweep, and nothing of ours.
    if (this.fleet.runtime.timers > 1) this.wrong.push(`${this.fleet.runtime.timers} timers are left`);
  }

  async #step({ process, key, kind }: Step): Promise<void> {
    const cache = this.#caches[process % this.#caches.length]!;
    const home = process % this.#caches.length;
    switch (kind) {
      case 'get':
        await this.#read(home, key);
        return;
      case 'many':
        await Promise.all(keys.map((each) => this.#read(home, each)));
        return;
      case 'refresh':
        await cache.refresh(key);
        return;
      case 'expire':
        await cache.expire(key);
        return;
      case 'restart':
        this.fleet.restart();
        return;
      case 'clear':
        await this.#change(home, keys, async () => await cache.clear());
        return;
      case 'delete':
        await this.#change(home, [key], async () => await cache.delete(key));
        return;
      case 'mutate':
        await this.#change(
          home,
          [key],
          async () =>
            await cache.mutate(key, async () => {
              await sleep(this.fleet.runtime, this.#random() * 20);
              this.#versions.set(key, this.#versions.get(key)! + 1);
              await sleep(this.fleet.runtime, this.#random() * 20);
            }),
        );
        return;
      case 'set':
        if (this.#changing.get(key)! > 0) return;
        await this.#change(home, [key], async (version) => await cache.set(key, { key, version }), true);
    }
  }

  /** The source changes, then the cache is told. */
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
      if (!confirmed) return;
      const at = this.fleet.runtime.clock.read();
      for (const [index, key] of changed.entries())
        this.#floors.push({ key, version: before[index]!, process, at });
    } finally {
      for (const key of changed) this.#changing.set(key, this.#changing.get(key)! - weight);
    }
  }

  async #read(process: number, key: Key): Promise<void> {
    const started = this.fleet.runtime.clock.read();
    let floor = 0;
    for (const each of this.#floors) {
      // With stale spans a process that reaches neither the remote tier nor the source answers what it has.
      const cutOff = this.#weather.stale && this.#weather.loss > 0 && each.process !== process;
      const holds =
        (each.process === process && !this.restarts) || (each.at <= started - elsewhere && !cutOff);
      if (each.key === key && holds) floor = Math.max(floor, each.version);
    }
    const cache = this.#caches[process]!;
    const told = this.#random() < 0.5 ? { value: await cache.get(key) } : await cache.entry(key);
    const row = told.value!;
    this.reads++;
    if (row.key !== key) this.wrong.push(`process ${process} asked for ${key} and got ${row.key}`);
    if (row.version < floor) {
      this.wrong.push(
        `process ${process}, a read of ${key} that began at ${started - 1_000_000} got version ${row.version} after version ${floor} was confirmed`,
      );
    }
  }
}

const step = (of: readonly Step['kind'][]): fc.Arbitrary<Step> =>
  fc.record({
    pause: fc.oneof(fc.constant(0), fc.nat(5), fc.nat(25), fc.nat(80), fc.nat(700)),
    process: fc.constantFrom(0, 0, 1, 2),
    key: fc.constantFrom<Key>('a', 'a', 'a', 'b'),
    kind: fc.constantFrom(...of),
  });

const weather: fc.Arbitrary<Weather> = fc.record({
  delay: fc.constantFrom(0, 5, 40),
  loss: fc.constantFrom(0, 0.1),
  sick: fc.constantFrom(0, 0.2),
  near: fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
  stale: fc.boolean(),
  hot: fc.boolean(),
});

const runs = Number(process.env['RACES'] ?? 600);
const seed = process.env['SEED'] === undefined ? Date.now() % 2 ** 31 : Number(process.env['SEED']);

async function play(
  worldSeed: number,
  conditions: Weather,
  steps: readonly Step[],
  restarts = false,
): Promise<World> {
  const world = new World(worldSeed, conditions);
  world.restarts = restarts;
  await world.run(steps);
  return world;
}

test(`whatever is delayed, lost or reordered: no read after a confirmed change is older, everything settles, nothing is left (seed ${seed})`, async () => {
  let reads = 0;
  const often = [...kinds, 'get', 'get', 'get', 'many', 'delete'] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      weather,
      fc.array(step(often), { maxLength: 40, size: 'max' }),
      async (world, conditions, steps) => {
        const played = await play(world, conditions, steps);
        reads += played.reads;
        expect(played.wrong).toEqual([]);
      },
    ),
    { numRuns: runs, seed },
  );
  expect(reads).toBeGreaterThan(runs);
});

test(`a server that loses its memory again and again: what is confirmed holds once the poll period has passed (seed ${seed})`, async () => {
  const withRestarts = [...kinds, 'get', 'get', 'get', 'restart', 'restart'] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      weather,
      fc.array(step(withRestarts), { maxLength: 40, size: 'max' }),
      async (world, conditions, steps) => {
        expect((await play(world, conditions, steps, true)).wrong).toEqual([]);
      },
    ),
    { numRuns: Math.ceil(runs / 3), seed },
  );
});

test(`one load per key and fleet, however messages are delayed (seed ${seed})`, async () => {
  const calm = weather.map((each) => ({ ...each, loss: 0, sick: 0 }));
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      calm,
      fc.array(step(['get', 'many']), { minLength: 1, maxLength: 25, size: 'max' }),
      async (world, conditions, steps) => {
        // Within the lifetime of what is loaded; a loser's deadline leaves time enough for the winner.
        const near = steps.map((each) => ({ ...each, pause: Math.min(each.pause, 20) }));
        const played = await play(world, conditions, near);
        expect(played.wrong).toEqual([]);
        expect(played.most).toBe(1);
      },
    ),
    { numRuns: Math.ceil(runs / 3), seed },
  );
});
