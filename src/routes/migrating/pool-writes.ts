import {
  conflict,
  type CountOperation,
  type DeleteOperation,
  type FailedReply,
  type Operation,
  type ReleaseOperation,
  type Reply,
  type SetOperation,
  type TouchOperation,
} from '../../core/store.ts';
import { cleaned, confirmed } from '../confirmation.ts';
import { mayFallBack } from '../failure.ts';
import { addressOf, isRecord, sooner } from './entry-address.ts';
import type { MigrationRooms } from './migration-rooms.ts';
import { newPool, oldPool, otherThan, type Pool } from './pool-pair.ts';
import type { Twin } from './twin-rights.ts';

/** By which CAS an operation acts in each pool. */
interface Terms {
  /** In the pool that decides. `undefined`: unconditionally. */
  readonly own: string | undefined;
  /** In the other pool. `undefined`: there is none, so all that can be done there is to remove the entry. */
  readonly twin: Twin | undefined;
}

/**
 * The changes of a migration. The pool that reads follow decides what is answered. The other one is filled by a right of its own that was
 * taken before the load, or its entry is removed; it is never written to without a CAS, for two plain writes may arrive in two
 * orders. Where it does not confirm, neither does the answer.
 *
 * While entries may be copied (until a key's switch), the new pool is told after the old one has answered: `HitCopier` says why. After
 * the switch nobody copies any more, and both are told at once.
 */
export class PoolWrites {
  readonly #rooms: MigrationRooms;

  constructor(rooms: MigrationRooms) {
    this.#rooms = rooms;
  }

  set(operation: SetOperation, now: number): Promise<Reply> {
    const { table, pools } = this.#rooms;
    if (table.both(now) && isRecord(operation)) return this.#setRecord(operation, now);
    const pool = table.poolOf(now, operation.key);
    const terms = this.#terms(operation, operation.cas, pool);
    if (terms === undefined) return Promise.resolve(conflict);
    const { own, twin } = terms;
    return pools.ask(pool, withCas(operation, own)).then((reply) => {
      const answer = pools.branded(pool, reply);
      if (!this.#concerns(otherThan(pool))) return answer;
      if (reply.kind === 'stored')
        return twin?.cas === undefined || operation.mode !== 'set'
          ? this.#removeOther(operation, answer, pool)
          : this.#fillOther(operation, twin.cas, answer, pool);
      this.#releaseTwin(operation, twin, pool);
      if (reply.kind !== 'failed' || !mayFallBack(reply)) return answer;
      // A fill by CAS is the filler's to repeat. Any other write may have left the old value where it was not done.
      if (operation.cas === undefined) this.#unfinished(operation, reply, pool === oldPool, true);
      // A value that cannot be kept has taken the older one with it.
      return this.#removeOther(operation, answer, pool);
    });
  }

  remove(operation: DeleteOperation, now: number): Promise<Reply> {
    const { table, pools } = this.#rooms;
    if (operation.cas !== undefined) return this.#removeByCas(operation, now);
    const pool = table.poolOf(now, operation.key);
    if (!table.both(now)) {
      return pools.ask(pool, operation).then((reply) => this.#removedInOne(operation, reply, pool));
    }
    if (pool === oldPool || isRecord(operation)) return this.#removeInOrder(operation);
    const removedOld = pools.ask(oldPool, operation);
    return pools
      .ask(newPool, operation)
      .then((reply) => removedOld.then((old) => this.#bothDone(operation, old, reply)));
  }

  touch(operation: TouchOperation, now: number): Promise<Reply> {
    const { table, pools } = this.#rooms;
    const pool = table.poolOf(now, operation.key);
    return pools.ask(pool, operation).then((reply) => {
      if (!this.#concerns(otherThan(pool))) return pools.branded(pool, reply);
      return pools.ask(otherThan(pool), operation).then((other) => {
        if (pool === newPool) return this.#bothDone(operation, other, reply);
        if (other.kind !== 'notFound') return this.#bothDone(operation, reply, other);
        // A copy that is under way would come with the life from before.
        const removal = { ...addressOf(operation), kind: 'delete', deadline: operation.deadline } as const;
        return pools
          .ask(newPool, removal)
          .then((removed) =>
            removed.kind === 'failed'
              ? this.#bothDone(operation, reply, removed)
              : pools.branded(oldPool, reply),
          );
      });
    });
  }

  /** Numbers follow the reads. The other pool keeps none rather than an older one. */
  count(operation: CountOperation, now: number): Promise<Reply> {
    const { table, pools } = this.#rooms;
    const pool = table.poolOf(now, operation.key);
    return pools.ask(pool, operation).then((reply) => {
      const answer = pools.branded(pool, reply);
      if (!this.#concerns(otherThan(pool)) || !mayHaveChanged(reply)) return answer;
      // Whoever has counted must not count again because the other pool did not answer.
      return this.#removeOther(operation, answer, pool).then(() => answer);
    });
  }

  release(operation: ReleaseOperation, now: number): Promise<Reply> {
    const { pools, twins, table } = this.#rooms;
    const { cas, key } = operation;
    // What is no text at all is the pool's to refuse.
    if (typeof cas !== 'string') return pools.ask(oldPool, operation);
    const pool = pools.poolOf(cas);
    if (pool === undefined) return Promise.resolve(conflict);
    this.#releaseTwin(operation, twins.take(key, cas), pool);
    const decides = pool === table.poolOf(now, key);
    return (
      pools
        .ask(pool, { ...operation, cas: pools.bare(cas) })
        // Of a pool that is not read any more: the entry, as it is read, has another CAS.
        .then((reply) => (decides || reply.kind !== 'notFound' ? pools.branded(pool, reply) : conflict))
    );
  }

  /** Whether, now that a pool has answered, the other one must be told: it may hold something, or may still be read. */
  #concerns(other: Pool): boolean {
    const { table, time } = this.#rooms;
    return other === newPool ? time.now() >= table.bothFrom : time.now() < table.bothUntil;
  }

  /** A delete that was sent to one pool alone. */
  #removedInOne(operation: DeleteOperation, reply: Reply, pool: Pool): Reply | Promise<Reply> {
    const { pools } = this.#rooms;
    if (pool === newPool) return pools.branded(newPool, reply);
    // It is answered when changes reach both: the new pool is told now.
    if (this.#concerns(newPool))
      return pools.ask(newPool, operation).then((other) => this.#bothDone(operation, reply, other));
    // Perhaps it will not be confirmed before somebody copies.
    if (reply.kind === 'failed') this.#unfinished(operation, reply, true, true);
    return pools.branded(oldPool, reply);
  }

  /** The old pool first, with half of the time; then the new one. */
  #removeInOrder(operation: DeleteOperation): Promise<Reply> {
    const { pools, runtime } = this.#rooms;
    return pools
      .ask(oldPool, sooner(operation, runtime.clock.read()))
      .then((old) => pools.ask(newPool, operation).then((fresh) => this.#bothDone(operation, old, fresh)));
  }

  #removeByCas(operation: DeleteOperation, now: number): Promise<Reply> {
    const { table, pools } = this.#rooms;
    const pool = table.poolOf(now, operation.key);
    const terms = this.#terms(operation, operation.cas, pool);
    if (terms === undefined) return Promise.resolve(conflict);
    return pools.ask(pool, withCas(operation, terms.own)).then((reply) => {
      const answer = pools.branded(pool, reply);
      if (!this.#concerns(otherThan(pool))) return answer;
      if (mayHaveChanged(reply)) return this.#removeOther(operation, answer, pool);
      this.#releaseTwin(operation, terms.twin, pool);
      return answer;
    });
  }

  /**
   * A record is changed in the old pool first and then in the new one, always: so a copy of it can never bring an older one back,
   * and whoever reads the new pool first sees one record on both sides of a switch.
   */
  #setRecord(operation: SetOperation, now: number): Promise<Reply> {
    const { table, pools } = this.#rooms;
    const { cas } = operation;
    const pool = typeof cas === 'string' ? pools.poolOf(cas) : now < table.readToFrom ? oldPool : newPool;
    if (pool === undefined) return Promise.resolve(conflict);
    const own = withCas(operation, typeof cas === 'string' ? pools.bare(cas) : cas);
    if (pool === oldPool)
      return pools.ask(oldPool, own).then((reply) => {
        const answer = pools.branded(oldPool, reply);
        return mayHaveChanged(reply) ? this.#removeOther(operation, answer, oldPool) : answer;
      });
    const removal = { ...addressOf(operation), kind: 'delete', deadline: operation.deadline } as const;
    return pools
      .ask(oldPool, removal)
      .then((removed) =>
        removed.kind === 'failed'
          ? removed
          : pools.ask(newPool, own).then((reply) => pools.branded(newPool, reply)),
      );
  }

  /** `undefined`: the CAS is not of the pool that decides, and nothing was taken there together with it. Then its right is given back. */
  #terms(operation: SetOperation | DeleteOperation, cas: string | undefined, pool: Pool): Terms | undefined {
    const { pools, twins, counts } = this.#rooms;
    if (typeof cas !== 'string') return { own: cas, twin: undefined };
    const given = pools.poolOf(cas);
    if (given === undefined) return undefined;
    const own = pools.bare(cas);
    const twin = twins.take(operation.key, cas);
    if (given === pool) return { own, twin };
    if (twin?.cas !== undefined)
      return { own: twin.cas, twin: { ownRight: twin.right, cas: own, right: twin.ownRight } };
    counts.lateFills++;
    const { deadline } = operation;
    const right = twin?.ownRight ?? 'lease';
    pools.tell(given, { ...addressOf(operation), kind: 'release', right, cas: own, deadline });
    return undefined;
  }

  /** Gives back what was won in the other pool together with a right that is not used. */
  #releaseTwin(operation: Operation, twin: Twin | undefined, pool: Pool): void {
    if (twin?.cas === undefined || twin.right === undefined) return;
    const { cas, right } = twin;
    const { deadline } = operation;
    this.#rooms.pools.tell(otherThan(pool), {
      ...addressOf(operation),
      kind: 'release',
      right,
      cas,
      deadline,
    });
  }

  /** By the right that was taken there. If it is not there any more, what is there instead may be older. */
  #fillOther(operation: SetOperation, cas: string, answer: Reply, pool: Pool): Promise<Reply> {
    return this.#rooms.pools.ask(otherThan(pool), { ...operation, cas }).then((reply) => {
      if (reply.kind !== 'stored') return this.#removeOther(operation, answer, pool);
      this.#rooms.counts.twinFills++;
      return answer;
    });
  }

  #removeOther(operation: Operation, answer: Reply, pool: Pool): Promise<Reply> {
    const other = otherThan(pool);
    const removal = { ...addressOf(operation), kind: 'delete', deadline: operation.deadline } as const;
    return this.#rooms.pools.ask(other, removal).then((reply) => {
      if (reply.kind === 'failed') this.#unfinished(operation, reply, other === oldPool, other === newPool);
      return cleaned(answer, [reply]);
    });
  }

  /** The answers of both pools to one delete or touch as one: failed if either failed. */
  #bothDone(operation: Operation, old: Reply, fresh: Reply): Reply {
    const { pools, table, time } = this.#rooms;
    const now = time.now();
    const failure = old.kind === 'failed' ? old : fresh.kind === 'failed' ? fresh : undefined;
    if (failure !== undefined) {
      // As long as somebody may copy, what was not removed here may be copied there before it is.
      const copied = old.kind === 'failed' && now < table.switchOf(operation.key) + table.skew;
      this.#unfinished(operation, failure, old.kind === 'failed', copied || fresh.kind === 'failed');
    }
    const older = pools.branded(oldPool, old);
    const newer = pools.branded(newPool, fresh);
    return confirmed(table.poolOf(now, operation.key) === newPool ? [newer, older] : [older, newer]);
  }

  #unfinished(operation: Operation, failure: FailedReply, from: boolean, to: boolean): void {
    this.#rooms.unfinished.add(operation, failure, { from, to });
  }
}

/** Without one for `undefined`; as it was where that is the same. */
function withCas<O extends SetOperation | DeleteOperation>(operation: O, cas: string | undefined): O {
  return cas === operation.cas || cas === undefined ? operation : { ...operation, cas };
}

/** Whether the pool may hold something else now than before. */
function mayHaveChanged(reply: Reply): boolean {
  if (reply.kind === 'failed') return reply.applied === 'unknown';
  return reply.kind === 'stored' || reply.kind === 'hit';
}
