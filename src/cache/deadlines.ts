import type { Runtime, Timer } from '../core/runtime.ts';

/** Something that must be told when its time is over. */
export interface Due {
  /** On the monotonic clock. */
  readonly deadline: number;
  /** Called at most once, when the deadline has passed and it is still listed. Must not throw. */
  expire(): void;
}

/**
 * Many deadlines on one timer: the timer stands at the nearest one and, when it runs, all that are due are told. Adding
 * costs no timer unless the new deadline is the nearest, removing costs none.
 */
export class Deadlines {
  readonly #runtime: Runtime;
  readonly #list = new Set<Due>();
  #timer: Timer | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  add(due: Due): void {
    this.#list.add(due);
    if (due.deadline < this.#at) this.#arm(due.deadline);
  }

  remove(due: Due): void {
    if (this.#list.delete(due) && this.#list.size === 0) this.#disarm();
  }

  #arm(at: number): void {
    this.#timer?.cancel();
    this.#at = at;
    this.#timer = this.#runtime.after(Math.max(0, at - this.#runtime.clock.read()), this.#due, true);
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }

  /**
   * The verdict waits until the event loop has read its sockets once: after it was blocked, timers run first, and answers that
   * have long arrived would count as late.
   */
  readonly #due = (): void => {
    this.#disarm();
    this.#runtime.defer(this.#run);
  };

  readonly #run = (): void => {
    const now = this.#runtime.clock.read();
    let nearest = Number.POSITIVE_INFINITY;
    for (const due of this.#list) {
      if (due.deadline <= now) {
        this.#list.delete(due);
        due.expire();
      } else if (due.deadline < nearest) nearest = due.deadline;
    }
    if (nearest < this.#at) this.#arm(nearest);
  };
}
