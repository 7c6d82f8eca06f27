import fc from 'fast-check';
import type { GetOperation, HitReply, MissReply, Operation, Reply, Store } from '../../src/core/store.ts';
import type { Migrating, MigratingOptions } from '../../src/routes/migrating/migrating.ts';
import type { ScheduledStage } from '../../src/routes/migrating/time-table.ts';
import { memory } from '../../src/stores/memory/memory.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing/fake-runtime.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { skewedRuntime } from './skewed-runtime.ts';
import { SlowWire, type Weather } from './slow-wire.ts';

export const skew = 100;
/** The time table, in milliseconds after the beginning, by the clock of a process that is right. */
export const times = { mirror: 300, populate: 560, readTo: 960, onlyTo: 1360, end: 1700 } as const;
const interval = 100;
/** How long an operation is waited for. */
const timeout = 60;
const lease = 200;

const kinds = ['read', 'delete', 'mark', 'put', 'touch', 'abandon', 'evict'] as const;
type Kind = (typeof kinds)[number];
const keys = ['a', 'b', 'c'] as const;
const often: readonly Kind[] = ['read', 'read', 'read', 'read', 'read', 'read', 'delete'];

export interface Step {
  /** Milliseconds since the step before. */
  readonly pause: number;
  readonly process: number;
  readonly key: string;
  readonly kind: Kind;
}

export interface Conditions {
  readonly seed: number;
  readonly weather: Weather;
  /** By how much the clock of each process is ahead at first, as a share of the skew. */
  readonly clocks: readonly number[];
  /** Clocks are set now and then, within the skew. */
  readonly unsteady: boolean;
  readonly perKey: boolean;
  /** When the steps begin. */
  readonly begin: number;
  /** Each process is started again some time after the switch, with a table that goes back to `mirror`. */
  readonly goesBack: boolean;
}

export const conditions: fc.Arbitrary<Conditions> = fc.record({
  seed: fc.integer(),
  weather: fc.constantFrom(
    { delay: 0, loss: 0 },
    { delay: 12, loss: 0 },
    { delay: 40, loss: 0 },
    { delay: 24, loss: 0.1 },
    { delay: 4, loss: 0.3 },
  ),
  clocks: fc.constantFrom([0, 1], [1, 0], [0, 0.5, 1], [1, 0, 1], [0, 0]),
  unsteady: fc.boolean(),
  perKey: fc.boolean(),
  begin: fc
    .record({
      time: fc.constantFrom(200, times.mirror, times.populate, times.readTo, times.readTo, times.onlyTo),
      before: fc.constantFrom(20, 60, 100, 140, 200),
    })
    .map(({ time, before }) => time - before),
  goesBack: fc.oneof(fc.constant(false), fc.constant(false), fc.boolean()),
});

function stepsWith(pauses: readonly number[], least: number, most: number): fc.Arbitrary<readonly Step[]> {
  return fc.array(
    fc.record({
      pause: fc.constantFrom(...pauses),
      process: fc.nat(2),
      key: fc.constantFrom('a', 'a', ...keys),
      kind: fc.constantFrom<Kind>(...kinds, ...often),
    }),
    { minLength: least, maxLength: most, size: 'max' },
  );
}

/** A crowd around one of the times, a few steps and then quiet, or some over the whole of it. */
export const crowd: fc.Arbitrary<readonly Step[]> = stepsWith([0, 4, 4, 8, 16], 20, 60);
export const few: fc.Arbitrary<readonly Step[]> = stepsWith([0, 4, 16, 40], 3, 12);
export const steps: fc.Arbitrary<readonly Step[]> = fc.oneof(crowd, few, stepsWith([4, 16, 40, 100], 8, 30));

interface Floor {
  readonly key: string;
  readonly version: number;
  readonly at: number;
}

/**
 * Several processes with clocks that differ, which read, load, invalidate and write the same keys over two pools that are being
 * migrated, on one simulated clock. It knows what the source holds and what was confirmed, and writes down every wrong answer.
 */
export class MigrationWorld {
  readonly wrong: string[] = [];
  reads = 0;
  hits = 0;
  copied = 0;
  twinFills = 0;
  readonly #runtime: FakeRuntime;
  readonly #random: () => number;
  readonly #conditions: Conditions;
  readonly #pools: readonly Store[];
  readonly #wires: SlowWire[] = [];
  readonly #stores: Migrating[] = [];
  readonly #ahead: number[];
  readonly #versions = new Map<string, number>();
  readonly #floors: Floor[] = [];
  readonly #start: number;

  constructor(make: (options: MigratingOptions) => Migrating, conditions: Conditions) {
    const { seed, clocks, weather, perKey, goesBack } = conditions;
    this.#conditions = conditions;
    const runtime = fakeRuntime({ seed });
    this.#runtime = runtime;
    this.#random = seededRandom(seed);
    this.#pools = ['from', 'to'].map((name) => memory({ name, runtime }));
    this.#start = runtime.clock.wall();
    this.#ahead = clocks.map((share) => share * skew);
    for (const process of clocks.keys()) {
      const [from, to] = this.#pools.map((pool) => {
        const wire = new SlowWire(pool, runtime, this.#random, weather);
        this.#wires.push(wire);
        return wire;
      });
      const pools = { from: from!, to: to! };
      const schedule: ScheduledStage[] = [
        { stage: 'mirror', at: this.#start + times.mirror },
        { stage: 'populate', at: this.#start + times.populate, share: 0.9 },
        { stage: 'read-to', at: this.#start + times.readTo },
      ];
      if (!goesBack) schedule.push({ stage: 'only-to', at: this.#start + times.onlyTo });
      const start = (rows: readonly ScheduledStage[]): Migrating =>
        make({
          ...pools,
          skew,
          ...(perKey ? { perKey: { interval } } : undefined),
          schedule: rows,
          status: false,
          runtime: skewedRuntime(runtime, () => this.#ahead[process]!),
        });
      this.#stores.push(start(schedule));
      const back = times.readTo + (times.end - times.readTo) * this.#random();
      if (goesBack) runtime.after(back, () => void (this.#stores[process] = start(schedule.slice(0, 1))));
    }
  }

  /** Milliseconds since the beginning. */
  get now(): number {
    return this.#runtime.clock.wall() - this.#start;
  }

  async run(steps: readonly Step[]): Promise<void> {
    const running: Promise<void>[] = [];
    await this.#fillOldPool();
    await this.#runtime.advance(this.#conditions.begin);
    for (const step of steps) {
      if (step.pause > 0) await this.#runtime.advance(step.pause);
      if (this.#conditions.unsteady && this.#random() < 0.1)
        this.#ahead[step.process % this.#ahead.length] = this.#random() * skew;
      running.push(this.#step(step));
    }
    for (const wire of this.#wires) wire.weather = { delay: 8, loss: 0 };
    await this.#runtime.until(Promise.all(running));
    await this.#runtime.advance(Math.max(0, times.end - this.now) + 12_000);
    await this.#checkEnd();
    for (const store of this.#stores) {
      const { copies, twinFills } = store.stats();
      this.copied += copies.stored;
      this.twinFills += twinFills;
    }
    await this.#runtime.until(Promise.all(this.#stores.map(async (store) => await store.close())));
  }

  /** A migration begins with a warm pool. */
  async #fillOldPool(): Promise<void> {
    const value = Buffer.from('0');
    const life = { freshFor: 60_000, staleFor: 60_000 };
    for (const key of keys) {
      const set = {
        kind: 'set',
        mode: 'set',
        key,
        value,
        flags: 0,
        life,
        deadline: Number.MAX_VALUE,
      } as const;
      void this.#pools[0]!.execute(set);
    }
    await this.#runtime.settle();
  }

  /** When all is quiet: what the new pool holds is what the source holds. */
  async #checkEnd(): Promise<void> {
    this.wrong.push(...this.#wires.flatMap((wire) => wire.wrong));
    if (this.#wires.some((wire) => wire.unrepaired > 0)) this.wrong.push('a delete was never confirmed');
    for (const [key, version] of this.#versions) {
      const reply = await this.#runtime.until(this.#ask(0, { kind: 'get', key }));
      if (reply.kind === 'hit' && !reply.marked && versionIn(reply) < version)
        this.wrong.push(`in the end ${key} is ${versionIn(reply)}, not ${version}`);
    }
  }

  async #step({ process, key, kind }: Step): Promise<void> {
    const home = process % this.#stores.length;
    switch (kind) {
      case 'read':
        await this.#read(home, key, false);
        return;
      case 'abandon':
        await this.#read(home, key, true);
        return;
      case 'touch':
        await this.#ask(home, { kind: 'touch', key, life: this.#life() });
        return;
      case 'evict':
        await this.#pools[process % 2]!.execute({ kind: 'delete', key, deadline: Number.MAX_VALUE });
        return;
      case 'put':
        await this.#put(home, key);
        return;
      default:
        await this.#invalidate(home, key, kind === 'mark');
    }
  }

  async #invalidate(process: number, key: string, mark: boolean): Promise<void> {
    const version = this.#commit(key);
    const staleFor = mark ? { staleFor: 1000 } : undefined;
    const reply = await this.#ask(process, { kind: 'delete', key, ...staleFor });
    if (reply.kind === 'stored' || reply.kind === 'notFound') this.#confirm(key, version);
  }

  /** Stores a new version over what is there, by its CAS. */
  async #put(process: number, key: string): Promise<void> {
    const version = this.#commit(key);
    const found = await this.#ask(process, { kind: 'get', key, lease });
    // Of two changes at once the newer one tells the store.
    if (this.#versions.get(key) !== version) return;
    const known = (found.kind === 'hit' || found.kind === 'miss') && found.cas !== '';
    const reply = known ? await this.#fill(process, key, version, found.cas) : found;
    if (reply.kind === 'stored') this.#confirm(key, version);
    else await this.#ask(process, { kind: 'delete', key });
  }

  async #read(process: number, key: string, abandons: boolean): Promise<void> {
    const started = this.now;
    let floor = 0;
    for (const each of this.#floors) if (each.key === key) floor = Math.max(floor, each.version);
    for (let attempt = 0; attempt < 4; attempt++) {
      const recache = this.#random() < 0.2 ? { recache: 100_000 } : undefined;
      const reply = await this.#ask(process, { kind: 'get', key, lease, ...recache });
      if (reply.kind !== 'hit' && reply.kind !== 'miss') return;
      const won = reply.kind === 'hit' ? reply.claim === 'won' : reply.lease === 'won';
      if (reply.kind === 'hit') {
        this.reads++;
        this.hits++;
        if (!reply.marked && versionIn(reply) < floor)
          this.wrong.push(
            `process ${process} read ${key} at ${started}: ${versionIn(reply)}, though ${floor} was confirmed`,
          );
      }
      if (won) await this.#load(process, key, reply, abandons);
      if (won || reply.kind === 'hit') return;
      await this.#sleep(20);
    }
  }

  async #load(process: number, key: string, won: HitReply | MissReply, abandons: boolean): Promise<void> {
    await this.#sleep(this.#random() * 30);
    const version = this.#versions.get(key) ?? 0;
    await this.#sleep(this.#random() * 60);
    if (!abandons) {
      await this.#fill(process, key, version, won.cas);
    } else if (this.#random() < 0.5) {
      const right = won.kind === 'miss' ? 'lease' : won.marked ? 'stale' : 'recache';
      await this.#ask(process, { kind: 'release', key, right, cas: won.cas });
    }
  }

  async #fill(process: number, key: string, version: number, cas: string): Promise<Reply> {
    const value = Buffer.from(String(version));
    return await this.#ask(process, {
      kind: 'set',
      mode: 'set',
      key,
      value,
      flags: 0,
      life: this.#life(),
      cas,
    });
  }

  /** The source has another version from now on. */
  #commit(key: string): number {
    const version = (this.#versions.get(key) ?? 0) + 1;
    this.#versions.set(key, version);
    return version;
  }

  #confirm(key: string, version: number): void {
    this.#floors.push({ key, version, at: this.now });
  }

  #life(): { readonly freshFor: number; readonly staleFor: number } {
    return { freshFor: this.#random() < 0.2 ? 150 : 60_000, staleFor: 60_000 };
  }

  async #ask(process: number, operation: Unsent): Promise<Reply> {
    const deadline = this.#runtime.clock.read() + timeout;
    return await this.#stores[process]!.execute({ ...operation, deadline } as Operation);
  }

  async #sleep(milliseconds: number): Promise<void> {
    const time = Math.ceil(milliseconds / 4) * 4;
    await new Promise<void>((resolve) => void this.#runtime.after(time, resolve));
  }
}

type Without<O> = O extends Operation ? Omit<O, 'deadline'> : never;
type Unsent = Without<Operation> | Omit<GetOperation, 'deadline'>;

function versionIn({ value }: HitReply): number {
  return Number(Buffer.from(value).toString());
}
