import type { Runtime } from '../../core/runtime.ts';

/** How long a portion may take, in milliseconds, and of how many steps it is at most where the clock stands still. */
const longest = 1;
const mostSteps = 1024;

/** Long work in portions of about a millisecond, with a turn of the event loop in between. */
export class Turns {
  /** When the portion was begun, on the monotonic clock. */
  now: number;
  readonly #runtime: Runtime;
  #steps = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.now = runtime.clock.read();
  }

  /** Asked after each step: whether the portion is over. */
  get over(): boolean {
    return ++this.#steps >= mostSteps || this.#runtime.clock.read() - this.now >= longest;
  }

  /** Lets others have their turn. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => this.#runtime.defer(resolve));
    this.begin();
  }

  /** Others have had their turn: a new portion begins. */
  begin(): void {
    this.#steps = 0;
    this.now = this.#runtime.clock.read();
  }
}
