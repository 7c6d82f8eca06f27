import type { Runtime } from '../core/runtime.ts';
import { tell } from '../core/events.ts';

/**
 * Work that goes on after its caller was answered: fills, refreshes, rights given back. It never makes an unhandled
 * rejection: what it throws becomes a `background-failed` event. Each piece is handed to the user's hook, too.
 */
export class Background {
  readonly #runtime: Runtime;
  readonly #hook: ((work: Promise<void>) => void) | undefined;
  readonly #running = new Set<Promise<void>>();

  constructor(runtime: Runtime, hook: ((work: Promise<void>) => void) | undefined) {
    this.#runtime = runtime;
    this.#hook = hook;
  }

  get size(): number {
    return this.#running.size;
  }

  run(cache: string, work: Promise<unknown>): void {
    const settled: Promise<void> = work.then(
      () => void this.#running.delete(settled),
      (error: unknown) => {
        this.#running.delete(settled);
        tell('background-failed', { cache, error });
      },
    );
    this.#running.add(settled);
    if (this.#hook === undefined) return;
    void this.#handOver(cache, this.#hook, settled);
  }

  /** The hook may throw, or be an async function that rejects: neither is anybody's error. */
  async #handOver(
    cache: string,
    hook: (work: Promise<void>) => unknown,
    settled: Promise<void>,
  ): Promise<void> {
    try {
      await hook(settled);
    } catch (error) {
      tell('background-failed', { cache, error });
    }
  }

  /** Waits until nothing runs any more, at most `milliseconds`. */
  async drain(milliseconds: number): Promise<void> {
    if (this.#running.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#runtime.after(milliseconds, resolve, true);
      void this.#empty().then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  async #empty(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
