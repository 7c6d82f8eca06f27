import { CisternError } from '../core/error.ts';
import type { Runtime, Timer } from '../core/runtime.ts';
import type { CacheSettings } from './options.ts';

interface Waiting {
  readonly start: () => void;
  readonly signal: AbortSignal;
  readonly leave: () => void;
}

/**
 * How many loads this process runs for one cache: at once, per second, and waiting. The source's load stays under this
 * ceiling whatever happens to the cache.
 */
export class LoadLimit {
  readonly #cache: string;
  readonly #limits: CacheSettings['loads'];
  readonly #runtime: Runtime;
  readonly #queue = new Set<Waiting>();
  #running = 0;
  /** Loads that were given up but have not settled: they still use the source. */
  #abandoned = 0;
  /** Loads that may start now, by the rate: at most one second's worth is saved up. */
  #allowance: number;
  #countedAt: number;
  #timer: Timer | undefined;

  constructor(cache: string, limits: CacheSettings['loads'], runtime: Runtime) {
    this.#cache = cache;
    this.#limits = limits;
    this.#runtime = runtime;
    this.#allowance = limits.perSecond;
    this.#countedAt = runtime.clock.read();
  }

  /** `undefined`: start now. A promise: a place in the queue. Throws `CISTERN_LOAD_LIMIT` when that is full, too, or when too many abandoned loads hang. */
  enter(signal: AbortSignal): Promise<void> | undefined {
    const { concurrent, queue } = this.#limits;
    if (this.#abandoned >= concurrent) {
      const problem = `has ${this.#abandoned} loads that were given up and never settled`;
      throw new CisternError('CISTERN_LOAD_LIMIT', {
        cache: this.#cache,
        option: 'loads.concurrent',
        limit: concurrent,
        problem,
      });
    }
    if (this.#queue.size === 0 && this.#mayStart()) {
      this.#start();
      return undefined;
    }
    if (this.#queue.size >= queue) {
      const problem = 'has as many loads waiting as it may';
      throw new CisternError('CISTERN_LOAD_LIMIT', {
        cache: this.#cache,
        option: 'loads.queue',
        limit: queue,
        problem,
      });
    }
    const place = new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#queue.delete(waiting);
        reject(signal.reason as Error);
      };
      const waiting: Waiting = { start: resolve, signal, leave };
      signal.addEventListener('abort', leave, { once: true });
      this.#queue.add(waiting);
    });
    this.#wake();
    return place;
  }

  /** A load has settled. */
  leave(): void {
    this.#running--;
    this.#next();
  }

  /** A load was given up: its place is free, but it is remembered until `settled`. */
  abandon(): void {
    this.#abandoned++;
    this.leave();
  }

  settled(): void {
    this.#abandoned--;
    this.#next();
  }

  #mayStart(): boolean {
    return this.#mayRun() && this.#refill() >= 1;
  }

  /** Those that wait are held back by abandoned loads, too: else they would join them one after the other. */
  #mayRun(): boolean {
    const { concurrent } = this.#limits;
    return this.#running < concurrent && this.#abandoned < concurrent;
  }

  #refill(): number {
    const { perSecond } = this.#limits;
    if (perSecond === Infinity) return Infinity;
    const now = this.#runtime.clock.read();
    this.#allowance = Math.min(perSecond, this.#allowance + ((now - this.#countedAt) * perSecond) / 1000);
    this.#countedAt = now;
    return this.#allowance;
  }

  #start(): void {
    this.#running++;
    this.#allowance--;
  }

  #next(): void {
    for (const waiting of this.#queue) {
      if (!this.#mayStart()) break;
      this.#queue.delete(waiting);
      waiting.signal.removeEventListener('abort', waiting.leave);
      this.#start();
      waiting.start();
    }
    this.#wake();
  }

  /** Where the rate holds loads back, nobody's end wakes them: a timer does. */
  #wake(): void {
    if (this.#timer !== undefined || this.#queue.size === 0 || !this.#mayRun()) return;
    const missing = Math.max(0, 1 - this.#refill());
    const wait = Math.max(1, Math.ceil((missing * 1000) / this.#limits.perSecond));
    this.#timer = this.#runtime.after(wait, this.#awake, true);
  }

  readonly #awake = (): void => {
    this.#timer = undefined;
    this.#next();
  };
}
