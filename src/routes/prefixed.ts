import { wrongOption } from '../core/error.ts';
import type { Destination, Operation, Reply, Store } from '../core/store.ts';
import { guardedPart } from './guarded-part.ts';
import { checkedName, checkedOptions, checkedPart } from './route-options.ts';
import { Route } from './route.ts';

export interface PrefixedOptions {
  /** Default `prefixed`. */
  readonly name?: string;
}

/**
 * Pools of their own for some keys: the longest of the prefixes that a key begins with names its pool, and the others go to
 * `otherwise`. So what churns, what is dear and what must not be evicted do not push each other out. The keys of a cache begin with
 * the name of its cistern and its own: `shop:user:`.
 *
 * An operation costs a look at one character per different length of prefixes, and a look-up where it fits; the pool's promise is handed on. A pool may have several prefixes.
 */
export function prefixed(
  pools: Readonly<Record<string, Store>>,
  otherwise: Store,
  options: PrefixedOptions = {},
): Store {
  checkedOptions(options, ['name']);
  if (typeof pools !== 'object' || pools === null || Array.isArray(pools))
    throw wrongOption('pools', pools, 'an object of stores by prefix');
  checkedPart('otherwise', otherwise);
  const byPrefix = new Map(Object.entries(pools));
  for (const [prefix, pool] of byPrefix) {
    if (!/^[!-~]{1,160}$/.test(prefix))
      throw wrongOption('prefix', prefix, '1 to 160 printable ASCII characters, as keys have them');
    checkedPart(prefix, pool);
  }
  const name = checkedName(options.name, 'prefixed');
  const alike = [...byPrefix.values()].every((pool) => pool === otherwise);
  return alike ? otherwise : new PrefixedRoute(name, byPrefix, otherwise);
}

class PrefixedRoute extends Route {
  readonly #pools = new Map<string, number>();
  readonly #guarded: readonly Store[];
  /** Longest first. */
  readonly #lengths: readonly PrefixLength[];

  constructor(name: string, pools: ReadonlyMap<string, Store>, otherwise: Store) {
    super(name, [...new Set([otherwise, ...pools.values()])]);
    this.#guarded = this.parts.map(guardedPart);
    for (const [prefix, pool] of pools) this.#pools.set(prefix, this.parts.indexOf(pool));
    this.#lengths = lengthsOf([...pools.keys()]);
  }

  protected ask(operation: Operation): Promise<Reply> {
    return this.#guarded[this.#partOf(operation.key)]!.execute(operation);
  }

  destinations(operation: Operation): readonly Destination[] {
    return [{ store: this.parts[this.#partOf(operation.key)]!, role: 'first', operation }];
  }

  #partOf(key: string): number {
    for (const { length, ends } of this.#lengths) {
      if (ends[key.charCodeAt(length - 1)] !== 1) continue;
      const pool = this.#pools.get(key.slice(0, length));
      if (pool !== undefined) return pool;
    }
    return 0;
  }
}

/** Prefixes of the same length. */
interface PrefixLength {
  readonly length: number;
  /** 1 at the characters that they end with: most keys have another one there, and no text is made to find that out. */
  readonly ends: Uint8Array;
}

function lengthsOf(prefixes: readonly string[]): readonly PrefixLength[] {
  const lengths = new Map<number, Uint8Array>();
  for (const prefix of prefixes) {
    const ends = lengths.get(prefix.length) ?? new Uint8Array(128);
    ends[prefix.charCodeAt(prefix.length - 1)] = 1;
    lengths.set(prefix.length, ends);
  }
  return Array.from(lengths, ([length, ends]) => ({ length, ends })).toSorted((a, b) => b.length - a.length);
}
