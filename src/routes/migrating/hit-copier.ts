import type { Runtime } from '../../core/runtime.ts';
import { type HitReply, longestLife, type Reply, type SetOperation } from '../../core/store.ts';
import { addressOf, type EntryAddress, nameOf } from './entry-address.ts';
import type { LocalTime } from './local-time.ts';
import type { MigrationCounts } from './pool-counts.ts';
import { newPool, oldPool, type PoolPair } from './pool-pair.ts';
import type { TimeTable } from './time-table.ts';
import { wonRight } from './won-right.ts';

/** Each of the three steps of a copy is given up after this long, in milliseconds. */
const stepTime = 500;
/** How long a copier that dies holds the right to fill an entry of the new pool. */
const leaseTime = 2 * stepTime;

/** What became of a copy; `present`: it was there already. */
type Outcome = 'stored' | 'refused' | 'failed' | 'present';

/**
 * Copies entries from the old pool to the new one, behind the answers, so that the new one is warm at the switch. Three steps, each
 * after the answer of the one before: take the right to fill the entry in the new pool (a lease), read the old pool, fill by the
 * right's CAS.
 *
 * Why no old value comes back. A change is committed in the source, then its delete takes effect in the old pool, is answered, and is
 * then sent to the new pool (`PoolWrites` keeps that order as long as anybody may copy). Say a copy reads a value that the change
 * made old. Then it read the old pool before the delete took effect there, and took its right earlier still; and the delete comes
 * to the new pool later than both: either before the fill, then the right is destroyed and the fill refused, or after it, then the
 * delete removes it. With an `add` in place of the right the first case would keep the old value: that is the race of cold-cluster
 * warm-up (Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 4.3), narrowed there by a hold-off of two seconds.
 *
 * Only what is clean is copied: fresh, not marked, no right handed out; never a placeholder, which is a miss.
 */
export class HitCopier {
  readonly #pools: PoolPair;
  readonly #table: TimeTable;
  readonly #time: LocalTime;
  readonly #runtime: Runtime;
  readonly #counts: MigrationCounts;
  readonly #most: number;
  readonly #underWay = new Set<string>();

  constructor(rooms: {
    readonly pools: PoolPair;
    readonly table: TimeTable;
    readonly time: LocalTime;
    readonly runtime: Runtime;
    readonly counts: MigrationCounts;
    /** How many copies may be under way. */
    readonly most: number;
  }) {
    this.#pools = rooms.pools;
    this.#table = rooms.table;
    this.#time = rooms.time;
    this.#runtime = rooms.runtime;
    this.#counts = rooms.counts;
    this.#most = rooms.most;
  }

  /** Looks at an answer of the old pool, and copies its entry if chance and the time table will have it. */
  sample(operation: EntryAddress, reply: Reply, now: number): void {
    const share = this.#table.shareAt(now);
    if (share === 0 || (share < 1 && this.#runtime.random() >= share)) return;
    if (!this.#table.copies(now, operation.key)) return;
    if (reply.kind === 'miss') this.#counts.sampled.gets++;
    else if (reply.kind === 'hit' && isClean(reply))
      this.#start(operation, true, () => this.#table.copies(this.#time.now(), operation.key));
  }

  /** Copies a record, which is changed in an order of its own: in every stage in which both pools are written. */
  record(operation: EntryAddress): void {
    this.#start(operation, false, () => this.#table.copiesRecords(this.#time.now()));
  }

  #start(operation: EntryAddress, sampled: boolean, allowed: () => boolean): void {
    const name = nameOf(operation);
    if (!allowed() || this.#underWay.has(name)) return;
    if (this.#underWay.size >= this.#most) {
      this.#counts.copies.skipped++;
      return;
    }
    this.#underWay.add(name);
    void this.#copy(addressOf(operation), sampled, allowed).then((outcome) => {
      if (outcome !== 'present') this.#counts.copies[outcome]++;
      this.#underWay.delete(name);
    });
  }

  async #copy(address: EntryAddress, sampled: boolean, allowed: () => boolean): Promise<Outcome> {
    const pools = this.#pools;
    const deadline = this.#deadline();
    const there = await pools.ask(newPool, { ...address, kind: 'get', lease: leaseTime, deadline });
    if (there.kind === 'failed') return 'failed';
    if (sampled) this.#counts.sampled.gets++;
    if (sampled && there.kind === 'hit') this.#counts.sampled.hits++;
    const right = wonRight(there);
    if (right === undefined) return there.kind === 'hit' ? 'present' : 'refused';
    const { cas } = there as { readonly cas: string };
    const giveBack = (): void =>
      pools.tell(newPool, { ...address, kind: 'release', right, cas, deadline: this.#deadline() });
    // Only now, when the right is known to be there: whoever reads the new pool from here on may delete in any order.
    if (!allowed()) {
      giveBack();
      return 'refused';
    }
    const here = await pools.ask(oldPool, { ...address, kind: 'get', deadline: this.#deadline() });
    if (here.kind !== 'hit' || !isClean(here)) {
      giveBack();
      this.#giveBackMark(address, here);
      return here.kind === 'failed' ? 'failed' : 'refused';
    }
    const filled = await pools.ask(newPool, this.#fill(address, here, cas));
    return filled.kind === 'stored' || filled.kind === 'failed' ? filled.kind : 'refused';
  }

  /** With the life that is left, so that a copy ends when the original does. */
  #fill(address: EntryAddress, { value, flags, freshFor, expiresIn }: HitReply, cas: string): SetOperation {
    const whole = Math.min(expiresIn, longestLife);
    const fresh = Math.min(freshFor, whole);
    const life = { freshFor: fresh, staleFor: whole - fresh };
    return { ...address, kind: 'set', mode: 'set', value, flags, life, cas, deadline: this.#deadline() };
  }

  /** Reading an entry that was marked meanwhile wins the right to reload it, which somebody else is to have. */
  #giveBackMark(address: EntryAddress, reply: Reply): void {
    const right = wonRight(reply);
    if (right === undefined) return;
    const { cas } = reply as HitReply;
    this.#pools.tell(oldPool, { ...address, kind: 'release', right, cas, deadline: this.#deadline() });
  }

  #deadline(): number {
    return this.#runtime.clock.read() + stepTime;
  }
}

function isClean(reply: HitReply): boolean {
  return !reply.marked && reply.claim === 'none' && reply.freshFor > 0;
}
