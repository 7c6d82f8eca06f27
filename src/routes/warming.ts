import { type Duration, milliseconds } from '../core/duration.ts';
import {
  type DeleteOperation,
  type Destination,
  type GetOperation,
  type HitReply,
  type Life,
  longestLife,
  type MissReply,
  type Operation,
  plainMiss,
  type ReleaseOperation,
  type Reply,
  type SetOperation,
  type Store,
} from '../core/store.ts';
import { cleaning, unconditional } from './cleaning.ts';
import { cleaned } from './confirmation.ts';
import { answered } from './failure.ts';
import { guardedPart } from './guarded-part.ts';
import { checkedFlag, checkedName, checkedOptions, checkedPart } from './route-options.ts';
import { Route } from './route.ts';

export interface WarmingOptions {
  /** For how long after a delete nothing is copied: longer than the warm pool's own invalidations may take to arrive. Default 2 s. */
  readonly holdOff?: Duration;
  /** Whether what is written or deleted here is also removed from the warm pool. Default `true`. */
  readonly clean?: boolean;
  /** Default `warming`. */
  readonly name?: string;
}

/**
 * A cold pool that is filled from a warm one, by those who read it. Reads and writes are the cold pool's; on a miss the warm one is
 * looked into, and a fresh entry is copied with the life that is left, by the CAS of a lease of the cold pool: so a delete in the
 * meantime refuses it. Nothing is copied that is aged or marked, or whose reload somebody has the right to.
 *
 * A delete goes to the warm pool first, and to the cold one when that is done: what is copied afterwards was read afterwards. As others may
 * invalidate the warm pool later, on ways of their own, a delete also leaves an entry `<key>::~hold` in the cold pool, and while that
 * is there nothing is copied. It may be evicted, and the time is a guess: this part is best effort.
 *
 * A miss costs up to three questions one after the other, and a plain get takes a lease for a second to copy by. A write that depends on what is
 * there copies it first. Records that are known by a `copy` are copied, but never removed from the warm pool. Take the route out when
 * the hit ratio of the cold pool is that of the warm one.
 *
 * Source: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 4.3 (there by `add`, and a delete with a hold-off);
 * mcrouter, WarmUpRoute.
 */
export function warming(cold: Store, warm: Store, options: WarmingOptions = {}): Store {
  checkedOptions(options, ['holdOff', 'clean', 'name']);
  const parts = [checkedPart('cold', cold), checkedPart('warm', warm)] as const;
  const holdOff = milliseconds('holdOff', options.holdOff ?? '2s', { most: longestLife });
  const clean = checkedFlag('clean', options.clean ?? true);
  return new Warming(checkedName(options.name, 'warming'), parts, holdOff, clean);
}

/** How long a get that wants no lease holds one, in milliseconds, while it looks into the warm pool. */
const copyLease = 1000;
const nothing = new Uint8Array();

class Warming extends Route {
  readonly #cold: Store;
  readonly #warm: Store;
  readonly #holdOff: number;
  readonly #clean: boolean;

  constructor(name: string, parts: readonly [Store, Store], holdOff: number, clean: boolean) {
    super(name, parts);
    this.#cold = guardedPart(parts[0]);
    this.#warm = guardedPart(parts[1]);
    this.#holdOff = holdOff;
    this.#clean = clean;
  }

  protected ask(operation: Operation): Promise<Reply> {
    if (operation.kind === 'get') {
      const asked = leased(operation);
      return this.#cold
        .execute(asked)
        .then((reply) => (reply.kind === 'miss' ? answered(this.#missed(operation, reply)) : reply));
    }
    if (operation.kind === 'delete') return answered(this.#delete(operation));
    if (operation.kind === 'release') return this.#cold.execute(operation);
    return answered(dependsOnEntry(operation) ? this.#writeOver(operation) : this.#write(operation));
  }

  destinations(operation: Operation): readonly Destination[] {
    const [cold, warm] = this.parts as readonly [Store, Store];
    const other = this.#removal(operation);
    const removed: readonly Destination[] =
      other === undefined ? [] : [{ store: warm, role: 'also', operation: other }];
    const first: Destination = { store: cold, role: 'first', operation };
    switch (operation.kind) {
      case 'get':
        return [
          { ...first, operation: leased(operation) },
          { store: warm, role: 'fallback', operation: looking(operation) },
        ];
      case 'delete':
        return [first, { store: cold, role: 'also', operation: this.#hold(operation) }, ...removed];
      case 'release':
        return [first];
      default:
        return dependsOnEntry(operation)
          ? [
              first,
              { store: cold, role: 'also', operation: leased(reading(operation)) },
              ...(other === undefined
                ? [{ store: warm, role: 'fallback', operation: reading(operation) } as const]
                : removed),
            ]
          : [first, ...removed];
    }
  }

  /** The cold pool has no entry. */
  async #missed(operation: GetOperation, reply: MissReply): Promise<Reply> {
    const wanted = operation.lease !== undefined;
    if (wanted && reply.lease === 'lost') return reply;
    const found = await this.#find(operation);
    const won = reply.lease === 'won';
    if (found !== undefined)
      return won ? await this.#copy(operation, reply.cas, found) : { ...found, cas: '' };
    if (wanted) return reply;
    if (won) await this.#cold.execute(releaseOf(operation, 'lease', reply.cas));
    return plainMiss;
  }

  /** What the warm pool has, if it may be copied. Asked after the hold-off, which was asked after the lease: the order is the proof. */
  async #find(operation: GetOperation): Promise<HitReply | undefined> {
    const held = await this.#cold.execute({ ...reading(operation), ...holdAddress(operation) });
    if (held.kind !== 'miss') return undefined;
    const found = await this.#warm.execute(looking(operation));
    if (found.kind !== 'hit') return undefined;
    if (found.claim === 'won') {
      const right = found.marked ? 'stale' : 'recache';
      void this.#warm.execute(releaseOf(operation, right, found.cas));
    }
    return found.claim === 'none' && found.freshFor > 0 ? found : undefined;
  }

  async #copy(operation: GetOperation, cas: string, found: HitReply): Promise<Reply> {
    const { key, routingKey, copy, deadline, touch } = operation;
    const life = lifeLeft(found, touch);
    const fill: SetOperation = {
      kind: 'set',
      mode: 'set',
      key,
      value: found.value,
      flags: found.flags,
      life,
      cas,
      deadline,
      ...(routingKey === undefined ? undefined : { routingKey }),
      ...(copy === undefined ? undefined : { copy }),
    };
    const filled = await this.#cold.execute(fill);
    // Somebody has invalidated it, or stored something: what was found may be older.
    if (filled.kind !== 'stored' && filled.kind !== 'failed') return plainMiss;
    return {
      ...found,
      cas: filled.kind === 'stored' ? filled.cas : '',
      freshFor: life.freshFor,
      expiresIn: life.freshFor + life.staleFor,
    };
  }

  async #delete(operation: DeleteOperation): Promise<Reply> {
    const removal = this.#removal(operation);
    const hold = this.#cold.execute(this.#hold(operation));
    const removed = removal === undefined ? undefined : this.#warm.execute(removal);
    const before = [await hold, ...(removed === undefined ? [] : [await removed])];
    const reply = await this.#cold.execute(operation);
    // The hold-off is stored, but that says nothing of the entry.
    return cleaned(
      reply,
      before.filter((each, at) => at > 0 || each.kind === 'failed'),
    );
  }

  async #write(operation: Operation): Promise<Reply> {
    const removal = this.#removal(operation);
    const change = this.#cold.execute(operation);
    if (removal === undefined) return await change;
    const removed = this.#warm.execute(removal);
    const reply = await change;
    const gone = await removed;
    return gone.kind === 'failed' ? cleaned(reply, [gone]) : reply;
  }

  /** What the warm pool has must be here before it can be added to, or stand in the way. */
  async #writeOver(operation: Operation): Promise<Reply> {
    await this.ask(reading(operation));
    return await this.#write(operation);
  }

  #removal(operation: Operation): Operation | undefined {
    if (!this.#clean || operation.copy !== undefined) return undefined;
    if (operation.kind === 'get' || operation.kind === 'release') return undefined;
    return operation.kind === 'delete' ? unconditional(operation) : cleaning(operation);
  }

  #hold(operation: DeleteOperation): SetOperation {
    const { deadline } = operation;
    const life = { freshFor: this.#holdOff, staleFor: 0 };
    const entry = { kind: 'set', mode: 'set', value: nothing, flags: 0 } as const;
    return { ...entry, ...holdAddress(operation), life, deadline };
  }
}

/** The hold-off lies on the server of its entry. */
function holdAddress({ key, routingKey = key }: Operation): {
  readonly key: string;
  readonly routingKey: string;
} {
  return { key: `${key}::~hold`, routingKey };
}

/** By CAS the entry is known already; a plain set needs none. */
function dependsOnEntry(operation: Operation): boolean {
  if (operation.kind === 'count' || operation.kind === 'touch') return true;
  return operation.kind === 'set' && operation.mode !== 'set' && operation.cas === undefined;
}

function leased(operation: GetOperation): GetOperation {
  return operation.lease === undefined ? { ...operation, lease: copyLease } : operation;
}

function reading({ key, routingKey, copy, deadline }: Operation): GetOperation {
  return {
    kind: 'get',
    key,
    deadline,
    ...(routingKey === undefined ? undefined : { routingKey }),
    ...(copy === undefined ? undefined : { copy }),
  };
}

/** The warm pool's rights, and how long its entries live, are its own. */
const looking: (operation: GetOperation) => GetOperation = reading;

function releaseOf(operation: GetOperation, right: ReleaseOperation['right'], cas: string): ReleaseOperation {
  return { ...reading(operation), kind: 'release', right, cas };
}

/** What is left of a life; with a touch a new whole life, of which the stale share stays. */
function lifeLeft({ freshFor, expiresIn }: HitReply, touch: Life | undefined): Life {
  const whole = Math.min(touch === undefined ? expiresIn : touch.freshFor + touch.staleFor, longestLife);
  const staleFor = Math.min(expiresIn === Infinity ? 0 : expiresIn - freshFor, whole);
  return { freshFor: whole - staleFor, staleFor };
}
