import { CisternError } from '../../core/error.ts';
import type { GetOperation, HitReply, MissReply, Reply, Right } from '../../core/store.ts';
import { failure } from '../failure.ts';
import { addressOf, isRecord } from './entry-address.ts';
import type { MigrationRooms } from './migration-rooms.ts';
import { newPool, oldPool, otherThan, type Pool } from './pool-pair.ts';
import { wonRight } from './won-right.ts';

const outOfUse = { store: 'The old pool of a migration', problem: 'it is out of use' };

/** A right in the other pool is worth this much waiting, in milliseconds, and at most half of what the caller has. */
const longestWait = 100;

/** The reads of a migration: from the one pool or the other, with rights taken in both while both are written. */
export class PoolReads {
  readonly #rooms: MigrationRooms;

  constructor(rooms: MigrationRooms) {
    this.#rooms = rooms;
  }

  get(operation: GetOperation, now: number): Promise<Reply> {
    const { table, pools, copier } = this.#rooms;
    const both = table.both(now);
    if (both && isRecord(operation)) return this.#record(operation, now);
    const pool = table.poolOf(now, operation.key);
    // Long before and after, nothing else happens: without a closure per operation.
    if (!both) return pools.ask(pool, operation).then(pool === oldPool ? this.#ofOld : this.#ofNew);
    return pools.ask(pool, operation).then((reply) => {
      if (pool === oldPool && now >= table.populateFrom) copier.sample(operation, reply, now);
      const answer = pool === oldPool ? this.#ofOld(reply) : this.#ofNew(reply);
      return answer.kind === 'hit' || answer.kind === 'miss'
        ? this.#answered(operation, answer, pool)
        : answer;
    });
  }

  readonly #ofOld = (reply: Reply): Reply => {
    const { counts, table, time, pools } = this.#rooms;
    counts.from.gets++;
    if (reply.kind === 'hit') {
      counts.from.hits++;
      // It was asked long ago, by a process that was stopped since: nobody keeps that pool right any more.
      if (time.about() >= table.bothUntil) return failure(new CisternError('CISTERN_UNAVAILABLE', outOfUse));
    }
    return pools.branded(oldPool, reply);
  };

  readonly #ofNew = (reply: Reply): Reply => {
    const { to } = this.#rooms.counts;
    to.gets++;
    if (reply.kind === 'hit') to.hits++;
    return this.#rooms.pools.branded(newPool, reply);
  };

  #answered(operation: GetOperation, answer: HitReply | MissReply, pool: Pool): Reply | Promise<Reply> {
    const right = wonRight(answer);
    if (right === undefined && (operation.touch === undefined || answer.kind === 'miss')) return answer;
    if (!this.#rooms.table.mirrors(this.#rooms.time.now())) return answer;
    if (right !== undefined) return this.#won(operation, answer, right, pool);
    const { touch, deadline } = operation;
    const touched = { ...addressOf(operation), kind: 'touch', life: touch!, deadline } as const;
    this.#rooms.pools.tell(otherThan(pool), touched);
    return answer;
  }

  /**
   * A right to load was won. The same is asked of the other pool before the winner is told, so that the right there, too, is older than
   * the load: then the load's value may fill both, each by its own CAS. What the other pool holds is taken by its CAS all the
   * same. A pool that does not answer soon is left out.
   */
  #won(operation: GetOperation, answer: HitReply | MissReply, ownRight: Right, pool: Pool): Promise<Reply> {
    const { pools, twins, runtime } = this.#rooms;
    const now = runtime.clock.read();
    const wait = Math.max(0, Math.min((operation.deadline - now) / 2, longestWait));
    return pools.ask(otherThan(pool), { ...operation, deadline: now + wait }).then((twin) => {
      // A lease that was lost is filled by whoever has it; the CAS of an entry says only that it is still the same.
      const right = wonRight(twin);
      const cas = right !== undefined || twin.kind === 'hit' ? (twin as HitReply | MissReply).cas : '';
      twins.remember(operation.key, answer.cas, { ownRight, cas: cas === '' ? undefined : cas, right });
      return answer;
    });
  }

  /**
   * A record has no source, so both sides of a switch must see the same one: that of the new pool, and while it is missing there, that of
   * the old one, from where it is then copied.
   */
  #record(operation: GetOperation, now: number): Promise<Reply> {
    const { table, pools, copier } = this.#rooms;
    const asked = pools.ask(oldPool, operation);
    return pools.ask(newPool, operation).then((reply) => {
      const decides = now >= table.readToFrom;
      if (reply.kind === 'hit' || (reply.kind === 'failed' && decides)) return pools.branded(newPool, reply);
      return asked.then((older) => {
        if (older.kind === 'hit') copier.record(operation);
        return older.kind === 'failed' && decides ? reply : pools.branded(oldPool, older);
      });
    });
  }
}
