import { type Duration, milliseconds } from '../core/duration.ts';
import { wrongOption } from '../core/error.ts';
import { realRuntime, type Runtime } from '../core/runtime.ts';
import type {
  DeleteOperation,
  Destination,
  GetOperation,
  HitReply,
  Operation,
  ReleaseOperation,
  Reply,
  SetOperation,
  Store,
} from '../core/store.ts';
import { cleaning } from './cleaning.ts';
import { cleaned } from './confirmation.ts';
import { answered } from './failure.ts';
import { guardedPart } from './guarded-part.ts';
import { copyOfHit, hitInCopy } from './reply-copy.ts';
import { checkedChoice, checkedCount, checkedName, checkedOptions, checkedPart } from './route-options.ts';
import { Route } from './route.ts';

export interface ReplicatedKeysOptions {
  /** Which keys: a function, or a set that may change while it is used. One that throws names none. */
  readonly keys: ((key: string) => boolean) | { has(key: string): boolean };
  /** How many entries there are of such a key, the original included: 2 to 1000. */
  readonly replicas: number;
  /** Which one a process reads: always its own, drawn at the start (default), or another each time. */
  readonly read?: 'own' | 'random';
  /** How long a copy serves. Default 2 s. Also how old its answer may be where another process does not think the key hot. */
  readonly copyFor?: Duration;
  /** Default `replicated-keys`. */
  readonly name?: string;
  /** Default: the machine's own. */
  readonly runtime?: Runtime;
}

/**
 * Spreads the reads of a few hot keys over several servers: beside the entry there are copies of it, `<key>::1`, `<key>::2`, ..., which
 * lie elsewhere. A process reads one of them, and the entry itself only when that is missing; then it makes the copy anew.
 *
 * A copy is a short-lived picture of the entry's answer, CAS included. So leases, reloads, fills and counts are the entry's alone, as if there
 * were no copies. A write goes to the entry and then removes all copies; as a copy is made by the CAS of a lease that is older than the
 * look at the entry, none that is confirmed away comes back. What costs: the writer waits for two rounds, and sends one delete per replica.
 *
 * Keys that are not named are handed on as they are, and so is their promise.
 *
 * Source: mcrouter, KeySplitRoute (which writes the copies; here they are removed, and made by who reads them).
 */
export function replicatedKeys(store: Store, options: ReplicatedKeysOptions): Store {
  checkedOptions(options, ['keys', 'replicas', 'read', 'copyFor', 'name', 'runtime']);
  const part = checkedPart('store', store);
  const { keys, replicas, read = 'own', copyFor = '2s', runtime = realRuntime } = options;
  const set = keys as { has?: unknown } | null | undefined;
  if (typeof keys !== 'function' && typeof set?.has !== 'function')
    throw wrongOption('keys', keys, 'a function of the key, or a Set of keys');
  return new ReplicatedKeys(checkedName(options.name, 'replicated-keys'), part, {
    hot: typeof keys === 'function' ? keys : (key) => keys.has(key),
    replicas: checkedCount('replicas', replicas, 2, 1000),
    random: checkedChoice('read', read, ['own', 'random']) === 'random',
    copyFor: milliseconds('copyFor', copyFor, { most: 3_600_000 }),
    runtime,
  });
}

/** How long one process has the right to make a copy, in milliseconds. */
const copyLease = 1000;

interface Settings {
  readonly hot: (key: string) => boolean;
  readonly replicas: number;
  readonly random: boolean;
  readonly copyFor: number;
  readonly runtime: Runtime;
}

class ReplicatedKeys extends Route {
  readonly #store: Store;
  readonly #settings: Settings;
  readonly #own: number;

  constructor(name: string, store: Store, settings: Settings) {
    super(name, [store]);
    this.#store = guardedPart(store);
    this.#settings = settings;
    this.#own = this.#draw();
  }

  protected ask(operation: Operation): Promise<Reply> {
    if (operation.copy !== undefined || operation.kind === 'release' || !this.#hot(operation.key))
      return this.#store.execute(operation);
    if (operation.kind !== 'get') return answered(this.#write(operation));
    const replica = this.#settings.random ? this.#draw() : this.#own;
    if (replica === 0 || operation.touch !== undefined) return this.#store.execute(operation);
    return this.#store
      .execute(leasing(operation, replica))
      .then((reply) => this.#copyRead(operation, replica, reply));
  }

  destinations(operation: Operation): readonly Destination[] {
    const store = this.parts[0]!;
    const entry: Destination = { store, role: 'first', operation };
    const alone = operation.copy !== undefined || operation.kind === 'release' || !this.#hot(operation.key);
    if (alone) return [entry];
    if (operation.kind !== 'get')
      return [
        entry,
        ...this.#removals(operation).map((removal) => ({
          store,
          role: 'share' as const,
          operation: removal,
        })),
      ];
    if (operation.touch !== undefined) return [entry];
    if (this.#settings.random)
      return Array.from({ length: this.#settings.replicas }, (_, replica) => ({
        store,
        role: 'share' as const,
        operation: replica === 0 ? operation : leasing(operation, replica),
      }));
    if (this.#own === 0) return [entry];
    return [
      { store, role: 'first', operation: leasing(operation, this.#own) },
      { store, role: 'fallback', operation },
    ];
  }

  #hot(key: string): boolean {
    try {
      return this.#settings.hot(key);
    } catch {
      return false;
    }
  }

  #draw(): number {
    return Math.floor(this.#settings.runtime.random() * this.#settings.replicas);
  }

  /** What the copy says, if it may answer; else the entry is asked. */
  #copyRead(operation: GetOperation, replica: number, reply: Reply): Reply | Promise<Reply> {
    if (reply.kind === 'hit') {
      const hit = this.#asOriginal(reply);
      const due = hit === undefined || (operation.recache !== undefined && hit.expiresIn < operation.recache);
      if (!due) return hit;
    }
    const entry = this.#store.execute(operation);
    if (reply.kind !== 'miss' || reply.lease !== 'won') return entry;
    return entry.then((found) => {
      void this.#store.execute(this.#filling(operation, replica, reply.cas, found));
      return found;
    });
  }

  /** The answer of the entry, by what is left of the copy's life. */
  #asOriginal(copy: HitReply): HitReply | undefined {
    const original = hitInCopy(copy.value);
    if (original === undefined) return undefined;
    const passed = Math.max(0, this.#lifeOf(original.freshFor) - copy.expiresIn);
    return {
      kind: 'hit',
      value: original.value,
      flags: copy.flags,
      cas: original.cas,
      freshFor: original.freshFor - passed,
      expiresIn: original.expiresIn - passed,
      marked: false,
      claim: 'none',
    };
  }

  /** A copy ends before its original ages. */
  #lifeOf(freshFor: number): number {
    return Math.min(freshFor, this.#settings.copyFor);
  }

  /** Makes the copy, of a fresh entry that nobody is reloading; else gives the right to make it back. */
  #filling(operation: GetOperation, replica: number, cas: string, found: Reply): Operation {
    const { deadline } = operation;
    const address = replicaAddress(operation, replica);
    if (found.kind !== 'hit' || found.claim !== 'none' || found.freshFor <= 0) {
      const release: ReleaseOperation = { kind: 'release', ...address, right: 'lease', cas, deadline };
      return release;
    }
    const fill: SetOperation = {
      kind: 'set',
      mode: 'set',
      ...address,
      value: copyOfHit(found),
      flags: found.flags,
      life: { freshFor: this.#lifeOf(found.freshFor), staleFor: 0 },
      cas,
      deadline,
    };
    return fill;
  }

  /** The entry first: who makes a copy once that is removed sees what was written. */
  async #write(operation: Operation): Promise<Reply> {
    const reply = await this.#store.execute(operation);
    if (reply.kind === 'conflict' || reply.kind === 'notStored') return reply;
    const removals = this.#removals(operation).map((removal) => this.#store.execute(removal));
    return cleaned(reply, await Promise.all(removals));
  }

  #removals(operation: Operation): readonly DeleteOperation[] {
    return Array.from({ length: this.#settings.replicas - 1 }, (_, index) => ({
      ...cleaning(operation),
      ...replicaAddress(operation, index + 1),
    }));
  }
}

interface Address {
  readonly key: string;
  readonly routingKey?: string;
}

/** Elsewhere, also where a routing key holds entries together. */
function replicaAddress({ key, routingKey }: Operation, replica: number): Address {
  const address = { key: `${key}::${replica}` };
  return routingKey === undefined ? address : { ...address, routingKey: `${routingKey}::${replica}` };
}

function leasing(operation: GetOperation, replica: number): GetOperation {
  return {
    kind: 'get',
    ...replicaAddress(operation, replica),
    lease: copyLease,
    deadline: operation.deadline,
  };
}
