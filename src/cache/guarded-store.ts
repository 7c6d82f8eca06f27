import { asError, CisternError } from '../core/error.ts';
import { tell } from '../core/events.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Operation, Reply, Store } from '../core/store.ts';
import type { Deadlines, Due } from './deadlines.ts';

/** A store answers by its operation's deadline; one that does not is given up this much later, in milliseconds. */
const grace = 10;

class Awaited implements Due {
  readonly deadline: number;
  readonly #resolve: (reply: Reply) => void;
  readonly #late: () => Reply;

  constructor(deadline: number, resolve: (reply: Reply) => void, late: () => Reply) {
    this.deadline = deadline;
    this.#resolve = resolve;
    this.#late = late;
  }

  expire(): void {
    this.#resolve(this.#late());
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

  constructor(store: Store, runtime: Runtime, deadlines: Deadlines, timeout: number) {
    this.#store = store;
    this.#runtime = runtime;
    this.#deadlines = deadlines;
    this.#timeout = timeout;
  }

  get name(): string {
    return this.#store.name;
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
      const awaited = new Awaited(operation.deadline + grace, resolve, () =>
        this.#failed(operation, undefined),
      );
      this.#deadlines.add(awaited);
      try {
        this.#store.execute(operation).then(
          (reply) => {
            this.#deadlines.remove(awaited);
            // The contract says what a reply is; a store of the user's own may not keep it.
            if (typeof (reply as Reply | undefined)?.kind === 'string') resolve(reply);
            else resolve(this.#failed(operation, new Error('it answered no reply')));
          },
          (error: unknown) => {
            this.#deadlines.remove(awaited);
            resolve(this.#failed(operation, error));
          },
        );
      } catch (error) {
        this.#deadlines.remove(awaited);
        resolve(this.#failed(operation, error));
      }
    });
  }

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
