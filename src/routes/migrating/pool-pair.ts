import type { Operation, Reply, Store } from '../../core/store.ts';
import { brandedReply, casOfPart, partOfCas } from '../cas-brand.ts';

/** One of the two pools of a migration, by its place among the parts. */
export type Pool = 0 | 1;
export const oldPool = 0;
export const newPool = 1;

export function otherThan(pool: Pool): Pool {
  return pool === oldPool ? newPool : oldPool;
}

/** The two pools. Every CAS that leaves tells which of them gave it, and none ever goes to the other. */
export class PoolPair {
  readonly #stores: readonly [Store, Store];

  /** Stores that never throw and never reject. */
  constructor(from: Store, to: Store) {
    this.#stores = [from, to];
  }

  /** With a CAS as that pool knows it, and so is the one of the reply. */
  ask(pool: Pool, operation: Operation): Promise<Reply> {
    return this.#stores[pool].execute(operation);
  }

  /** The same, without waiting for the answer. */
  tell(pool: Pool, operation: Operation): void {
    void this.#stores[pool].execute(operation);
  }

  /** A reply of that pool as it leaves. */
  branded(pool: Pool, reply: Reply): Reply {
    return brandedReply(pool, reply);
  }

  /** The pool that gave a CAS, `undefined` if neither can have. */
  poolOf(cas: string): Pool | undefined {
    const part = partOfCas(cas);
    return part === oldPool || part === newPool ? part : undefined;
  }

  /** A CAS as its pool gave it. */
  bare(cas: string): string {
    return casOfPart(cas);
  }
}
