import {
  conflict,
  type Destination,
  type GetOperation,
  type Operation,
  type ReleaseOperation,
  type Reply,
  type Store,
} from '../core/store.ts';
import { asPartKnows, brandedReply, partOf } from './cas-brand.ts';
import { cleaning, unconditional } from './cleaning.ts';
import { cleaned, confirmed } from './confirmation.ts';
import { answered, mayFallBack } from './failure.ts';
import { guardedPart } from './guarded-part.ts';
import { Route } from './route.ts';
import { placeOfCopy } from './spread-copies.ts';

export interface CascadeRules {
  /** Whether the next part is asked after a miss, too. */
  readonly onMiss: boolean;
  /** Whether a plain write that fails is tried in the next part. */
  readonly writesFailOver: boolean;
}

/**
 * Parts in an order of preference: `failover` and `missFailover` in one, as they differ only in what leads to the next part.
 * Every write goes to one part and removes the entry from all others, so that none of them ever brings back what is older.
 */
export class Cascade extends Route {
  readonly #parts: readonly Store[];
  readonly #rules: CascadeRules;

  constructor(name: string, parts: readonly Store[], rules: CascadeRules) {
    super(name, parts);
    this.#parts = parts.map(guardedPart);
    this.#rules = rules;
  }

  protected ask(operation: Operation): Promise<Reply> {
    const copy = placeOfCopy(operation, this.#parts.length);
    if (copy !== undefined) return this.#parts[copy.part]!.execute(copy.operation);
    if (operation.kind === 'get')
      return this.#parts[0]!.execute(operation).then((reply) =>
        reply.kind === 'hit' ? brandFirst(reply) : answered(this.#descend(operation, reply)),
      );
    const part = partOf(operation);
    if (this.#parts[part] === undefined) return Promise.resolve(conflict);
    const known = asPartKnows(operation);
    if (operation.kind === 'release') return this.#askOne(part, known);
    if (toAll(operation))
      return Promise.all(this.#parts.map((each) => each.execute(operation))).then(confirmed);
    return answered(this.#write(part, known));
  }

  destinations(operation: Operation): readonly Destination[] {
    const [first, ...others] = this.parts as readonly [Store, ...Store[]];
    const copy = placeOfCopy(operation, this.parts.length);
    if (copy !== undefined)
      return [{ store: this.parts[copy.part]!, role: 'first', operation: copy.operation }];
    if (operation.kind === 'get' || toAll(operation)) {
      const role = operation.kind === 'get' ? 'fallback' : 'also';
      return [
        { store: first, role: 'first', operation },
        ...others.map((store) => ({ store, role, operation }) as const),
      ];
    }
    const part = partOf(operation);
    if (this.parts[part] === undefined) return [];
    const one = { store: this.parts[part]!, role: 'first', operation: asPartKnows(operation) } as const;
    if (operation.kind === 'release') return [one];
    const removal = removalOf(operation);
    const rest = this.parts.filter((store) => store !== one.store);
    return [one, ...rest.map((store) => ({ store, role: 'also', operation: removal }) as const)];
  }

  /** Goes on with the parts behind the first, which has not answered a hit. */
  async #descend(operation: GetOperation, first: Reply): Promise<Reply> {
    let reply = first;
    let failed: Reply | undefined;
    let miss: Reply | undefined;
    let giveBack: (() => void) | undefined;
    for (let part = 0; ; part++) {
      if (reply.kind === 'hit') {
        giveBack?.();
        return brandedReply(part, reply);
      }
      if (reply.kind === 'failed') {
        if (!mayFallBack(reply)) return reply;
        failed ??= reply;
      } else if (!this.#rules.onMiss) return brandedReply(part, reply);
      else if (miss === undefined && reply.kind === 'miss') {
        miss = brandedReply(part, reply);
        const lease = reply.lease === 'won' ? leaseOf(operation, reply.cas) : undefined;
        if (lease !== undefined) giveBack = () => void this.#parts[part]!.execute(lease);
      }
      const next = this.#parts[part + 1];
      if (next === undefined) return miss ?? failed!;
      // One right for one asker: who may fill one part wants nothing of the next but its value.
      reply = await next.execute(miss === undefined ? operation : unleased(operation));
    }
  }

  #askOne(part: number, operation: Operation): Promise<Reply> {
    return this.#parts[part]!.execute(operation).then((reply) => brandedReply(part, reply));
  }

  async #write(part: number, operation: Operation): Promise<Reply> {
    const removal = removalOf(operation);
    const change = this.#parts[part]!.execute(operation);
    const others = [...this.#parts.keys()].filter((index) => index !== part);
    const removals = others.map((index) => this.#parts[index]!.execute(removal));
    const reply = await change;
    const gone = await Promise.all(removals);
    const plain = !('cas' in operation) && operation.kind !== 'delete';
    if (reply.kind === 'failed' && plain && this.#rules.writesFailOver && mayFallBack(reply)) {
      // Only where nothing older is left; asked one after the other, as the first that takes it is enough.
      for (const [at, index] of others.entries()) {
        if (gone[at]!.kind === 'failed') continue;
        const taken = await this.#parts[index]!.execute(operation);
        if (taken.kind !== 'failed') return brandedReply(index, taken);
      }
    }
    return brandedReply(part, cleaned(reply, gone));
  }
}

const brandFirst = (reply: Reply): Reply => brandedReply(0, reply);

/** What holds for the entry wherever it is kept. A touch may shorten a life, which is an invalidation. */
function toAll(operation: Operation): boolean {
  return operation.kind === 'touch' || (operation.kind === 'delete' && operation.cas === undefined);
}

function removalOf(operation: Operation): Operation {
  return operation.kind === 'delete' ? unconditional(operation) : cleaning(operation);
}

function leaseOf({ key, routingKey, deadline }: GetOperation, cas: string): ReleaseOperation {
  const lease: ReleaseOperation = { kind: 'release', key, right: 'lease', cas, deadline };
  return routingKey === undefined ? lease : { ...lease, routingKey };
}

function unleased(operation: GetOperation): GetOperation {
  if (operation.lease === undefined) return operation;
  const { lease: _, ...rest } = operation;
  return rest;
}
