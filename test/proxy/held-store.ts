import { plainMiss, type Operation, type Reply, type Store } from '../../src/core/store.ts';

export interface HeldOperation {
  readonly operation: Operation;
  answer(reply: Reply): void;
}

/** A store that answers when it is told to, in any order. */
export class HeldStore implements Store {
  readonly name = 'held';
  readonly parts: readonly Store[] = [];
  readonly raw = true;
  readonly held: HeldOperation[] = [];
  /** Most that were ever held at once. */
  most = 0;
  cleared = 0;
  #clearing: ((done: boolean) => void) | undefined;

  execute(operation: Operation): Promise<Reply> {
    return new Promise((resolve) => {
      this.held.push({ operation, answer: resolve });
      this.most = Math.max(this.most, this.held.length);
    });
  }

  /** Answers the one at this place, the oldest by default; gets are misses, all else is stored. */
  answer(place = 0, reply?: Reply): Operation {
    const [held] = this.held.splice(place, 1);
    const { operation } = held!;
    held!.answer(reply ?? (operation.kind === 'get' ? plainMiss : { kind: 'stored', cas: '1' }));
    return operation;
  }

  clear(): Promise<boolean> {
    this.cleared++;
    return new Promise((resolve) => (this.#clearing = resolve));
  }

  finishClear(done: boolean): void {
    this.#clearing!(done);
  }

  async close(): Promise<void> {}
}

export function hit(value: string | Uint8Array, more: Partial<Extract<Reply, { kind: 'hit' }>> = {}): Reply {
  return {
    kind: 'hit',
    value: Buffer.from(value),
    flags: 0,
    cas: '7',
    freshFor: Number.POSITIVE_INFINITY,
    expiresIn: Number.POSITIVE_INFINITY,
    marked: false,
    claim: 'none',
    ...more,
  };
}
