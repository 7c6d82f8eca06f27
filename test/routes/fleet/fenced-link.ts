import { CisternError } from '../../../src/core/error.ts';
import type { Fence, FencedStore, Naming } from '../../../src/core/fence.ts';
import type { FailedReply, Operation, Reply, Store } from '../../../src/core/store.ts';
import type { FakeRuntime } from '../../../src/testing/fake-runtime.ts';
import type { RecordCopy, ServerWithRecord } from './server-with-record.ts';

/** Ways to be wrong, for tests of the model itself. */
export interface Faults {
  /** Keys carry no tokens of departures. */
  readonly noTokens?: boolean;
  /** A renewal is confirmed and not made. */
  readonly noRenewals?: boolean;
  /** An answer by a name that has changed meanwhile is taken for good. */
  readonly noDoubts?: boolean;
}

export interface LinkOptions {
  readonly runtime: FakeRuntime;
  /** Of messages each way, at most; drawn for each. */
  readonly delay: number;
  /** Share of the writes that are lost, half of them with the answer alone. */
  readonly loss: () => number;
  /** Whether this process cannot reach this server at present, though others may. */
  readonly cut: () => boolean;
  /** Whether what this process wants to write into the record gets lost at present. */
  readonly unwritten: () => boolean;
  readonly faults: Faults;
}

interface Message {
  readonly operation: Operation;
  readonly settle: ((reply: Reply) => void) | undefined;
}

interface Named extends Message {
  readonly prefix: string;
}

const recordPoll = 250;

/**
 * One process's connection to a server, as the leaf and its fence are to behave (`core/fence`): messages take time and keep their order;
 * the record is read first, and then in front of what is sent, every 250 ms and with every invalidation; keys are named when they are sent, and
 * an answer by a name that has changed meanwhile is a failure; what should have been invalidated and is not is tried again.
 */
export class FencedLink implements FencedStore {
  readonly name: string;
  readonly parts: readonly Store[] = [];
  readonly fence: Fence;
  naming: Naming | undefined;
  copy: RecordCopy | undefined;
  readonly #server: ServerWithRecord;
  readonly #options: LinkOptions;
  #waiting: Message[] = [];
  #greeting = false;
  #refreshAt = 0;
  /** To be repaired. */
  readonly #journal = new Map<string, Operation>();
  readonly #ways = { forth: Promise.resolve(), back: Promise.resolve() };
  #closed = false;
  #pending = 0;

  constructor(server: ServerWithRecord, options: LinkOptions) {
    this.name = server.id;
    this.#server = server;
    this.#options = options;
    // oxlint-disable-next-line typescript/no-this-alias -- the fence is another face of the same thing
    const link = this;
    this.fence = {
      get incarnation() {
        return link.copy?.incarnation;
      },
      get members() {
        return link.copy?.members;
      },
      get departed() {
        return link.copy?.departed ?? nobody;
      },
      get naming() {
        return link.naming;
      },
      set naming(naming) {
        link.naming = naming;
      },
      changed: undefined,
      renew: async () => await link.#change((server_) => !options.faults.noRenewals && server_.renew()),
      enrol: async (members, left) => await link.#change((server_) => server_.enrol(members, left)),
    };
    this.#repairAgain();
    // Connections are opened ahead.
    this.#options.runtime.defer(() => this.#flush());
  }

  /** Nothing is under way, nothing to be repaired. */
  get idle(): boolean {
    const quiet = this.#pending === 0 && this.#journal.size === 0 && this.#waiting.length === 0;
    return quiet && this.copy !== undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  async execute(operation: Operation): Promise<Reply> {
    if (this.#closed) return failed('is closed', 'no');
    return await new Promise((settle) => this.#send({ operation, settle }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { settle } of this.#waiting.splice(0)) settle?.(failed('is closed', 'no'));
  }

  #send(message: Message): void {
    if (this.#waiting.push(message) === 1) this.#options.runtime.defer(() => this.#flush());
  }

  #flush(): void {
    if (this.#closed || this.#greeting) return;
    if (this.copy === undefined) {
      this.#greeting = true;
      void this.#travel(() => this.#server.record).then((record) => {
        this.#greeting = false;
        if (record === undefined) {
          for (const message of this.#waiting.splice(0)) this.#failed(message, 'cannot be reached', 'no');
          this.#options.runtime.after(50, () => this.#flush());
        } else {
          this.copy = record;
          this.fence.changed?.();
          this.#flush();
        }
      });
      return;
    }
    const named: Named[] = [];
    for (const message of this.#waiting.splice(0)) {
      const prefix = this.#prefixOf(message.operation);
      if (prefix === undefined) this.#failed(message, 'must not be asked yet', 'no');
      else named.push({ ...message, prefix });
    }
    const now = this.#options.runtime.clock.read();
    const invalidates = named.some(({ operation }) => operation.kind === 'delete');
    const reads = invalidates || now >= this.#refreshAt;
    if (reads) this.#refreshAt = now + recordPoll;
    void this.#travel(async () => {
      const record = this.#server.record;
      const replies = await Promise.all(
        named.map(({ operation, prefix }) =>
          this.#server.store.execute({ ...operation, key: `${prefix}:${operation.key}` }),
        ),
      );
      return { replies, record };
    }).then((answer) => {
      if (answer === undefined) {
        if (reads) this.#refreshAt = 0;
        for (const message of named) this.#failed(message, 'did not answer', 'unknown');
        return;
      }
      if (reads) this.#read(answer.record);
      for (const [index, message] of named.entries()) {
        const sure =
          this.#options.faults.noDoubts === true || this.#prefixOf(message.operation) === message.prefix;
        if (sure) message.settle?.(answer.replies[index]!);
        else this.#failed(message, 'is called otherwise by now', 'unknown');
      }
    });
  }

  #prefixOf(operation: Operation): string | undefined {
    const { incarnation } = this.copy!;
    const token = this.naming === undefined ? '' : this.naming(operation);
    return token === '' || (this.#options.faults.noTokens && token !== undefined) ? incarnation : token;
  }

  #read(record: RecordCopy): void {
    const isNew = this.copy !== record;
    this.copy = record;
    if (isNew) this.fence.changed?.();
  }

  /** A change of the record, made by the server in one step. */
  async #change(change: (server: ServerWithRecord) => unknown): Promise<boolean> {
    if (this.#closed || this.#options.unwritten()) return false;
    const records = await this.#travel(() => {
      const before = this.#server.record;
      change(this.#server);
      return [before, this.#server.record] as const;
    });
    if (records === undefined) return false;
    for (const record of records) this.#read(record);
    return true;
  }

  #failed({ operation, settle }: Message, problem: string, applied: FailedReply['applied']): void {
    if (operation.kind === 'delete') this.#record(operation);
    settle?.(failed(problem, applied));
  }

  #record(operation: Operation): void {
    this.#journal.set(`${operation.copy ?? 0} ${operation.key}`, {
      ...operation,
      deadline: Number.POSITIVE_INFINITY,
    });
  }

  #repairAgain(): void {
    this.#options.runtime.after(20, () => {
      if (this.#closed) return;
      const lost = [...this.#journal];
      this.#journal.clear();
      for (const [, operation] of lost) this.#send({ operation, settle: undefined });
      this.#repairAgain();
    });
  }

  /** There and back, in order. Undefined: it got lost on one of the ways. */
  async #travel<T>(arrived: () => T | Promise<T>): Promise<T | undefined> {
    const { runtime, loss, cut } = this.#options;
    this.#pending++;
    const away = !this.#server.reachable || cut();
    const lost = away || runtime.random() < loss();
    const never = away || runtime.random() < 0.5;
    await this.#inOrder('forth');
    let answer: T | undefined;
    if (lost && never) await this.#sleep(50);
    else {
      const value = await arrived();
      await this.#inOrder('back');
      if (!lost) answer = value;
    }
    this.#pending--;
    return answer;
  }

  /** One way takes its time, and what set out later does not arrive earlier. */
  #inOrder(way: 'forth' | 'back'): Promise<void> {
    const { runtime, delay } = this.#options;
    const before = this.#ways[way];
    return (this.#ways[way] = this.#sleep(runtime.random() * delay).then(() => before));
  }

  async #sleep(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => void this.#options.runtime.after(milliseconds, resolve));
  }
}

const nobody: RecordCopy['departed'] = new Map();

function failed(problem: string, applied: FailedReply['applied']): FailedReply {
  return {
    kind: 'failed',
    error: new CisternError('CISTERN_UNAVAILABLE', { store: 'link', problem }),
    applied,
  };
}
