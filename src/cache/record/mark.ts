import { digest128 } from '../../core/runtime.ts';

/**
 * A random name that is renewed now and then: the incarnation of a record, or a cache's generation in it. It knows the names that it
 * came after, so that of two marks the newer one can be told from an older one that has come back, and both from marks that were
 * made without knowledge of each other.
 */
export interface Mark {
  /** Random, or made of two others by `joined`. Never the same twice. */
  readonly token: string;
  /** One more than that of every mark it came after: bounds which of them are worth remembering. */
  readonly order: number;
  /** The tokens that it came after, the latest first: not all of them, see `mostBefore`. */
  readonly before: readonly string[];
}

/** Earlier tokens that a mark remembers. An older one that comes back costs the cache its entries once more, no wrong answer. */
export const mostBefore = 8;

/** The mark that comes after another. */
export function after(mark: Mark | undefined, token: string): Mark {
  if (mark === undefined) return { token, order: 1, before: [] };
  return { token, order: mark.order + 1, before: [mark.token, ...mark.before].slice(0, mostBefore) };
}

/**
 * What comes after both: one of the two if it came after the other, else a third, the same whoever makes it. Nothing that was
 * ended by either of the two is named by it. So what a process goes by only moves on: to names that it has not gone by before.
 */
export function joined(one: Mark, other: Mark): Mark {
  if (one.token === other.token || one.before.includes(other.token)) return one;
  if (other.before.includes(one.token)) return other;
  const [high, low] =
    one.order > other.order || (one.order === other.order && one.token > other.token)
      ? [one, other]
      : [other, one];
  const before = new Set([high.token, low.token]);
  for (let index = 0; index < mostBefore; index++)
    for (const each of [high.before[index], low.before[index]]) if (each !== undefined) before.add(each);
  return {
    token: digest128(`${high.token} ${low.token}`).slice(0, 8),
    order: high.order + 1,
    before: [...before].slice(0, mostBefore),
  };
}
