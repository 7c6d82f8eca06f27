import type { Operation, Reply, Store } from '../../../src/core/store.ts';
import { sharded, type ShardedOptions } from '../../../src/routes/sharded.ts';
import type { Member, ServerList } from '../../../src/routes/server-list/server-list.ts';
import { type FakeRuntime, fakeRuntime } from '../../../src/testing/fake-runtime.ts';
import { type Faults, FencedLink } from './fenced-link.ts';
import { ServerWithRecord } from './server-with-record.ts';

/** A list that a test changes. */
export class GivenList implements ServerList {
  readonly name = 'given';
  members: readonly Member[];
  looks = 0;
  readonly #watchers = new Set<() => void>();

  constructor(members: readonly Member[]) {
    this.members = members;
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => void this.#watchers.delete(changed);
  }

  look(): void {
    this.looks++;
  }

  set(members: readonly Member[]): void {
    this.members = members;
    for (const watcher of this.#watchers) watcher();
  }
}

export const life = { freshFor: 3_600_000, staleFor: 0 };

/** What a process talks to servers by. */
export interface Connected {
  readonly store: Store;
  /** Nothing is under way or to be repaired. */
  idle(): boolean;
}

/** One process of a simulated fleet. */
export class FleetProcess {
  readonly list: GivenList;
  readonly store: Store;
  readonly number: number;
  /** Servers that it cannot reach. */
  readonly cut = new Set<string>();
  /** Servers whose records it cannot write. */
  readonly unwritten = new Set<string>();
  readonly #fleet: Fleet;
  readonly #connected: Connected;

  constructor(fleet: Fleet, number: number, members: readonly Member[]) {
    this.#fleet = fleet;
    this.number = number;
    this.list = new GivenList(members);
    this.#connected = fleet.connect(this);
    this.store = this.#connected.store;
  }

  get idle(): boolean {
    return this.#connected.idle();
  }

  async ask(operation: Omit<Operation, 'deadline'> & Partial<Operation>): Promise<Reply> {
    const deadline = this.#fleet.runtime.clock.read() + 10_000;
    return await this.store.execute({ deadline, ...operation } as Operation);
  }

  /** What the cache tells of a key: its version, or undefined. */
  async peek(key: string): Promise<number | undefined> {
    const reply = await this.ask({ kind: 'get', key });
    return reply.kind === 'hit' ? Number(Buffer.from(reply.value).toString()) : undefined;
  }

  /** Reads through the cache, as `cache/` does: a miss takes a lease, loads, and fills by CAS. */
  async read(key: string): Promise<'hit' | 'miss'> {
    const { runtime, source } = this.#fleet;
    const reply = await this.ask({ kind: 'get', key, lease: 2000 } as never);
    if (reply.kind === 'hit') return 'hit';
    if (reply.kind !== 'miss' || reply.lease !== 'won') return 'miss';
    await this.#fleet.sleep(runtime.random() * this.#fleet.loadTime);
    const version = source.get(key) ?? 0;
    await this.#fleet.sleep(runtime.random() * this.#fleet.loadTime);
    const value = Buffer.from(String(version));
    await this.ask({ kind: 'set', mode: 'set', key, value, flags: 0, life, cas: reply.cas } as never);
    return 'miss';
  }

  /** Changes the source, then invalidates. */
  async write(key: string): Promise<void> {
    const { source } = this.#fleet;
    source.set(key, (source.get(key) ?? 0) + 1);
    await this.ask({ kind: 'delete', key });
  }
}

export interface FleetOptions {
  readonly seed: number;
  readonly faults?: Faults;
  readonly delay?: number;
  readonly loadTime?: number;
  readonly options?: Partial<ShardedOptions>;
}

/** Servers, processes and a source, all on one simulated clock. */
export class Fleet {
  readonly runtime: FakeRuntime;
  readonly faults: Faults;
  readonly delay: number;
  readonly loadTime: number;
  readonly options: Partial<ShardedOptions>;
  readonly source = new Map<string, number>();
  loss = 0;
  readonly #servers = new Map<string, ServerWithRecord>();
  #processes = 0;

  constructor({ seed, faults = {}, delay = 4, loadTime = 20, options = {} }: FleetOptions) {
    this.runtime = fakeRuntime({ seed });
    this.faults = faults;
    this.delay = delay;
    this.loadTime = loadTime;
    this.options = options;
  }

  get servers(): readonly ServerWithRecord[] {
    return [...this.#servers.values()];
  }

  /** A server as a story disturbs it. */
  disturbed(id: string): { restart(): void; reachable: boolean } {
    return this.server(id);
  }

  server(id: string): ServerWithRecord {
    const known = this.#servers.get(id) ?? new ServerWithRecord(id, this.runtime);
    this.#servers.set(id, known);
    return known;
  }

  start(members: readonly Member[]): FleetProcess {
    return new FleetProcess(this, this.#processes++, members);
  }

  connect(process: FleetProcess): Connected {
    const { runtime, delay, faults } = this;
    const links: FencedLink[] = [];
    const make = ({ id }: Member): Store => {
      const link = new FencedLink(this.server(id), {
        runtime,
        delay,
        loss: () => this.loss,
        cut: () => process.cut.has(id),
        unwritten: () => process.unwritten.has(id),
        faults,
      });
      links.push(link);
      return link;
    };
    return {
      store: sharded({ servers: process.list, runtime, ...this.options, make }),
      idle: () => links.every((link) => link.closed || link.idle),
    };
  }

  async sleep(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => void this.runtime.after(milliseconds, resolve));
  }
}

export function memberOf(id: string, weight = 1): Member {
  return { id, address: `${id}:1`, weight };
}
