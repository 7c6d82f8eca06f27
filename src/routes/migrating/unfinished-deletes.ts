import { CisternError } from '../../core/error.ts';
import type { Runtime, Timer } from '../../core/runtime.ts';
import type { FailedReply } from '../../core/store.ts';
import { addressOf, type EntryAddress, nameOf } from './entry-address.ts';
import { newPool, oldPool, type Pool, type PoolPair } from './pool-pair.ts';

/** In which pools a delete is still to be confirmed. */
export interface Unfinished {
  readonly from: boolean;
  readonly to: boolean;
}

interface Entry extends Unfinished {
  readonly address: EntryAddress;
}

/** Keys remembered at most. */
const most = 10_000;
/** Deletes sent at once. */
const batch = 100;
/** Milliseconds before a repetition: the least, growing by doubling to the most while nothing is confirmed. */
const leastDelay = 100;
const mostDelay = 5000;
const stepTime = 1000;

/**
 * Deletes that a pool did not confirm. A leaf with a journal repeats its own; what it cannot know is that the other pool must then be told
 * once more, because an entry may have been copied there while its delete was missing here. So both are repeated until confirmed, the
 * old pool first, then the new one. In memory: their callers were told that nothing is confirmed.
 */
export class UnfinishedDeletes {
  readonly #pools: PoolPair;
  readonly #runtime: Runtime;
  /** Whether a pool matters now: the old one until nobody reads it any more, the new one from when there may be something in it. */
  readonly #matters: (pool: Pool) => boolean;
  readonly #entries = new Map<string, Entry>();
  #timer: Timer | undefined;
  #delay = leastDelay;
  #closed = false;
  /** How many were forgotten because there were too many. */
  dropped = 0;

  constructor(pools: PoolPair, runtime: Runtime, matters: (pool: Pool) => boolean) {
    this.#pools = pools;
    this.#runtime = runtime;
    this.#matters = matters;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Remembers a key whose change failed, unless the failure says that repeating it is no use. */
  add(operation: EntryAddress, { error }: FailedReply, where: Unfinished): void {
    if (this.#closed || (error instanceof CisternError && !error.retryable)) return;
    const name = nameOf(operation);
    const known = this.#entries.get(name);
    this.#entries.delete(name);
    this.#entries.set(name, {
      address: addressOf(operation),
      from: where.from || known?.from === true,
      to: where.to || known?.to === true,
    });
    if (this.#entries.size > most) {
      this.#entries.delete(this.#entries.keys().next().value!);
      this.dropped++;
    }
    this.#wait();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#entries.clear();
  }

  #wait(): void {
    if (this.#timer !== undefined || this.#closed || this.#entries.size === 0) return;
    const delay = this.#delay * (0.75 + this.#runtime.random() / 2);
    this.#timer = this.#runtime.after(delay, this.#repeat, false);
  }

  readonly #repeat = (): void => {
    const due = [...this.#entries].slice(0, batch);
    const repeated = due.map(async ([name, entry]) => await this.#finish(name, entry));
    void Promise.all(repeated).then((confirmed) => {
      this.#timer = undefined;
      this.#delay = confirmed.includes(true) ? leastDelay : Math.min(this.#delay * 2, mostDelay);
      this.#wait();
    });
  };

  async #finish(name: string, entry: Entry): Promise<boolean> {
    const confirmed =
      (!entry.from || (await this.#removed(oldPool, entry))) &&
      (!entry.to || (await this.#removed(newPool, entry)));
    if (this.#entries.get(name) !== entry) return confirmed;
    this.#entries.delete(name);
    // To the end, so that those behind it have their turn.
    if (!confirmed) this.#entries.set(name, entry);
    return confirmed;
  }

  async #removed(pool: Pool, { address }: Entry): Promise<boolean> {
    if (!this.#matters(pool)) return true;
    const deadline = this.#runtime.clock.read() + stepTime;
    return (await this.#pools.ask(pool, { ...address, kind: 'delete', deadline })).kind !== 'failed';
  }
}
