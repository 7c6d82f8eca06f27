import type { Departure } from '../../../src/core/fence.ts';
import type { Store } from '../../../src/core/store.ts';
import { memory } from '../../../src/stores/memory/memory.ts';
import type { FakeRuntime } from '../../../src/testing/fake-runtime.ts';

/** What a process knows of a server's record. */
export interface RecordCopy {
  readonly incarnation: string;
  readonly members: readonly string[] | undefined;
  readonly departed: ReadonlyMap<string, Departure>;
}

const mostDeparted = 16;

/** A server of a simulated fleet: its entries, and the record that its clients keep on it. */
export class ServerWithRecord {
  readonly id: string;
  readonly #runtime: FakeRuntime;
  store: Store;
  record: RecordCopy;
  reachable = true;
  renewals = 0;
  #order = 0;

  constructor(id: string, runtime: FakeRuntime) {
    this.id = id;
    this.#runtime = runtime;
    this.store = memory({ runtime });
    this.record = { incarnation: runtime.randomId(), members: undefined, departed: new Map() };
  }

  /** All that it held is gone, the record too. */
  restart(): void {
    this.store = memory({ runtime: this.#runtime });
    this.record = { incarnation: this.#runtime.randomId(), members: undefined, departed: new Map() };
  }

  renew(): void {
    this.renewals++;
    this.record = { ...this.record, incarnation: this.#runtime.randomId(), departed: new Map() };
  }

  enrol(members: readonly string[], left: readonly string[]): void {
    if (left.length === 0 && String(members) === String(this.record.members)) return;
    const departed = new Map(this.record.departed);
    const gone = this.record.members?.filter((each) => !members.includes(each)) ?? [];
    for (const identity of new Set([...left, ...gone]))
      departed.set(identity, { token: this.#runtime.randomId(), order: ++this.#order });
    this.record = { ...this.record, members, departed };
    if (departed.size > mostDeparted) this.renew();
  }
}
