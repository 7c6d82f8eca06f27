import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fakeRuntime } from '../../src/testing.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { Ring, Server, type State } from './server-ring.ts';
import { Deadlines } from '../../src/cache/deadlines.ts';
import { GuardedStore } from '../../src/cache/guarded-store.ts';
import { ServerRecord } from '../../src/cache/record/server-record.ts';

const poll = 250;
const cache = 'user';
const states: readonly State[] = ['up', 'up', 'up', 'up', 'refused', 'hung', 'late', 'full'];

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('clear' as const), process: fc.nat(3) }) },
    { weight: 9, arbitrary: fc.record({ do: fc.constant('read' as const), process: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('recheck' as const), process: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), process: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('lose' as const), server: fc.nat(3) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('server' as const),
        server: fc.nat(3),
        state: fc.constantFrom(...states),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('link' as const),
        process: fc.nat(3),
        server: fc.nat(3),
        state: fc.constantFrom(...states),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        milliseconds: fc.constantFrom(1, 3, 20, 60, 260, 600),
      }),
    },
  ),
  { maxLength: 60, size: 'max' },
);

/** A confirmed clear, and the names that were in use before it began. */
interface Cleared {
  readonly at: number;
  /** Its place among all that has happened: time stands still between some of it. */
  readonly turn: number;
  readonly before: ReadonlySet<string>;
}

class World {
  readonly runtime = fakeRuntime({ seed: 1 });
  readonly servers: readonly Server[];
  readonly #random: () => number;
  readonly #slow: boolean;
  readonly processes: Process[] = [];
  /** All names that some process has ever gone by. */
  readonly names = new Set<string>();
  readonly cleared: Cleared[] = [];
  readonly running: Promise<void>[] = [];
  readonly wrong: string[] = [];
  reads = 0;
  turn = 0;

  constructor(servers: number, seed: number, slow: boolean) {
    this.#random = seededRandom(seed);
    this.#slow = slow;
    this.servers = Array.from({ length: servers }, (_, index) => new Server(`server ${index}`, this.runtime));
    for (let index = 0; index < 4; index++) this.processes.push(new Process(this));
  }

  readonly delay = (): number => (this.#slow ? Math.floor(this.#random() * 8) : 0);

  async step(step: typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never): Promise<void> {
    switch (step.do) {
      case 'clear':
        this.running.push(this.processes[step.process]!.clear());
        break;
      case 'read':
        this.running.push(this.processes[step.process]!.read());
        break;
      case 'recheck':
        this.running.push(this.processes[step.process]!.recheck());
        break;
      case 'restart':
        this.processes[step.process]!.record.close();
        this.processes[step.process] = new Process(this);
        break;
      case 'lose':
        this.servers[step.server % this.servers.length]!.lose();
        break;
      case 'server':
        this.servers[step.server % this.servers.length]!.state = step.state;
        break;
      case 'link':
        this.processes[step.process]!.ring.leaves[step.server % this.servers.length]!.state = step.state;
        break;
      case 'wait':
        await this.runtime.advance(step.milliseconds);
    }
    await this.runtime.settle();
  }

  /** A read that was asked for at `asked`, or a change that began in a turn, goes by this name. */
  used(name: string, asked: number, change = false): void {
    this.reads++;
    this.names.add(name);
    for (const { at, turn, before } of this.cleared)
      if ((change ? asked > turn : asked - poll > at) && before.has(name))
        this.wrong.push(`${name} was cleared at ${at}, and ${change ? 'changed' : 'read'} at ${asked}`);
  }
}

class Process {
  readonly ring: Ring;
  readonly record: ServerRecord;
  readonly #world: World;
  /** What it went by, and left. */
  readonly #left = new Set<string>();
  #name: string | undefined;

  constructor(world: World) {
    this.#world = world;
    const { runtime } = world;
    this.ring = new Ring(world.servers, runtime, world.delay);
    const store = new GuardedStore(this.ring, runtime, new Deadlines(runtime), 1000);
    this.record = new ServerRecord(store, 'shop', runtime, poll, () => this.#look());
  }

  #look(): void {
    const name = this.record.generation(cache);
    if (name === this.#name || name === undefined) return;
    if (this.#left.has(name)) this.#world.wrong.push(`${name} comes again`);
    this.#name = name;
    this.#left.add(name);
    this.#world.names.add(name);
  }

  async clear(): Promise<void> {
    const before = new Set(this.#world.names);
    const confirmed = await this.record.clear(cache);
    if (confirmed)
      this.#world.cleared.push({ at: this.#world.runtime.clock.read(), turn: ++this.#world.turn, before });
  }

  async read(): Promise<void> {
    const asked = this.#world.runtime.clock.read();
    const checking = this.record.current();
    if (checking !== undefined && !(await checking)) return;
    this.#look();
    this.#world.used(this.record.generation(cache)!, asked);
  }

  async recheck(): Promise<void> {
    const began = ++this.#world.turn;
    if (!(await this.record.recheck())) return;
    this.#look();
    this.#world.used(this.record.generation(cache)!, began, true);
  }
}

test.each([1, 2, 3, 4])(
  'of %i servers, whichever are lost or out of reach: nobody goes by what a confirmed clear has ended',
  async (servers) => {
    let confirmed = 0;
    let reads = 0;
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), fc.boolean(), async (all, seed, slow) => {
        const world = new World(servers, seed, slow);
        for (const step of all) await world.step(step);
        await world.runtime.until(Promise.all(world.running));
        expect(world.wrong).toEqual([]);
        confirmed += world.cleared.length;
        reads += world.reads;

        // When the faults are over, all go by one name, soon.
        for (const server of world.servers) server.state = 'up';
        for (const process of world.processes) for (const leaf of process.ring.leaves) leaf.state = 'up';
        for (let round = 0; round < 4; round++) {
          await world.runtime.advance(poll + 10);
          await world.runtime.until(Promise.all(world.processes.map((process) => process.read())));
        }
        expect(world.wrong).toEqual([]);
        expect(new Set(world.processes.map(({ record }) => record.generation(cache))).size).toBe(1);
      }),
      { numRuns: process.env['CISTERN_FULL'] === undefined ? 150 : 4000 },
    );
    expect(confirmed).toBeGreaterThan(100);
    expect(reads).toBeGreaterThan(500);
  },
);
