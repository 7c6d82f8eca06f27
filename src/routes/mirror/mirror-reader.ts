import type {
  GetOperation,
  HitReply,
  MissReply,
  ReleaseOperation,
  Reply,
  Right,
  Store,
} from '../../core/store.ts';
import { brandedCas, brandedReply } from '../cas-brand.ts';
import { answered, mayFallBack } from '../failure.ts';
import type { KnownState, KnownStates } from './known-states.ts';

/** An answer of one pool. */
interface Answer {
  readonly pool: number;
  readonly reply: Reply;
}

interface Found extends Answer {
  readonly reply: HitReply;
}

interface Missed extends Answer {
  readonly reply: MissReply;
}

/**
 * Reads in mirrored pools. The own one answers, and nobody else is asked, as long as it has the entry and hands out no right. On a miss,
 * and when a right was won, all are asked: another may have the entry; and who is to load must know the state of each pool from before the
 * load, or could not fill it safely. Of the rights for one entry in several pools that in the first pool of the list counts,
 * so that in all zones together one loads.
 */
export class MirrorReader {
  readonly #pools: readonly Store[];
  /** The indexes of the pools, the own one first. */
  readonly #order: readonly number[];
  readonly #states: KnownStates;

  constructor(pools: readonly Store[], order: readonly number[], states: KnownStates) {
    this.#pools = pools;
    this.#order = order;
    this.#states = states;
  }

  read(operation: GetOperation): Promise<Reply> {
    const own = this.#order[0]!;
    return this.#pools[own]!.execute(operation).then((reply) =>
      reply.kind === 'hit' && reply.claim !== 'won'
        ? brandedReply(own, reply)
        : answered(this.#readOn(operation, reply)),
    );
  }

  /** Goes on where the own pool's answer is not enough. */
  async #readOn(operation: GetOperation, first: Reply): Promise<Reply> {
    let failed: Reply | undefined;
    let missed: Reply | undefined;
    for (let place = 0; ; place++) {
      const pool = this.#order[place]!;
      const reply = place === 0 ? first : await this.#pools[pool]!.execute(operation);
      if (reply.kind === 'hit')
        return reply.claim === 'won'
          ? await this.#won(operation, { pool, reply }, this.#order.slice(place + 1))
          : brandedReply(pool, reply);
      if (reply.kind === 'miss' && reply.lease !== 'none')
        return await this.#look(operation, { pool, reply }, this.#order.slice(place + 1));
      if (reply.kind === 'failed') {
        if (!mayFallBack(reply)) return reply;
        failed ??= reply;
      } else missed ??= brandedReply(pool, reply);
      if (place === this.#order.length - 1) return missed ?? failed!;
    }
  }

  /** The right to reload was won in one pool: the reload is to reach the others, too. */
  async #won(operation: GetOperation, lead: Found, rest: readonly number[]): Promise<Reply> {
    return this.#offered(operation, lead, await this.#askAll(operation, rest));
  }

  /** A lease was won or lost in one pool: another may have the entry, else who has the lease of the first pool loads. */
  async #look(operation: GetOperation, lead: Missed, rest: readonly number[]): Promise<Reply> {
    const answers: readonly Answer[] = [lead, ...(await this.#askAll(operation, rest))];
    const found = best(answers.filter(isFound));
    if (found !== undefined) {
      const others = answers.filter((each) => each !== found);
      if (found.reply.claim === 'won') return this.#offered(operation, found, others);
      for (const each of others) this.#giveBack(operation, each);
      return brandedReply(found.pool, found.reply);
    }
    const [decider] = answers
      .filter(isMissed)
      .filter(({ reply }) => reply.lease !== 'none')
      .toSorted((left, right) => left.pool - right.pool);
    // What was won elsewhere is left: the winner here has seen it, and fills it.
    if (decider!.reply.lease === 'lost') return brandedReply(decider!.pool, decider!.reply);
    return this.#granted(
      operation,
      decider!,
      answers.filter((each) => each !== decider),
    );
  }

  #askAll(operation: GetOperation, pools: readonly number[]): Promise<readonly Answer[]> {
    return Promise.all(
      pools.map((pool) => this.#pools[pool]!.execute(operation).then((reply) => ({ pool, reply }))),
    );
  }

  /** A right to reload was won: it counts unless somebody else has one in a pool further up the list. */
  #offered(operation: GetOperation, found: Found, others: readonly Answer[]): Reply {
    const yields = others.some(({ pool, reply }) => pool < found.pool && claimOf(reply) === 'lost');
    if (!yields) return this.#granted(operation, found, others);
    return { ...(brandedReply(found.pool, found.reply) as HitReply), claim: 'lost' };
  }

  /** The asker loads: what is known of the other pools is kept for its fill. */
  #granted(operation: GetOperation, { pool, reply }: Found | Missed, others: readonly Answer[]): Reply {
    const states: KnownState[] = [];
    const unknown: number[] = [];
    for (const other of others) {
      if (other.reply.kind !== 'hit' && other.reply.kind !== 'miss') continue;
      if (other.reply.cas === '') unknown.push(other.pool);
      else states.push({ pool: other.pool, cas: other.reply.cas, right: rightOf(other.reply) });
    }
    this.#states.remember(operation.key, brandedCas(pool, reply.cas), { states, unknown });
    return brandedReply(pool, reply);
  }

  /** A right that nobody will use. */
  #giveBack({ key, routingKey, deadline }: GetOperation, { pool, reply }: Answer): void {
    const right = rightOf(reply);
    if (right === undefined || !('cas' in reply)) return;
    const release: ReleaseOperation = { kind: 'release', key, right, cas: reply.cas, deadline };
    void this.#pools[pool]!.execute(routingKey === undefined ? release : { ...release, routingKey });
  }
}

function isFound(answer: Answer): answer is Found {
  return answer.reply.kind === 'hit';
}

function isMissed(answer: Answer): answer is Missed {
  return answer.reply.kind === 'miss';
}

function claimOf(reply: Reply): string {
  return reply.kind === 'hit' ? reply.claim : reply.kind === 'miss' ? reply.lease : 'none';
}

function rightOf(reply: Reply): Right | undefined {
  if (claimOf(reply) !== 'won') return undefined;
  return reply.kind === 'miss' ? 'lease' : (reply as HitReply).marked ? 'stale' : 'recache';
}

/** The first that is fresh, else the first. */
function best(found: readonly Found[]): Found | undefined {
  return found.find(({ reply }) => !reply.marked && reply.freshFor > 0) ?? found[0];
}
