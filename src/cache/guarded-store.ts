import { asError, CisternError } from '../core/error.ts';
import { tell } from '../core/events.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Operation, Reply, Store } from '../core/store.ts';
import type { Deadlines, Due } from './deadlines.ts';

/** A store answers by its operation's deadline; one that does not is given up this much later at most, in milliseconds. */
const grace = 10;

/** Operations whose deadlines are this close, in milliseconds, are watched together: a batch costs one watch. */
const together = 5;

interface Awaited {
  readonly operation: Operation;
  readonly resolve: (reply: Reply) => void;
  answered: boolean;
}

/** Operations that were asked at about the same time. */
class Watch implements Due {
  /** Of the first operation. */
  readonly from: number;
  readonly deadline: number;
  readonly awaited: Awaited[] = [];
  left = 0;
  /** Nobody watches any more: what is asked from now on, with a deadline in the past, needs a new one. */
  over = false;
  readonly #late: (operation: Operation) => Reply;

  constructor(from: number, late: (operation: Operation) => Reply) {
    this.from = from;
    this.deadline = from + grace;
    this.#late = late;
  }

  expire(): void {
    this.over = true;
    for (const each of this.awaited) {
      if (each.answered) continue;
      each.answered = true;
      each.resolve(this.#late(each.operation));
    }
  }
}

/**
 * The user's store, held to its contract: whatever it does (throw, reject, never answer), the cache gets a reply by the
 * deadline. So that no store, however it was written, can hang a caller or make an unhandled rejection.
 */
export class GuardedStore {
  readonly #store: Store;
  readonly #runtime: Runtime;
  readonly #deadlines: Deadlines;
  readonly #timeout: number;
  #current: Watch | undefined;

  constructor(store: Store, runtime: Runtime, deadlines: Deadlines, timeout: number) {
    this.#store = store;
    this.#runtime = runtime;
    this.#deadlines = deadlines;
    this.#timeout = timeout;
  }

  get name(): string {
    return this.#store.name;
  }

  /** The store itself: to look at what it is made of. */
  get inner(): Store {
    return this.#store;
  }

  /** The deadline of an operation that is asked now: the store's time, or the caller's if it ends sooner. */
  deadline(callers: number = Number.POSITIVE_INFINITY): number {
    return Math.min(callers, this.#runtime.clock.read() + this.#timeout);
  }

  /** Waits for work that never rejects, but not beyond the deadline. False: it failed, or is late. */
  within(work: Promise<boolean>, deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const due: Due = { deadline, expire: () => resolve(false) };
      this.#deadlines.add(due);
      void work.then((succeeded) => {
        this.#deadlines.remove(due);
        resolve(succeeded);
      });
    });
  }

  execute(operation: Operation): Promise<Reply> {
    return new Promise((resolve) => {
      const watch = this.#watchOf(operation.deadline);
      const awaited: Awaited = { operation, resolve, answered: false };
      watch.awaited.push(awaited);
      if (watch.left++ === 0) this.#deadlines.add(watch);
      const answer = (reply: Reply): void => {
        if (awaited.answered) return;
        awaited.answered = true;
        if (--watch.left === 0) this.#end(watch);
        resolve(reply);
      };
      try {
        this.#store.execute(operation).then(
          (reply) => {
            // The contract says what a reply is; a store of the user's own may not keep it.
            if (typeof (reply as Reply | undefined)?.kind === 'string') answer(reply);
            else answer(this.#failed(operation, new Error('it answered no reply')));
          },
          (error: unknown) => answer(this.#failed(operation, error)),
        );
      } catch (error) {
        answer(this.#failed(operation, error));
      }
    });
  }

  #watchOf(deadline: number): Watch {
    const current = this.#current;
    const fits =
      current !== undefined &&
      !current.over &&
      deadline >= current.from &&
      deadline <= current.from + together;
    if (fits) return current;
    return (this.#current = new Watch(deadline, this.#late));
  }

  #end(watch: Watch): void {
    this.#deadlines.remove(watch);
    watch.awaited.length = 0;
    if (this.#current === watch) this.#current = undefined;
  }

  readonly #late = (operation: Operation): Reply => this.#failed(operation, undefined);

  /** `thrown` is `undefined` when there was no answer at all. */
  #failed(operation: Operation, thrown: unknown): Reply {
    const store = `Store '${this.#store.name}'`;
    const error =
      thrown === undefined
        ? new CisternError('CISTERN_TIMEOUT', { store, milliseconds: this.#timeout })
        : new CisternError('CISTERN_UNAVAILABLE', { store, problem: asError(thrown).message }, thrown);
    tell('store-failed', {
      store: this.#store.name,
      operation: operation.kind,
      key: operation.key,
      applied: 'unknown',
      error,
    });
    return { kind: 'failed', error, applied: 'unknown' };
  }
}
