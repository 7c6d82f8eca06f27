import { cistern, type Cache, type Cistern, type HotKeysOptions } from '../../src/index.ts';
import type { Store } from '../../src/core/store.ts';
import type { CountedSource, Row } from './counted-source.ts';
import { Samples } from './samples.ts';
import { pause } from './time.ts';
import { WatchedStore } from './watched-store.ts';

export interface ApplicationOptions {
  readonly remote: Store;
  readonly source: CountedSource;
  readonly hotKeys?: HotKeysOptions;
}

/** What a running application has seen. */
export interface Counts {
  operations: number;
  errors: number;
  wrong: number;
  stale: number;
  /** Answers older than a write of another process, or than one whose invalidation was not confirmed: allowed, and to be gone when all is quiet. */
  old: number;
  writes: number;
  unconfirmed: number;
}

/**
 * An application as users write one, in front of its servers: a cache without a near tier, so that every read goes to them. Each answer is
 * looked at, each time is kept.
 */
export class Application {
  readonly samples = new Samples();
  readonly counts: Counts = {
    operations: 0,
    errors: 0,
    wrong: 0,
    stale: 0,
    old: 0,
    writes: 0,
    unconfirmed: 0,
  };
  /** The first errors, in words. */
  readonly complaints: string[] = [];
  readonly remote: WatchedStore;
  readonly shop: Cistern;
  readonly #source: CountedSource;
  readonly #rows: Cache<string, Row>;
  /** By row, the newest version whose invalidation was confirmed to this process: no answer that it asks for from then on may be older. */
  readonly #confirmed = new Map<string, number>();
  #pending = 0;

  constructor({ remote, source, hotKeys }: ApplicationOptions) {
    this.remote = new WatchedStore(remote);
    this.#source = source;
    this.shop = cistern({
      name: 'chaos',
      near: hotKeys === undefined ? false : {},
      remote: this.remote,
      ...(hotKeys === undefined ? undefined : { hotKeys }),
    });
    this.#rows = this.shop.define('row', {
      load: source.load,
      ttl: '10m',
      near: false,
      refreshAhead: 0,
    });
  }

  /** Asks for a row; never rejects. */
  async read(id: string): Promise<Row | undefined> {
    const source = this.#source;
    const [confirmed, written] = [this.#confirmed.get(id) ?? 1, source.written(id)];
    const at = performance.now();
    const row = await this.#counted(() => this.#rows.get(id), id);
    if (row === undefined) return undefined;
    this.samples.add({ at, took: performance.now() - at, id });
    if (row.id !== id || row.version > source.version(id)) this.counts.wrong++;
    else if (row.version < confirmed) this.counts.stale++;
    else if (row.version < written) this.counts.old++;
    return row;
  }

  /** Changes a row; never rejects. */
  async write(id: string): Promise<void> {
    const source = this.#source;
    const done = await this.#counted(() => this.#rows.mutate(id, () => source.write(id)), id);
    if (done === undefined) return;
    this.counts.writes++;
    source.settle(id, done.result);
    if (!done.confirmed) this.counts.unconfirmed++;
    else this.#confirmed.set(id, Math.max(this.#confirmed.get(id) ?? 1, done.result));
  }

  /** Asks for all of these, so many at once. */
  async readAll(ids: readonly string[], together = 200): Promise<readonly (Row | undefined)[]> {
    const rows: (Row | undefined)[] = [];
    for (let from = 0; from < ids.length; from += together)
      rows.push(...(await Promise.all(ids.slice(from, from + together).map((id) => this.read(id)))));
    return rows;
  }

  /** How many of these are older than the source. Nothing may be written meanwhile. */
  async countStale(ids: readonly string[]): Promise<number> {
    const rows = await this.readAll(ids);
    return rows.filter((row) => row !== undefined && row.version < this.#source.version(row.id)).length;
  }

  /** Fulfilled when every call has been answered. */
  async settled(): Promise<void> {
    while (this.#pending > 0) await pause(5);
  }

  async close(): Promise<void> {
    await this.shop.close();
    await this.remote.close();
  }

  async #counted<T>(call: () => Promise<T>, id: string): Promise<T | undefined> {
    this.counts.operations++;
    this.#pending++;
    try {
      return await call();
    } catch (error) {
      this.counts.errors++;
      if (this.complaints.length < 5) this.complaints.push(`${id}: ${String(error)}`);
      return undefined;
    } finally {
      this.#pending--;
    }
  }
}

/** The counts of several processes together. */
export function sumOf(applications: readonly Application[]): Counts {
  const sum: Counts = { operations: 0, errors: 0, wrong: 0, stale: 0, old: 0, writes: 0, unconfirmed: 0 };
  for (const { counts } of applications)
    for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += counts[name];
  return sum;
}
