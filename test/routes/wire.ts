import { CisternError } from '../../src/core/error.ts';
import type { FailedReply, Operation, Reply, Store } from '../../src/core/store.ts';
import { memory } from '../../src/stores/memory/memory.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing/fake-runtime.ts';

/** What happens to one operation: never carried out, or carried out and its answer lost. `undefined`: it goes through. */
export type Fate = 'unsent' | 'lost' | undefined;

/** The way to a store, which a test can break and watch. */
export class Wire implements Store {
  readonly name: string;
  readonly parts: readonly Store[];
  readonly asked: Operation[] = [];
  /** Decides for each operation. */
  fate: (operation: Operation) => Fate = () => undefined;
  closed = 0;
  /** As of a store that spreads keys. */
  salt: string | undefined;
  readonly #store: Store;

  constructor(name: string, store: Store) {
    this.name = name;
    this.#store = store;
    this.parts = [store];
  }

  async execute(operation: Operation): Promise<Reply> {
    this.asked.push(operation);
    const fate = this.fate(operation);
    if (fate === 'unsent') return cut('no');
    const reply = await this.#store.execute(operation);
    return fate === 'lost' ? cut('unknown') : reply;
  }

  async close(): Promise<void> {
    this.closed++;
    await this.#store.close();
  }

  /** From now on nothing gets through. */
  down(): void {
    this.fate = () => 'unsent';
  }

  up(): void {
    this.fate = () => undefined;
  }

  /** The kinds of what was asked since the last look, in order. */
  kinds(): string[] {
    return this.asked.splice(0).map((operation) => operation.kind);
  }
}

function cut(applied: FailedReply['applied']): FailedReply {
  const error = new CisternError('CISTERN_UNAVAILABLE', { store: 'wire', problem: 'cut by the test' });
  return { kind: 'failed', error, applied };
}

export interface World {
  readonly runtime: FakeRuntime;
  readonly wires: readonly Wire[];
  /** The stores behind the wires. */
  readonly stores: readonly Store[];
}

/** So many memory stores on one simulated clock, each behind a wire: `a`, `b`, `c`, ... */
export function world(count: number, seed = 1): World {
  const runtime = fakeRuntime({ seed });
  const stores = Array.from({ length: count }, () => memory({ runtime, maxValueBytes: '4mb' }));
  const wires = stores.map((store, index) => new Wire(String.fromCharCode(97 + index), store));
  return { runtime, wires, stores };
}

type Unsent<O> = O extends Operation ? Omit<O, 'deadline'> & { readonly deadline?: number } : never;
export type Asked = Unsent<Operation>;

export const life = { freshFor: 60_000, staleFor: 60_000 };

export function setOf(
  key: string,
  value: string,
  how: Partial<Extract<Operation, { kind: 'set' }>> = {},
): Asked {
  return { kind: 'set', mode: 'set', key, value: Buffer.from(value), flags: 0, life, ...how };
}

/** Asks a store on the simulated clock, with ten seconds for the answer. */
export async function ask(runtime: FakeRuntime, store: Store, operation: Asked): Promise<Reply> {
  return await runtime.until(
    store.execute({ deadline: runtime.clock.read() + 10_000, ...operation } as Operation),
  );
}

/** The value of a hit as text, else what the reply is. */
export function said(reply: Reply): string {
  return reply.kind === 'hit' ? Buffer.from(reply.value).toString() : reply.kind;
}

/** A store that fails whatever it is asked, as one whose server is gone. */
export function dead(name = 'dead'): Store {
  const wire = new Wire(name, memory());
  wire.down();
  return wire;
}
