import type fc from 'fast-check';
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

  /** The version that is kept, -1 for none. Takes no right. */
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

export function valueOf(version: number): Uint8Array {
  return Buffer.from(String(version));
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
