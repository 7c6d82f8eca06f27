import {
  type GetOperation,
  type Life,
  longestLife,
  type Operation,
  type Reply,
  type Store,
} from '../core/store.ts';

/**
 * No life longer than a ceiling: fresh first, and stale for what is left of it.
 *
 * A right to reload that is asked for by the life that is left needs care: a threshold above the ceiling would always be
 * met, and the entry be reloaded without end. It is lowered to a tenth of the ceiling; an entry that has aged all the same is
 * competed for by a second question.
 */
export class LifeCeiling {
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** The same object when it is short enough. */
  life(life: Life): Life {
    const { freshFor, staleFor } = life;
    if (freshFor + staleFor <= this.#most) return life;
    const fresh = Math.min(freshFor, this.#most);
    return { freshFor: fresh, staleFor: Math.min(staleFor, this.#most - fresh) };
  }

  /** The operation with every life in it under the ceiling. The same object when there is nothing to change. */
  lowered(operation: Operation): Operation {
    switch (operation.kind) {
      case 'get':
        return this.#loweredGet(operation);
      case 'set':
      case 'touch': {
        const life = this.life(operation.life);
        return life === operation.life ? operation : { ...operation, life };
      }
      case 'delete':
        return operation.staleFor !== undefined && operation.staleFor > this.#most
          ? { ...operation, staleFor: this.#most }
          : operation;
      case 'count': {
        if (operation.initial === undefined) return operation;
        const life = this.life(operation.initial.life);
        if (life === operation.initial.life) return operation;
        return { ...operation, initial: { value: operation.initial.value, life } };
      }
      default:
        return operation;
    }
  }

  /** Asks the store under the ceiling. */
  ask(store: Store, operation: Operation): Promise<Reply> {
    const lowered = this.lowered(operation);
    const reply = store.execute(lowered);
    if (operation.kind !== 'get' || operation.recache === (lowered as GetOperation).recache) return reply;
    const wanted = operation.recache!;
    return reply.then((found) => {
      const aged =
        found.kind === 'hit' && found.claim === 'none' && found.freshFor <= 0 && found.expiresIn < wanted;
      return aged ? store.execute({ ...lowered, recache: longestLife } as GetOperation) : found;
    });
  }

  #loweredGet(operation: GetOperation): GetOperation {
    const { recache, touch } = operation;
    const life = touch === undefined ? undefined : this.life(touch);
    const eager = recache !== undefined && recache > this.#most / 2;
    if (life === touch && !eager) return operation;
    return {
      ...operation,
      ...(life === undefined ? undefined : { touch: life }),
      ...(eager ? { recache: this.#most / 10 } : undefined),
    };
  }
}
