import { type Events, tell } from '../core/events.ts';

/**
 * Tells of entries that have left the near tier, in their order, once the call that removed them is done: a listener that used the cache in
 * the midst of that call would find it half changed.
 */
export class RemovedEntries {
  #waiting: Events['removed'][] = [];

  add(removed: Events['removed']): void {
    if (this.#waiting.push(removed) === 1) void Promise.resolve().then(this.#tell);
  }

  readonly #tell = (): void => {
    const all = this.#waiting;
    this.#waiting = [];
    for (const each of all) tell('removed', each);
  };
}
