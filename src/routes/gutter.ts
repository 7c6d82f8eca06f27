import { type Duration, milliseconds } from '../core/duration.ts';
import {
  conflict,
  type Destination,
  type FailedReply,
  type GetOperation,
  type Operation,
  type Reply,
  type Store,
} from '../core/store.ts';
import { asPartKnows, brandedReply, partOf } from './cas-brand.ts';
import { cleaning, unconditional } from './cleaning.ts';
import { cleaned } from './confirmation.ts';
import { mayFallBack } from './failure.ts';
import { guardedPart } from './guarded-part.ts';
import { LifeCeiling } from './life-ceiling.ts';
import { checkedName, checkedOptions, checkedPart } from './route-options.ts';
import { Route } from './route.ts';
import { checkSalts } from './salt.ts';

export interface GutterOptions {
  /** The longest life of an entry in the gutter: how old an answer of it may be at most, whatever got lost. Default 10 s. */
  readonly ttl?: Duration;
  /** Default `gutter`. */
  readonly name?: string;
}

/**
 * A small pool of spare servers that answers gets while those of the main pool that should fail. Only a failure leads there,
 * never a miss: so a dead server's keys are neither loaded by everybody nor moved to its siblings, which they might take down too.
 *
 * What the gutter gave a lease or a CAS for is filled there. Everything else is written to the main pool alone, and a write that
 * fails there fails: a plain write in the gutter would fork counters and records, and outlive what is written to the main pool
 * next. What changes an entry without a CAS, deletes first of all, is also deleted in the gutter, always, as another
 * process may have filled it there; the answer is a failure if that fails. Entries that are known by a `copy` are kept on
 * several servers already, and have no business here.
 *
 * Source: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.3; mcrouter, FailoverWithExptime and lease pairing.
 */
export function gutter(main: Store, spare: Store, options: GutterOptions = {}): Store {
  checkedOptions(options, ['ttl', 'name']);
  const parts = [checkedPart('main', main), checkedPart('gutter', spare)] as const;
  checkSalts(parts);
  const ceiling = new LifeCeiling(milliseconds('ttl', options.ttl ?? '10s'));
  return new GutterRoute(checkedName(options.name, 'gutter'), parts, ceiling);
}

class GutterRoute extends Route {
  readonly #main: Store;
  readonly #gutter: Store;
  readonly #ceiling: LifeCeiling;

  constructor(name: string, parts: readonly [Store, Store], ceiling: LifeCeiling) {
    super(name, parts);
    this.#main = guardedPart(parts[0]);
    this.#gutter = guardedPart(parts[1]);
    this.#ceiling = ceiling;
  }

  protected ask(operation: Operation): Promise<Reply> {
    if (operation.copy !== undefined) return this.#main.execute(operation);
    if (operation.kind === 'get')
      return this.#main
        .execute(operation)
        .then((reply) => (reply.kind === 'failed' ? this.#fallback(operation, reply) : brandMain(reply)));
    const part = partOf(operation);
    if (part === 1) return this.#askGutter(asPartKnows(operation));
    if (part !== 0) return Promise.resolve(conflict);
    const asked = asPartKnows(operation);
    const other = this.#cleaning(operation);
    if (other === undefined) return this.#main.execute(asked).then(brandMain);
    const change = this.#main.execute(asked);
    const gone = this.#gutter.execute(other);
    return change.then((reply) => gone.then((done) => brandMain(cleaned(reply, [done]))));
  }

  destinations(operation: Operation): readonly Destination[] {
    const [main, spare] = this.parts as readonly [Store, Store];
    const first = { store: main, role: 'first' as const };
    if (operation.copy !== undefined) return [{ ...first, operation }];
    if (operation.kind === 'get')
      return [
        { ...first, operation },
        { store: spare, role: 'fallback', operation: this.#ceiling.lowered(untouched(operation)) },
      ];
    const part = partOf(operation);
    if (part === 1)
      return [{ store: spare, role: 'first', operation: this.#ceiling.lowered(asPartKnows(operation)) }];
    if (part !== 0) return [];
    const other = this.#cleaning(operation);
    return [
      { ...first, operation: asPartKnows(operation) },
      ...(other === undefined ? [] : [{ store: spare, role: 'also' as const, operation: other }]),
    ];
  }

  #fallback(operation: GetOperation, failed: FailedReply): Reply | Promise<Reply> {
    if (!mayFallBack(failed)) return failed;
    try {
      return this.#askedInstead(operation, failed);
    } catch {
      // It is not what its type says, and so the main pool was right to refuse it.
      return failed;
    }
  }

  #askedInstead(operation: GetOperation, failed: FailedReply): Promise<Reply> {
    return this.#askGutter(untouched(operation)).then((reply) => (reply.kind === 'failed' ? failed : reply));
  }

  #askGutter(operation: Operation): Promise<Reply> {
    return this.#ceiling.ask(this.#gutter, operation).then(brandGutter);
  }

  /** What becomes of the gutter's entry when the main pool's is changed; `undefined` where it may stay as it is. */
  #cleaning(operation: Operation): Operation | undefined {
    const { kind } = operation;
    if (kind === 'delete') return this.#ceiling.lowered(unconditional(operation));
    // A fill does not change what is true; a change of the truth comes with a delete. A longer life changes nothing here.
    const changes =
      kind === 'count' ||
      (kind === 'set' && operation.cas === undefined) ||
      (kind === 'touch' && this.#ceiling.life(operation.life) === operation.life);
    return changes ? cleaning(operation) : undefined;
  }
}

const brandMain = (reply: Reply): Reply => brandedReply(0, reply);
const brandGutter = (reply: Reply): Reply => brandedReply(1, reply);

/** In the gutter no get lengthens a life: asked often enough, an entry would outlive its ceiling for ever. */
function untouched(operation: GetOperation): GetOperation {
  if (operation.touch === undefined) return operation;
  const { touch: _, ...rest } = operation;
  return rest;
}
