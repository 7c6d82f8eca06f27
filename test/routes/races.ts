import fc from 'fast-check';
import { expect } from 'vitest';
import { CisternError } from '../../src/core/error.ts';
import type { HitReply, MissReply, Operation, Reply, Right, Store } from '../../src/core/store.ts';
import { EntryStates } from '../../src/stores/memory/entry-states.ts';

/** One pool: a memory that answers at once, so that the scheduler alone decides what happens when. */
export class Pool {
  readonly name: string;
  #states = fresh();
  #now = 1;
  #epoch = 1;

  constructor(name: string) {
    this.name = name;
  }

  /** A CAS from before a restart is none: the fence sees to that on real servers. */
  apply(operation: Operation): Reply {
    let known = operation;
    if ('cas' in operation && operation.cas !== undefined) {
      const [cas, epoch] = operation.cas.split('.');
      known = { ...operation, cas: epoch === String(this.#epoch) ? cas! : 'none' } as Operation;
    }
    const reply = this.#states.apply(known, this.#now);
    return 'cas' in reply && reply.cas !== '' ? { ...reply, cas: `${reply.cas}.${this.#epoch}` } : reply;
  }

  /** Everything is gone, as after a restart. */
  restart(): void {
    this.#states = fresh();
    this.#epoch++;
  }

  /** So many milliseconds pass. */
  pass(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** The version that is kept, -1 for none, and NaN for what is kept in another form. Takes no right. */
  get version(): number {
    const entry = this.#states.table.find(key);
    return entry === undefined || !entry.filled || entry.expires <= this.#now ? -1 : versionIn(entry.value);
  }
}

function fresh(): EntryStates {
  return new EntryStates({ name: 'pool', maxBytes: 1e6, maxValueBytes: 1e5, raw: false });
}

export const key = 'k';
const deadline = Number.MAX_VALUE;
export const life = { freshFor: 3_600_000, staleFor: 3_600_000 };

/** Long enough to be cut, where a route cuts. */
export function valueOf(version: number): Uint8Array {
  return Buffer.from(String(version).padStart(9, '0'));
}

export function versionIn(value: Uint8Array): number {
  return Number(Buffer.from(value).toString());
}

/** The way of one process to a pool: every message waits for the scheduler, and may get lost. */
export function link(
  scheduler: fc.Scheduler,
  process: string,
  pool: Pool,
  fate: () => 'unsent' | 'lost' | undefined,
): Store {
  return {
    name: pool.name,
    parts: [],
    async execute(operation) {
      const label = `${process} ${operation.kind} ${pool.name}`;
      const end = fate();
      await scheduler.schedule(Promise.resolve(), label);
      const reply = end === 'unsent' ? cut('no') : pool.apply(operation);
      await scheduler.schedule(Promise.resolve(), `${label}: ${reply.kind}`);
      return end === 'lost' ? cut('unknown') : reply;
    },
    close: async () => undefined,
  };
}

function cut(applied: 'no' | 'unknown'): Reply {
  const error = new CisternError('CISTERN_UNAVAILABLE', { store: 'pool', problem: 'cut by the test' });
  return { kind: 'failed', error, applied };
}

/** The source, and what must hold: nothing older than what was confirmed is read, or left anywhere. */
export class Truth {
  version = 0;
  /** From when on nothing older may be read. */
  confirmed = 0;
  readonly stale: string[] = [];
  readonly #scheduler: fc.Scheduler;
  #last: Promise<void> = Promise.resolve();

  constructor(scheduler: fc.Scheduler) {
    this.#scheduler = scheduler;
  }

  async load(): Promise<number> {
    await this.#scheduler.schedule(Promise.resolve(), 'ask the source');
    const { version } = this;
    await this.#scheduler.schedule(Promise.resolve(), `the source says ${version}`);
    return version;
  }

  async commit(): Promise<number> {
    await this.#scheduler.schedule(Promise.resolve(), 'commit');
    return ++this.version;
  }

  /** One change at a time: who stores a value must know that it is the newest. */
  alone(change: () => Promise<void>): Promise<void> {
    return (this.#last = this.#last.then(change));
  }

  confirm(version: number): void {
    this.confirmed = Math.max(this.confirmed, version);
  }
}

/** What processes do with a key, as the cache does it. */
export class Actor {
  readonly #store: Store;
  readonly #truth: Truth;
  readonly #name: string;

  constructor(store: Store, truth: Truth, name: string) {
    this.#store = store;
    this.#truth = truth;
    this.#name = name;
  }

  /** Reads, and loads where it has the right to. */
  async read(
    wanted: { readonly lease?: number; readonly recache?: number } = { lease: 30_000 },
  ): Promise<void> {
    const floor = this.#truth.confirmed;
    const reply = await this.#store.execute({ kind: 'get', key, deadline, ...wanted });
    if (reply.kind === 'hit') {
      const version = versionIn(reply.value);
      if (version < floor && !reply.marked)
        this.#truth.stale.push(`${this.#name} read ${version} when ${floor} was confirmed`);
    }
    const right = rightOf(reply);
    if (right !== undefined) await this.#fill(reply as HitReply | MissReply, right);
  }

  async #fill({ cas }: HitReply | MissReply, right: Right): Promise<void> {
    const version = await this.#truth.load();
    const filled = await this.#store.execute({
      kind: 'set',
      mode: 'set',
      key,
      value: valueOf(version),
      flags: 0,
      life,
      cas,
      deadline,
    });
    if (filled.kind === 'failed') await this.#store.execute({ kind: 'release', key, right, cas, deadline });
  }

  /** Changes the source, and invalidates until that is confirmed, as the journal sees to. */
  async write(how: { readonly staleFor?: number } = {}): Promise<void> {
    const version = await this.#truth.commit();
    await this.#invalidate(how);
    this.#truth.confirm(version);
  }

  /** Changes the source, and stores the new value by the CAS of what is there, as `cache.set` does. */
  async store(): Promise<void> {
    const version = await this.#truth.commit();
    const read = await this.#store.execute({ kind: 'get', key, lease: 30_000, deadline });
    const cas = read.kind === 'hit' || read.kind === 'miss' ? read.cas : '';
    const value = valueOf(version);
    const write = { kind: 'set', mode: 'set', key, value, flags: 0, life, cas, deadline } as const;
    const reply = cas === '' ? undefined : await this.#store.execute(write);
    if (reply?.kind !== 'stored') await this.#invalidate({});
    this.#truth.confirm(version);
  }

  async #invalidate(how: { readonly staleFor?: number }): Promise<void> {
    for (;;) {
      const { kind } = await this.#store.execute({ kind: 'delete', key, deadline, ...how });
      if (kind === 'stored' || kind === 'notFound') return;
    }
  }
}

function rightOf(reply: Reply): Right | undefined {
  if (reply.kind === 'miss') return reply.lease === 'won' ? 'lease' : undefined;
  if (reply.kind !== 'hit' || reply.claim !== 'won') return undefined;
  return reply.marked ? 'stale' : 'recache';
}

type Step = 'read' | 'reload' | 'write' | 'expire' | 'store' | 'restart';

/** A route whose processes do things with one key at the same time, in an order that the scheduler draws. */
export interface Race {
  readonly pools: number;
  /** The route as a process has it. */
  readonly make: (links: readonly Store[], process: number) => Store;
  /** Whether messages get lost. */
  readonly faults: boolean;
  /** What processes do, each as often as it is listed. Default: everything, mostly reads. */
  readonly steps?: readonly Step[];
  /** How many things happen at most. Fewer make it likelier that just these two meet. Default 7. */
  readonly most?: number;
  /** Pools that have something old in the beginning. Default: all. */
  readonly old?: readonly number[];
}

const usual: readonly Step[] = ['read', 'read', 'read', 'reload', 'write', 'expire', 'store', 'restart'];

const fates = fc.infiniteStream(
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom('unsent' as const, 'lost' as const) },
  ),
);

/**
 * Nothing older than what was confirmed is ever read, and when all is done none is left in any pool: three processes read, reload, write,
 * mark, store and lose pools.
 */
export function neverStale({
  pools: count,
  make,
  faults,
  steps = usual,
  most = 7,
  old,
}: Race): fc.IAsyncProperty<unknown> {
  const step = fc.record({ process: fc.integer({ min: 0, max: 2 }), what: fc.constantFrom(...steps) });
  return fc.asyncProperty(
    fc.scheduler(),
    fc.array(step, { minLength: 2, maxLength: most }),
    fates,
    async (scheduler, drawn, stream) => {
      const pools = Array.from({ length: count }, (_, index) => new Pool(`pool ${index}`));
      const truth = new Truth(scheduler);
      const fate = (): 'unsent' | 'lost' | undefined => (faults ? stream.next().value : undefined);
      const actors = Array.from({ length: 3 }, (_, index) => {
        const name = `process ${index}`;
        const links = pools.map((pool) => link(scheduler, name, pool, fate));
        return new Actor(make(links, index), truth, name);
      });
      for (const index of old ?? pools.keys()) pools[index]!.apply(oldEntry);
      const done = drawn.map(async ({ process, what }, index) => {
        await scheduler.schedule(Promise.resolve(), `start ${what}`);
        const actor = actors[process]!;
        if (what === 'read') await actor.read();
        else if (what === 'reload') await actor.read({ lease: 30_000, recache: 100_000_000 });
        else if (what === 'write') await truth.alone(() => actor.write());
        else if (what === 'expire') await truth.alone(() => actor.write({ staleFor: 60_000 }));
        else if (what === 'store') await truth.alone(() => actor.store());
        else pools[index % count]!.restart();
      });
      await scheduler.waitIdle();
      await Promise.all(done);
      // Whatever is kept anywhere, a reader in some process finds it now.
      const last = actors.map((actor) => actor.read({}));
      await scheduler.waitIdle();
      await Promise.all(last);
      expect(truth.stale).toEqual([]);
      // What is marked is known to be old.
      for (const pool of pools) {
        const left = pool.apply({ kind: 'get', key, deadline });
        if (left.kind === 'hit' && !left.marked && !Number.isNaN(pool.version))
          expect(pool.version, pool.name).toBeGreaterThanOrEqual(truth.confirmed);
      }
    },
  );
}

const oldEntry = {
  kind: 'set',
  mode: 'set',
  key,
  value: valueOf(0),
  flags: 0,
  life,
  deadline,
} as const;
