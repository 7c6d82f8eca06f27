import type { Right } from '../../core/store.ts';

/** What was taken in the other pool when a right was won, or an entry read to be changed, in the one that answered. */
export interface Twin {
  /** The right that was won in the pool that answered, if one was. */
  readonly ownRight: Right | undefined;
  /** CAS of the other pool, as that knows it; `undefined`: nothing could be taken there. */
  readonly cas: string | undefined;
  /** The right that was won there. */
  readonly right: Right | undefined;
}

/** Rights remembered at most. One that is forgotten costs a load: its fill reaches one pool alone, and its lease ends by itself. */
const most = 10_000;

/**
 * Which right of the one pool belongs to which of the other: a CAS never crosses over, so a fill that is to reach both needs one of
 * each, both taken before the source was read.
 */
export class TwinRights {
  readonly #twins = new Map<string, Twin>();

  get size(): number {
    return this.#twins.size;
  }

  remember(key: string, cas: string, twin: Twin): void {
    this.#twins.delete(nameOf(key, cas));
    this.#twins.set(nameOf(key, cas), twin);
    if (this.#twins.size > most) this.#twins.delete(this.#twins.keys().next().value!);
  }

  /** Hands it out, once. */
  take(key: string, cas: string): Twin | undefined {
    if (this.#twins.size === 0) return undefined;
    const name = nameOf(key, cas);
    const twin = this.#twins.get(name);
    if (twin !== undefined) this.#twins.delete(name);
    return twin;
  }
}

/** Neither has spaces. */
function nameOf(key: string, cas: string): string {
  return `${cas} ${key}`;
}
