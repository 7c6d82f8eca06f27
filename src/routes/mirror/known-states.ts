import type { Right } from '../../core/store.ts';

/** What a reader saw of an entry in one pool, at the time when it won the right to fill it. */
export interface KnownState {
  readonly pool: number;
  /** Of the entry, or of the placeholder. */
  readonly cas: string;
  /** The right that was won there with it; `undefined`: it was only seen. */
  readonly right: Right | undefined;
}

/** What the winner of a right knows of the other pools. A pool that failed is in neither list. */
export interface Knowledge {
  readonly states: readonly KnownState[];
  /** Pools that answered without a CAS: nothing can be filled there, and nothing is known of what they hold next. */
  readonly unknown: readonly number[];
}

/** Rights remembered at most; beyond, the oldest are forgotten, and then the entry is removed from the other pools instead of filled. */
const most = 10_000;

/**
 * What was seen in the other pools by those who hold a right in one, until they use it. The caller knows one CAS only; with what
 * is remembered here its fill goes to every pool by that pool's own CAS, taken before the value was loaded. So it is refused
 * wherever somebody has invalidated meanwhile.
 */
export class KnownStates {
  readonly #held = new Map<string, Knowledge>();

  remember(key: string, cas: string, knowledge: Knowledge): void {
    this.#held.set(nameOf(key, cas), knowledge);
    if (this.#held.size > most) this.#held.delete(this.#held.keys().next().value!);
  }

  find(key: string, cas: string): Knowledge | undefined {
    return this.#held.size === 0 ? undefined : this.#held.get(nameOf(key, cas));
  }

  forget(key: string, cas: string): void {
    this.#held.delete(nameOf(key, cas));
  }
}

/** Neither has a space. */
function nameOf(key: string, cas: string): string {
  return `${cas} ${key}`;
}
