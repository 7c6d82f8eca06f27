import { CisternError } from '../../core/error.ts';
import {
  conflict,
  type CountOperation,
  type DeleteOperation,
  type FailedReply,
  type Operation,
  type ReleaseOperation,
  type Reply,
  type SetOperation,
  type Store,
} from '../../core/store.ts';
import { brandedReply, casOfPart, partOfCas } from '../cas-brand.ts';
import { cleaning, unconditional } from '../cleaning.ts';
import { cleaned } from '../confirmation.ts';
import { failure, mayFallBack } from '../failure.ts';
import type { KnownStates } from './known-states.ts';

/** An operation that one of the pools is asked. */
export interface Sent {
  readonly pool: number;
  readonly operation: Operation;
}

/** Where a set by CAS goes: first to the pool that gave it, and at the same time to the others. Empty: no pool has given it. */
export interface Plan {
  readonly sent: readonly Sent[];
  /** Pools that failed when the right was won: they are left alone, and count as not written. */
  readonly absent: number;
}

/** Writes in mirrored pools, so that none of them keeps what is older than what was answered. */
export class MirrorWriter {
  readonly #name: string;
  readonly #pools: readonly Store[];
  /** The indexes of the pools, the own one first. */
  readonly #order: readonly number[];
  readonly #states: KnownStates;
  /** How many pools must have taken a value. */
  readonly #needed: number;

  constructor(
    name: string,
    pools: readonly Store[],
    order: readonly number[],
    states: KnownStates,
    needed: number,
  ) {
    this.#name = name;
    this.#pools = pools;
    this.#order = order;
    this.#states = states;
    this.#needed = needed;
  }

  /** A plain set: every pool gets the value. */
  setAll(operation: SetOperation): Promise<Reply> {
    const copy = this.#outliving(operation);
    return this.#taken(
      this.#order.map((pool, at) => ({ pool, operation: at === 0 ? operation : copy })),
      0,
    );
  }

  /**
   * A write on a condition: pools that differ would answer it differently, so one decides, the first of the list that answers.
   * Where that has made the change, the others get the value if it is known, and lose theirs otherwise.
   */
  async decide(operation: SetOperation | CountOperation): Promise<Reply> {
    const sent = this.decision(operation);
    let failed: FailedReply | undefined;
    for (const { pool } of sent) {
      const reply = await this.#send({ pool, operation: sent[0]!.operation });
      if (reply.kind === 'failed' && mayFallBack(reply)) {
        failed ??= reply;
        continue;
      }
      if (reply.kind !== 'stored' && reply.kind !== 'hit') return brandedReply(pool, reply);
      const others = sent.slice(pool + 1);
      if (others[0]?.operation.kind === 'set')
        return await this.#followed({ pool, operation }, reply, others, pool);
      const removed = await Promise.all(others.map((each) => this.#send(each)));
      return brandedReply(pool, cleaned(reply, removed));
    }
    return failed!;
  }

  /** What the deciding pool is asked, and what the others are told then. */
  decision(operation: SetOperation | CountOperation): readonly Sent[] {
    const follows = operation.kind === 'set' && (operation.mode === 'add' || operation.mode === 'replace');
    const asked = withoutCas(operation);
    const then = follows ? { ...this.#outliving(asked), mode: 'set' as const } : cleaning(operation);
    return this.#pools.map((_, pool) => ({ pool, operation: pool === 0 ? asked : (then as Operation) }));
  }

  plan(operation: SetOperation): Plan {
    const pool = partOfCas(operation.cas!);
    if (this.#pools[pool] === undefined) return { sent: [], absent: 0 };
    const first = { pool, operation: { ...operation, cas: casOfPart(operation.cas!) } };
    const others = this.#order.filter((each) => each !== pool);
    const remove = (each: number): Sent => ({ pool: each, operation: cleaning(operation) });
    const known = this.#states.find(operation.key, operation.cas!);
    // Without knowledge from before the value was made only a removal is safe.
    if (known === undefined || (operation.mode !== 'set' && operation.mode !== 'replace'))
      return { sent: [first, ...others.map(remove)], absent: 0 };
    const copy = this.#outliving(operation);
    const filled = known.states.map((state) => ({
      pool: state.pool,
      operation: { ...copy, cas: state.cas },
    }));
    const sent = [first, ...filled, ...known.unknown.map(remove)];
    return { sent, absent: this.#pools.length - sent.length };
  }

  setByCas(operation: SetOperation): Promise<Reply> {
    const { sent, absent } = this.plan(operation);
    if (sent.length === 0) return Promise.resolve(conflict);
    this.#states.forget(operation.key, operation.cas!);
    return this.#taken(sent, absent);
  }

  /** Removes in one pool what is still as it was seen, and then whatever the others have. */
  async deleteByCas(operation: DeleteOperation): Promise<Reply> {
    const [first, ...others] = this.removals(operation);
    if (first === undefined) return conflict;
    const reply = await this.#send(first);
    if (reply.kind !== 'stored') return reply;
    const removed = await Promise.all(others.map((each) => this.#send(each)));
    return brandedReply(first.pool, cleaned(reply, removed));
  }

  removals(operation: DeleteOperation): readonly Sent[] {
    const pool = partOfCas(operation.cas!);
    if (this.#pools[pool] === undefined) return [];
    const others = this.#order.filter((each) => each !== pool);
    return [
      { pool, operation: { ...operation, cas: casOfPart(operation.cas!) } },
      ...others.map((each) => ({ pool: each, operation: unconditional(operation) })),
    ];
  }

  /** Where a right is given back: in the pool that gave it, and in those where its holder has won one, too. */
  releases(operation: ReleaseOperation): readonly Sent[] {
    const pool = partOfCas(operation.cas);
    if (this.#pools[pool] === undefined) return [];
    const known = this.#states.find(operation.key, operation.cas)?.states ?? [];
    return [
      { pool, operation: { ...operation, cas: casOfPart(operation.cas) } },
      ...known.flatMap(({ pool: other, cas, right }) =>
        right === undefined ? [] : [{ pool: other, operation: { ...operation, right, cas } }],
      ),
    ];
  }

  release(operation: ReleaseOperation): Promise<Reply> {
    const [first, ...others] = this.releases(operation);
    if (first === undefined) return Promise.resolve(conflict);
    this.#states.forget(operation.key, operation.cas);
    const answer = this.#send(first);
    for (const each of others) void this.#send(each);
    return answer.then((reply) => brandedReply(first.pool, reply));
  }

  /** Sends all, and answers what the first says, if enough of the others have taken the value, too. */
  async #taken([first, ...others]: readonly Sent[], absent: number): Promise<Reply> {
    const answer = this.#send(first!);
    const sent = others.map((each) => this.#send(each));
    const reply = await answer;
    if (reply.kind === 'stored') return await this.#agreed(first!, reply, others, sent, absent);
    const all = this.#all || reply.kind === 'failed' ? await Promise.all(sent) : [];
    return reply.kind === 'failed'
      ? this.#elsewhere(reply, others, all, absent)
      : brandedReply(first!.pool, reply);
  }

  /** One has decided, and the others are told now. */
  #followed(first: Sent, reply: Reply, others: readonly Sent[], absent: number): Promise<Reply> {
    const sent = others.map((each) => this.#send(each));
    return this.#agreed(first, reply, others, sent, absent);
  }

  /**
   * The first has taken the value. Another that refuses it, as its entry has changed since, loses that entry: which of the two is
   * newer is not known.
   */
  async #agreed(
    first: Sent,
    reply: Reply,
    others: readonly Sent[],
    sent: readonly Promise<Reply>[],
    absent: number,
  ): Promise<Reply> {
    const outcomes = sent.map(async (outcome, at) => {
      const said = await outcome;
      if (said.kind !== 'conflict') return said;
      const { pool, operation } = others[at]!;
      return await this.#send({ pool, operation: cleaning(operation) });
    });
    const spare = this.#pools.length - this.#needed - absent;
    // Where all are needed nobody gets the buffer back before all have answered.
    const failed =
      this.#all || spare < 0
        ? (await Promise.all(outcomes)).find(isFailed)
        : await oneTooMany(outcomes, spare);
    if (failed !== undefined) return failure(failed.error, 'unknown');
    return spare < 0 ? failure(this.#absentPool(), 'unknown') : brandedReply(first.pool, reply);
  }

  /** The first has failed: whether others have taken the value is enough where not all must. */
  #elsewhere(failed: FailedReply, others: readonly Sent[], replies: readonly Reply[], absent: number): Reply {
    const taken = others.some(
      ({ operation }, at) => operation.kind === 'set' && replies[at]!.kind === 'stored',
    );
    const failures = 1 + absent + replies.filter(isFailed).length;
    if (taken && failures <= this.#pools.length - this.#needed) return { kind: 'stored', cas: '' };
    const untouched =
      failed.applied === 'no' && replies.every((each) => isFailed(each) && each.applied === 'no');
    return untouched ? failed : failure(failed.error, 'unknown');
  }

  get #all(): boolean {
    return this.#needed === this.#pools.length;
  }

  #absentPool(): Error {
    const problem = 'a pool gave no answer when the right to fill was won, and so was left out';
    return new CisternError('CISTERN_UNAVAILABLE', { store: this.#name, problem });
  }

  #send({ pool, operation }: Sent): Promise<Reply> {
    return this.#pools[pool]!.execute(operation);
  }

  /** For pools that may still be asked when the caller has its answer, and its buffer back. */
  #outliving<O extends SetOperation | CountOperation>(operation: O): O {
    if (this.#all || operation.kind !== 'set') return operation;
    if (!(operation.value instanceof Uint8Array)) return operation;
    return { ...operation, value: new Uint8Array(operation.value) };
  }
}

/** An add looks at no CAS. */
function withoutCas<O extends SetOperation | CountOperation>(operation: O): O {
  if (operation.kind !== 'set' || operation.cas === undefined) return operation;
  const { cas: _, ...rest } = operation;
  return rest as O;
}

function isFailed(reply: Reply): reply is FailedReply {
  return reply.kind === 'failed';
}

/** `undefined` as soon as no more than `spare` can fail; else the failure that was one too many. */
function oneTooMany(outcomes: readonly Promise<Reply>[], spare: number): Promise<FailedReply | undefined> {
  return new Promise((resolve) => {
    let left = spare;
    let open = outcomes.length;
    if (open <= left) resolve(undefined);
    for (const each of outcomes)
      void each.then((outcome) => {
        open--;
        if (isFailed(outcome) && --left < 0) resolve(outcome);
        else if (open <= left) resolve(undefined);
      });
  });
}
