import { pause } from './time.ts';

/** A row of the source, and so what is cached: a wrong or an old answer can be told from it alone. */
export interface Row {
  readonly id: string;
  readonly version: number;
}

export interface Load {
  readonly at: number;
  readonly id: string;
}

/** The database of the application: rows with versions that every write counts up. It remembers each time that it was asked. */
export class CountedSource {
  readonly loads: Load[] = [];
  readonly #delay: number;
  readonly #versions = new Map<string, number>();
  readonly #written = new Map<string, number>();

  /** `delay`: how long an answer takes, in milliseconds. */
  constructor(delay = 1) {
    this.#delay = delay;
  }

  version(id: string): number {
    return this.#versions.get(id) ?? 1;
  }

  /** The newest version whose write has come to its end, confirmed or not. */
  written(id: string): number {
    return this.#written.get(id) ?? 1;
  }

  readonly load = async (id: string): Promise<Row> => {
    this.loads.push({ at: performance.now(), id });
    const version = this.version(id);
    await pause(this.#delay);
    return { id, version };
  };

  write(id: string): number {
    const version = this.version(id) + 1;
    this.#versions.set(id, version);
    return version;
  }

  /** A write of this version is over. */
  settle(id: string, version: number): void {
    this.#written.set(id, Math.max(this.written(id), version));
  }

  /** How many loads there were from one time to another, of those that are meant. */
  countLoads(from: number, to: number, meant: (id: string) => boolean = () => true): number {
    return this.loads.filter(({ at, id }) => at >= from && at < to && meant(id)).length;
  }
}
