import type { Runtime, Timer } from '../core/runtime.ts';

/** Most entries that are remembered: beyond, the whole cache is cleared. */
const most = 1000;
/** Pauses between attempts, in milliseconds: the first, doubling up to the longest. Each is shortened by up to half, by chance. */
const firstPause = 100;
const longestPause = 5000;

export interface OwedRemovalsOptions {
  readonly runtime: Runtime;
  /** Removes an entry. True: the store was asked by a name that counts, so that what fails there is in its journal. */
  readonly remove: (encoded: string) => Promise<boolean>;
  /** Makes all entries of the cache unreachable. False: it could not be done yet. */
  readonly clear: () => Promise<boolean>;
}

/**
 * Removals of one cache by no name, or by one that may not count any more: the server record, which names entries, could not be read. The store
 * was asked for nothing, or for something else, so no journal has them; they are owed by the cache itself, and asked for again until they have a
 * name. Meanwhile their entries are not read by this process. They are lost with the process.
 */
export class OwedRemovals {
  readonly #options: OwedRemovalsOptions;
  /** By entry, how often it was added: one that was added again while it was being removed stays. */
  readonly #owed = new Map<string, number>();
  #added = 0;
  /** There were too many: the whole cache is owed. */
  #all = false;
  #timer: Timer | undefined;
  #settling: Promise<void> | undefined;
  #pause = firstPause;

  constructor(options: OwedRemovalsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all ? most : this.#owed.size;
  }

  has(encoded: string): boolean {
    return this.#all || this.#owed.has(encoded);
  }

  add(encoded: string): void {
    if (this.#all) return;
    this.#owed.set(encoded, ++this.#added);
    if (this.#owed.size > most) {
      this.#owed.clear();
      this.#all = true;
    }
    this.#later();
  }

  /** Tries all of them now. Never rejects. */
  settle(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.size === 0) return Promise.resolve();
    return (this.#settling ??= this.#settle().finally(() => {
      this.#settling = undefined;
      this.#later();
    }));
  }

  /** No more attempts. */
  close(): void {
    this.#timer?.cancel();
    this.#owed.clear();
    this.#all = false;
  }

  async #settle(): Promise<void> {
    const before = this.size;
    if (this.#all && (await this.#options.clear())) this.#all = false;
    await Promise.all(
      [...this.#owed].map(async ([encoded, added]) => {
        const named = await this.#options.remove(encoded);
        if (named && this.#owed.get(encoded) === added) this.#owed.delete(encoded);
      }),
    );
    this.#pause = this.size < before ? firstPause : Math.min(longestPause, 2 * this.#pause);
  }

  #later(): void {
    if (this.#timer !== undefined || this.#settling !== undefined || this.size === 0) return;
    const { runtime } = this.#options;
    const chance = 1 - runtime.random() / 2;
    this.#timer = runtime.after(this.#pause * chance, () => void this.settle(), false);
  }
}
