import { cistern, type Cistern, type CisternOptions, memory, type Store } from '../../src/index.ts';
import { CisternError } from '../../src/core/error.ts';
import type { FailedReply, Operation, Reply } from '../../src/core/store.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing.ts';

/** What happens to one operation on its way. Times in milliseconds; nothing set: it goes through at once. */
export interface Fate {
  /** On the way there. */
  readonly before?: number;
  /** On the way back. */
  readonly after?: number;
  /** `unsent`: never carried out, answered as failed. `lost`: carried out, answered as failed. */
  readonly fail?: 'unsent' | 'lost';
  /** Carried out when this is fulfilled. */
  readonly until?: Promise<unknown>;
  /** Answered when this is fulfilled. */
  readonly answeredAfter?: Promise<unknown>;
}

/** One process's way to the shared store: what a test can delay, break, freeze and watch. */
export class Wire implements Store {
  readonly name = 'wire';
  readonly parts: readonly Store[];
  readonly asked: Operation[] = [];
  /** Accepts and never answers, and carries nothing out. */
  frozen = false;
  /** Decides for each operation. */
  fate: (operation: Operation) => Fate | undefined = () => undefined;
  readonly #store: Store;
  readonly #runtime: FakeRuntime;

  constructor(store: Store, runtime: FakeRuntime) {
    this.parts = [store];
    this.#store = store;
    this.#runtime = runtime;
  }

  async execute(operation: Operation): Promise<Reply> {
    this.asked.push(operation);
    if (this.frozen) return await new Promise<Reply>(() => undefined);
    const fate = this.fate(operation);
    if (fate === undefined) return await this.#store.execute(operation);
    if (fate.before !== undefined) await sleep(this.#runtime, fate.before);
    if (fate.until !== undefined) await fate.until;
    // The operation's own deadline is the asker's; what is under way is carried out all the same.
    const late = { ...operation, deadline: Number.MAX_VALUE } as Operation;
    const reply: Reply = fate.fail === 'unsent' ? broken('no') : await this.#store.execute(late);
    if (fate.after !== undefined) await sleep(this.#runtime, fate.after);
    if (fate.answeredAfter !== undefined) await fate.answeredAfter;
    return fate.fail === 'lost' ? broken('unknown') : reply;
  }

  async close(): Promise<void> {}

  /** The operations of one kind on entries, without the server record. */
  entries(kind: Operation['kind']): readonly Operation[] {
    return this.asked.filter((each) => each.kind === kind && !isRecord(each));
  }
}

export function isRecord(operation: Operation): boolean {
  return operation.key.endsWith(':~record');
}

function broken(applied: FailedReply['applied']): FailedReply {
  return {
    kind: 'failed',
    applied,
    error: new CisternError('CISTERN_UNAVAILABLE', { store: 'wire', problem: 'cut by the test' }),
  };
}

export function sleep(runtime: FakeRuntime, milliseconds: number): Promise<void> {
  return new Promise((resolve) => void runtime.after(milliseconds, resolve));
}

export interface Process {
  readonly shop: Cistern;
  readonly wire: Wire;
}

/** Several processes with one shared store, on one simulated clock. */
export class Fleet {
  readonly runtime: FakeRuntime;
  server: Store;

  constructor(seed = 1) {
    this.runtime = fakeRuntime({ seed });
    this.server = memory({ runtime: this.runtime });
  }

  join(options: Partial<CisternOptions> = {}): Process {
    const wire = new Wire({ ...this.#current() }, this.runtime);
    return { wire, shop: cistern({ name: 'shop', runtime: this.runtime, remote: wire, ...options }) };
  }

  /** The server loses its memory, and all processes reach the new one. */
  restart(): void {
    void this.server.close();
    this.server = memory({ runtime: this.runtime });
  }

  #current(): Store {
    return {
      name: 'server',
      parts: [],
      execute: async (operation) => await this.server.execute(operation),
      close: async () => undefined,
    };
  }

  /** Waits for the promise on the simulated clock. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    return await this.runtime.until(promise);
  }

  /** How a promise settles: its value, or its error. */
  async outcome(promise: Promise<unknown>): Promise<unknown> {
    return await this.wait(promise.catch((error: unknown) => error));
  }

  /** The same for several at once. */
  async outcomes(promises: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
    return await this.wait(
      Promise.all(promises.map(async (each) => await each.catch((error: unknown) => error))),
    );
  }
}

/** A source with one value per id and a loader whose answers the test holds back. */
export class Source<V = string> {
  readonly values = new Map<string, V>();
  loads = 0;
  running = 0;
  most = 0;
  readonly signals: AbortSignal[] = [];
  #held: PromiseWithResolvers<void> | undefined;

  /** From now on loads have read the source, and answer when `release` is called. */
  hold(): void {
    this.#held = Promise.withResolvers<void>();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  readonly load = async (id: string, { signal }: { readonly signal: AbortSignal }): Promise<V> => {
    this.loads++;
    this.most = Math.max(this.most, ++this.running);
    this.signals.push(signal);
    const value = this.values.get(id) as V;
    const held = this.#held;
    try {
      if (held !== undefined) await held.promise;
      return value;
    } finally {
      this.running--;
    }
  };
}

/** The code of a coded error, else what it is: for `expect`. */
export function codeOf(error: unknown): unknown {
  return error instanceof CisternError ? error.code : error;
}
