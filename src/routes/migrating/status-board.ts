import type { Runtime, Timer } from '../../core/runtime.ts';
import type { Operation, Reply, Store } from '../../core/store.ts';
import type { PoolCounts } from './pool-counts.ts';
import type { Stage } from './time-table.ts';

/** What one process tells of a migration. */
export interface ProcessStatus {
  readonly process: string;
  readonly stage: Stage;
  /** Its wall clock when it wrote this, in Unix milliseconds. */
  readonly wall: number;
  /** The same for the same time table. */
  readonly table: string;
  /** Since the status before: gets and hits of each pool, and of the sampled reads what the new one would have had. */
  readonly from: PoolCounts;
  readonly to: PoolCounts;
  readonly sampled: PoolCounts;
  /** Entries copied, since the process began. */
  readonly copied: number;
  /** Deletes that a pool has not confirmed yet. */
  readonly unfinished: number;
  /** How long after this one the next will be written, in milliseconds. */
  readonly interval: number;
}

/** Where the status of a process may stand: `~migration:<name>:<slot>`, so that whoever looks needs no list of processes. */
export function statusKey(migration: string, slot: number): string {
  return `~migration:${migration}:${slot}`;
}

/** Places for statuses, where nothing else is said. */
export const usualSlots = 256;

const stepTime = 1000;
const attempts = 8;

/**
 * Writes the status of this process to a pool now and then. It has a slot of its own, chosen at random; where another process is found
 * in it, it takes another one. A status that is not renewed is gone after three intervals.
 */
export class StatusBoard {
  readonly #migration: string;
  readonly #slots: number;
  readonly #interval: number;
  readonly #runtime: Runtime;
  readonly #process: string;
  /** Asks the pool that is read now; never rejects. */
  readonly #ask: (operation: Operation) => Promise<Reply>;
  readonly #status: () => ProcessStatus;
  #slot: number;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: {
    readonly migration: string;
    readonly slots: number;
    readonly interval: number;
    readonly process: string;
    readonly runtime: Runtime;
    readonly ask: (operation: Operation) => Promise<Reply>;
    readonly status: () => ProcessStatus;
  }) {
    this.#migration = options.migration;
    this.#slots = options.slots;
    this.#interval = options.interval;
    this.#process = options.process;
    this.#runtime = options.runtime;
    this.#ask = options.ask;
    this.#status = options.status;
    this.#slot = this.#anySlot();
    // Soon, but not all processes of a deploy at once.
    this.#wait(Math.min(1000, this.#interval) * this.#runtime.random());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #wait(delay: number): void {
    if (!this.#closed) this.#timer = this.#runtime.after(delay, this.#publish, false);
  }

  readonly #publish = (): void => {
    void this.#write(attempts).then(() => this.#wait(this.#interval));
  };

  async #write(tries: number): Promise<void> {
    const key = statusKey(this.#migration, this.#slot);
    const found = statusIn(await this.#ask({ kind: 'get', key, deadline: this.#deadline() }));
    if (found !== undefined && found.process !== this.#process && tries > 1) {
      this.#slot = this.#anySlot();
      await this.#write(tries - 1);
      return;
    }
    const value = new TextEncoder().encode(JSON.stringify(this.#status()));
    const life = { freshFor: 3 * this.#interval, staleFor: 0 };
    await this.#ask({ kind: 'set', mode: 'set', key, value, flags: 0, life, deadline: this.#deadline() });
  }

  #anySlot(): number {
    return Math.floor(this.#runtime.random() * this.#slots);
  }

  #deadline(): number {
    return this.#runtime.clock.read() + stepTime;
  }
}

/** A status that was read, and how long ago it was written, by the pool's clock: to about two seconds. */
export interface ReadStatus extends ProcessStatus {
  readonly age: number;
}

/** What all processes have told, from both pools, the newest of each. A pool that does not answer says nothing; `failed` tells which. */
export async function readStatuses(
  migration: string,
  pools: { readonly from: Store; readonly to: Store },
  runtime: Runtime,
  slots: number = usualSlots,
): Promise<{ readonly processes: readonly ReadStatus[]; readonly failed: readonly ('from' | 'to')[] }> {
  const newest = new Map<string, ReadStatus>();
  const failed: ('from' | 'to')[] = [];
  for (const name of ['from', 'to'] as const) {
    const deadline = runtime.clock.read() + stepTime;
    const replies = await Promise.all(
      Array.from(
        { length: slots },
        async (_, slot) =>
          await pools[name].execute({ kind: 'get', key: statusKey(migration, slot), deadline }),
      ),
    );
    if (replies.every((reply) => reply.kind === 'failed')) failed.push(name);
    for (const reply of replies) {
      const status = statusIn(reply);
      if (status === undefined || reply.kind !== 'hit') continue;
      const age = Math.max(0, 3 * status.interval - reply.expiresIn);
      const known = newest.get(status.process);
      if (known === undefined || status.wall > known.wall) newest.set(status.process, { ...status, age });
    }
  }
  const processes = [...newest.values()].toSorted((one, other) => (one.process < other.process ? -1 : 1));
  return { processes, failed };
}

function statusIn(reply: Reply): ProcessStatus | undefined {
  if (reply.kind !== 'hit') return undefined;
  try {
    const found = JSON.parse(new TextDecoder().decode(reply.value)) as Partial<ProcessStatus> | null;
    const numbers = [found?.wall, found?.copied, found?.unfinished, found?.interval];
    const counts = [found?.from, found?.to, found?.sampled].flatMap((each) => [each?.gets, each?.hits]);
    const texts = [found?.process, found?.stage, found?.table];
    const isStatus =
      [...numbers, ...counts].every((each) => typeof each === 'number') &&
      texts.every((each) => typeof each === 'string');
    return isStatus ? (found as ProcessStatus) : undefined;
  } catch {
    return undefined;
  }
}
