import { wrongOption } from '../core/error.ts';
import type { Destination, Operation, Reply, Role, Store } from '../core/store.ts';
import { brandedReply } from './cas-brand.ts';
import { confirmed } from './confirmation.ts';
import { answered } from './failure.ts';
import { guardedPart } from './guarded-part.ts';
import { KnownStates } from './mirror/known-states.ts';
import { MirrorReader } from './mirror/mirror-reader.ts';
import { MirrorWriter, type Sent } from './mirror/mirror-writer.ts';
import { checkedChoice, checkedName, checkedOptions, checkedParts } from './route-options.ts';
import { Route } from './route.ts';
import { checkSalts } from './salt.ts';
import { placeOfCopy } from './spread-copies.ts';

export interface MirroredOptions {
  /** The pool in this process's own zone, by its index or its name: read first. Default 0. */
  readonly readFrom?: number | string;
  /**
   * How many pools must have taken a value before it counts as stored: `one` of them, more than half, or `all` (default). With fewer than all a
   * pool that was left out may keep what is older until it expires. Invalidations always need all.
   */
  readonly writes?: 'one' | 'quorum' | 'all';
  /** Default `mirrored`. */
  readonly name?: string;
}

/**
 * Pools that each hold everything, one per zone: reads stay in the own zone, and a lost server, or pool, costs no load of the source. Give the
 * pools in the same order in every process; only `readFrom` differs.
 *
 * A read asks the own pool; the others when that fails or misses. A value is never carried from one pool to another, for an
 * invalidation may have passed in between. Instead whoever wins the right to load is told the state of every pool before the load, and its fill
 * goes to each by that pool's own CAS: where somebody has invalidated since, it is refused. So each pool for itself is as
 * right as one alone, and one load fills all. Of several winners in several zones the one in the first pool of the list counts.
 *
 * A set by a CAS that came with no right removes the entry from the other pools, a plain set goes to all. On an add and a replace one
 * pool decides, the first that answers, and the others follow it. A count and an append are kept by that pool alone, and the
 * entry removed from the others: so counters cannot differ, and with the pool they are lost. Deletes and touches go to
 * all, and are confirmed by all or not at all. The copies of a record are spread over the pools.
 *
 * Source: Netflix, EVCache; Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1 for the leases. One pool is given
 * back as it is.
 */
export function mirrored(pools: readonly Store[], options: MirroredOptions = {}): Store {
  checkedOptions(options, ['readFrom', 'writes', 'name']);
  const parts = checkedParts('pools', pools);
  const writes = checkedChoice('writes', options.writes ?? 'all', ['one', 'quorum', 'all']);
  const own = ownPool(parts, options.readFrom ?? 0);
  const name = checkedName(options.name, 'mirrored');
  if (parts.length === 1) return parts[0]!;
  checkSalts(parts);
  const needed = { one: 1, quorum: Math.floor(parts.length / 2) + 1, all: parts.length }[writes];
  return new Mirrored(name, parts, own, needed);
}

function ownPool(pools: readonly Store[], readFrom: number | string): number {
  const index = typeof readFrom === 'string' ? pools.findIndex(({ name }) => name === readFrom) : readFrom;
  if (pools[index] !== undefined) return index;
  const names = pools.map(({ name }) => `'${name}'`).join(', ');
  throw wrongOption('readFrom', readFrom, `the index or the name of one of the pools: ${names}`);
}

class Mirrored extends Route {
  readonly #pools: readonly Store[];
  readonly #order: readonly number[];
  readonly #reader: MirrorReader;
  readonly #writer: MirrorWriter;

  constructor(name: string, pools: readonly Store[], own: number, needed: number) {
    super(name, pools);
    this.#pools = pools.map(guardedPart);
    this.#order = [own, ...[...pools.keys()].filter((index) => index !== own)];
    const states = new KnownStates();
    this.#reader = new MirrorReader(this.#pools, this.#order, states);
    this.#writer = new MirrorWriter(name, this.#pools, this.#order, states, needed);
  }

  protected ask(operation: Operation): Promise<Reply> {
    const copy = placeOfCopy(operation, this.#pools.length);
    if (copy !== undefined) return this.#pools[copy.part]!.execute(copy.operation);
    switch (operation.kind) {
      case 'get':
        return this.#reader.read(operation);
      case 'set':
        if (operation.mode === 'set' && operation.cas === undefined)
          return answered(this.#writer.setAll(operation));
        if (operation.mode === 'add' || operation.cas === undefined)
          return answered(this.#writer.decide(operation));
        return answered(this.#writer.setByCas(operation));
      case 'count':
        return answered(this.#writer.decide(operation));
      case 'release':
        return this.#writer.release(operation);
      case 'delete':
        return operation.cas === undefined
          ? this.#askAll(operation)
          : answered(this.#writer.deleteByCas(operation));
      case 'touch':
        return this.#askAll(operation);
      default:
        return this.#pools[0]!.execute(operation);
    }
  }

  destinations(operation: Operation): readonly Destination[] {
    const copy = placeOfCopy(operation, this.#pools.length);
    if (copy !== undefined)
      return [{ store: this.parts[copy.part]!, role: 'first', operation: copy.operation }];
    switch (operation.kind) {
      case 'get':
        return this.#named(this.#everywhere(operation), 'fallback');
      case 'set':
        if (operation.mode === 'set' && operation.cas === undefined)
          return this.#named(this.#everywhere(operation), 'also');
        if (operation.mode === 'add' || operation.cas === undefined)
          return this.#named(this.#writer.decision(operation), 'share');
        return this.#named(this.#writer.plan(operation).sent, 'also');
      case 'count':
        return this.#named(this.#writer.decision(operation), 'share');
      case 'release':
        return this.#named(this.#writer.releases(operation), 'also');
      case 'delete':
        return operation.cas === undefined
          ? this.#named(this.#everywhere(operation), 'also')
          : this.#named(this.#writer.removals(operation), 'share');
      case 'touch':
        return this.#named(this.#everywhere(operation), 'also');
    }
  }

  #everywhere(operation: Operation): readonly Sent[] {
    return this.#order.map((pool) => ({ pool, operation }));
  }

  /** An invalidation, or what may be one. */
  #askAll(operation: Operation): Promise<Reply> {
    const own = this.#order[0]!;
    const replies = this.#order.map((pool) => this.#pools[pool]!.execute(operation));
    return Promise.all(replies).then((all) => brandedReply(own, confirmed(all)));
  }

  #named(sent: readonly Sent[], others: Role): readonly Destination[] {
    return sent.map(({ pool, operation }, at) => ({
      store: this.parts[pool]!,
      role: at === 0 ? 'first' : others,
      operation,
    }));
  }
}
