import { reliable } from '../core/reliable.ts';
import type { Operation, Reply, Store } from '../core/store.ts';
import { unusable } from './failure.ts';

/**
 * What all wrappers and routes have in common: a name, their parts, and that they never throw. They own their parts: `close()`
 * closes each of them once.
 */
export abstract class Route implements Store {
  readonly name: string;
  readonly parts: readonly Store[];
  #closing: Promise<void> | undefined;

  constructor(name: string, parts: readonly Store[]) {
    this.name = name;
    this.parts = parts;
    reliable(this);
  }

  execute(operation: Operation): Promise<Reply> {
    try {
      return this.ask(operation);
    } catch (thrown) {
      return unusable(operation, thrown);
    }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#closeParts());
  }

  /**
   * Carries out an operation with parts that never reject. May throw only before any part was asked: an operation that is
   * none shows in that.
   */
  protected abstract ask(operation: Operation): Promise<Reply>;

  /** What the route holds beside its parts: called once, before these are closed. */
  protected release(): void {}

  async #closeParts(): Promise<void> {
    this.release();
    await Promise.all([...new Set(this.parts)].map(closed));
  }
}

/** A part that fails to close is as closed as it will ever be. */
async function closed(part: Store): Promise<void> {
  try {
    await part.close();
  } catch {
    return;
  }
}
