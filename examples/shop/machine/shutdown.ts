const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How long broken-off work may take to notice, in milliseconds. */
const patience = 5000;

/**
 * Ends what was started, the last first, once: at the end of the program, after an error, or on Ctrl-C. Further signals
 * while that goes on change nothing: a terminal sends Ctrl-C to npm and to us, and npm sends it on.
 */
export class Shutdown {
  readonly #steps: { readonly name: string; readonly stop: () => unknown }[] = [];
  readonly #controller = new AbortController();
  #ending: Promise<void> | undefined;

  /** Aborted when the end begins. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something was started: this ends it. */
  add(name: string, stop: () => unknown): void {
    this.#steps.push({ name, stop });
  }

  /** Lets the end begin with the first signal, after `stopped` was told which. */
  onSignal(stopped: (signal: NodeJS.Signals) => void): void {
    for (const signal of signals) {
      process.on(signal, (name) => {
        if (!this.signal.aborted) stopped(name);
        this.begin();
      });
    }
  }

  /** What goes on is broken off. The program then calls `end`; if it does not come to that in time, it is called here. */
  begin(): void {
    if (this.signal.aborted) return;
    this.#controller.abort(new Error('stopped'));
    setTimeout(() => void this.end().then(() => process.exit()), patience).unref();
  }

  /** Settles when the end begins. */
  async begun(): Promise<void> {
    if (this.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.signal.addEventListener('abort', () => resolve(), { once: true });
    // Servers may be closed from outside; the wait itself must hold the program.
    const hold = setInterval(() => {}, 2 ** 30);
    await promise;
    clearInterval(hold);
  }

  /** Waits for work, but not longer than until the end begins: then it rejects. */
  async unless<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const leave = (): void => reject(this.signal.reason as Error);
    this.signal.addEventListener('abort', leave, { once: true });
    try {
      this.signal.throwIfAborted();
      return await Promise.race([work, promise]);
    } finally {
      this.signal.removeEventListener('abort', leave);
    }
  }

  /** Stops what was started, the last first. */
  async end(): Promise<void> {
    if (!this.signal.aborted) this.#controller.abort(new Error('ended'));
    await (this.#ending ??= this.#run());
  }

  async #run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.stop();
      } catch (error) {
        // The rest has to end, too.
        process.stderr.write(
          `Could not stop ${step.name}: ${error instanceof Error ? error.message : String(error)}\n`,
        );
      }
    }
  }
}
