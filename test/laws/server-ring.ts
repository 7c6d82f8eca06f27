import { memory } from '../../src/index.ts';
import { CisternError } from '../../src/core/error.ts';
import type { Destination, FailedReply, Operation, Reply, Store } from '../../src/core/store.ts';
import type { FakeRuntime } from '../../src/testing.ts';
import { sleep } from './fleet.ts';

/**
 * How a server answers: `refused` at once; `hung` not within its time, nothing is carried out; `late` not within its time either, but what was
 * asked is carried out after it; `full` takes no values, and does the rest.
 */
export type State = 'up' | 'refused' | 'hung' | 'late' | 'full';

/** The time that a client of these servers waits, in milliseconds. */
export const serverTimeout = 50;

/** One server: what it keeps outlives its being out of reach. */
export class Server {
  readonly id: string;
  readonly #runtime: FakeRuntime;
  state: State = 'up';
  memory: Store;

  constructor(id: string, runtime: FakeRuntime) {
    this.id = id;
    this.#runtime = runtime;
    this.memory = memory({ name: id, runtime });
  }

  /** It forgets everything. */
  lose(): void {
    this.memory = memory({ name: this.id, runtime: this.#runtime });
  }
}

/** One process's connection to one server. */
class ServerLeaf implements Store {
  readonly parts: readonly Store[] = [];
  readonly server: Server;
  /** Of the way there, beside the server's own. */
  state: State = 'up';
  readonly asked: Operation[] = [];
  /** Milliseconds there and back again. */
  readonly delay: () => number;
  readonly #runtime: FakeRuntime;

  constructor(server: Server, runtime: FakeRuntime, delay: () => number) {
    this.server = server;
    this.#runtime = runtime;
    this.delay = delay;
  }

  get name(): string {
    return this.server.id;
  }

  async execute(operation: Operation): Promise<Reply> {
    this.asked.push(operation);
    const state = this.state === 'up' ? this.server.state : this.state;
    if (state === 'refused' || (state === 'full' && operation.kind === 'set')) return failed(this.name, 'no');
    const delay = this.delay();
    if (state === 'up' || state === 'full') {
      if (delay > 0) await sleep(this.#runtime, delay / 2);
      const reply = await this.#carryOut(operation);
      if (delay > 0) await sleep(this.#runtime, delay / 2);
      return reply;
    }
    await sleep(this.#runtime, serverTimeout);
    if (state === 'late') void sleep(this.#runtime, delay).then(() => this.#carryOut(operation));
    return failed(this.name, 'unknown');
  }

  async close(): Promise<void> {}

  #carryOut(operation: Operation): Promise<Reply> {
    return this.server.memory.execute({ ...operation, deadline: Number.MAX_VALUE } as Operation);
  }
}

/**
 * One process's way to several servers: a key has an order of servers, and `operation.copy` counts along it. Without health or
 * fence.
 */
export class Ring implements Store {
  readonly name = 'ring';
  readonly leaves: readonly ServerLeaf[];
  members: readonly ServerLeaf[];

  constructor(servers: readonly Server[], runtime: FakeRuntime, delay: () => number = () => 0) {
    this.leaves = servers.map((server) => new ServerLeaf(server, runtime, delay));
    this.members = this.leaves;
  }

  get parts(): readonly Store[] {
    return this.members;
  }

  /** The servers of a key, the first choice first. */
  order(key: string): readonly ServerLeaf[] {
    const weight = ({ name }: ServerLeaf): number => {
      let hash = 7;
      for (const character of `${name} ${key}`)
        hash = Math.imul(hash ^ character.charCodeAt(0), 0x9e3779b1) ^ (hash >>> 15);
      return hash >>> 0;
    };
    return this.members.toSorted((one, other) => weight(other) - weight(one));
  }

  destinations(operation: Operation): readonly Destination[] {
    return [{ store: this.#leaf(operation), role: 'first', operation }];
  }

  execute(operation: Operation): Promise<Reply> {
    return this.#leaf(operation).execute(operation);
  }

  async close(): Promise<void> {}

  #leaf({ key, copy = 0 }: Operation): ServerLeaf {
    const order = this.order(key);
    return order[copy % order.length]!;
  }
}

function failed(store: string, applied: FailedReply['applied']): FailedReply {
  return {
    kind: 'failed',
    applied,
    error: new CisternError('CISTERN_UNAVAILABLE', { store, problem: 'cut by the test' }),
  };
}
