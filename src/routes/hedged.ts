import { type Duration, milliseconds } from '../core/duration.ts';
import { wrongOption } from '../core/error.ts';
import { realRuntime, type Runtime, type Timer } from '../core/runtime.ts';
import {
  conflict,
  type Destination,
  type FailedReply,
  type GetOperation,
  type Operation,
  type ReleaseOperation,
  type Reply,
  type Store,
} from '../core/store.ts';
import { asPartKnows, brandedReply, partOf } from './cas-brand.ts';
import { unconditional } from './cleaning.ts';
import { cleaned, confirmed } from './confirmation.ts';
import { guardedPart } from './guarded-part.ts';
import { HedgeDelay } from './hedge-delay.ts';
import { checkedName, checkedOptions, checkedPart, checkedShare } from './route-options.ts';
import { Route } from './route.ts';

export interface HedgedOptions {
  /** Ask the other store after this fixed time. Default: by `percentile`. */
  readonly after?: Duration;
  /** Ask it when a get takes longer than this share of the last 500 did: 0.5 to 0.999. Default 0.95. */
  readonly percentile?: number;
  /** With a percentile: never before. Default 1 ms. */
  readonly least?: Duration;
  /** The other store is asked for at most this share of the gets. Default 0.05. */
  readonly share?: number;
  /** Default `hedged`. */
  readonly name?: string;
  /** Default: the machine's own. */
  readonly runtime?: Runtime;
}

/** A store that asks twice when the first answer is slow. */
export interface HedgedStore extends Store {
  stats(): HedgeStatistics;
}

export interface HedgeStatistics {
  readonly gets: number;
  /** Gets for which the other store was asked, too. */
  readonly hedged: number;
  /** Of these, those that it answered. */
  readonly won: number;
  /** After how many milliseconds it is asked at present; `undefined` while that is not known. */
  readonly after: number | undefined;
}

/**
 * Cuts the tail of the waiting: a get that takes longer than most is also asked in another store that holds the same, and the first good answer
 * counts. There that is a fresh entry, as the other store is asked for no lease and no reload; whoever is late gives back what it has won.
 *
 * All else goes to the first store, or to the one that gave the CAS; deletes and touches go to both. Records that are known by a `copy`
 * are the first one's. What the other holds is kept alike by who
 * writes: `mirrored([hedged(a, b), b])`.
 *
 * Source: Dean and Barroso, "The Tail at Scale", CACM 56(2), 2013: hedged requests. Costs one promise and a place in a list per
 * get, and one timer for all.
 */
export function hedged(main: Store, other: Store, options: HedgedOptions = {}): HedgedStore {
  checkedOptions(options, ['after', 'percentile', 'least', 'share', 'name', 'runtime']);
  const parts = [checkedPart('main', main), checkedPart('other', other)] as const;
  const { after, percentile = 0.95, least = 1 } = options;
  if (!(percentile >= 0.5 && percentile <= 0.999))
    throw wrongOption('percentile', percentile, 'a number from 0.5 to 0.999');
  const fixed = after === undefined ? undefined : milliseconds('after', after);
  return new Hedged(parts, {
    delay: new HedgeDelay(fixed, percentile, milliseconds('least', least)),
    share: checkedShare('share', options.share ?? 0.05),
    name: checkedName(options.name, 'hedged'),
    runtime: options.runtime ?? realRuntime,
  });
}

/** Hedges that may be made at once after a quiet time. */
const burst = 10;

/** A get that is under way. */
class Waiting {
  readonly operation: GetOperation;
  readonly resolve: (reply: Reply) => void;
  readonly asked: number;
  readonly due: number;
  answered = false;
  /** The other store has been asked and has not answered. */
  hedging = false;
  failed: FailedReply | undefined;
  next: Waiting | undefined;

  constructor(operation: GetOperation, asked: number, due: number, resolve: (reply: Reply) => void) {
    this.operation = operation;
    this.asked = asked;
    this.due = due;
    this.resolve = resolve;
  }
}

interface Settings {
  readonly delay: HedgeDelay;
  readonly share: number;
  readonly name: string;
  readonly runtime: Runtime;
}

class Hedged extends Route implements HedgedStore {
  readonly #main: Store;
  readonly #other: Store;
  readonly #settings: Settings;
  /** Gets in the order of asking, and so nearly in that of coming due. */
  #first: Waiting | undefined;
  #last: Waiting | undefined;
  #timer: Timer | undefined;
  #allowance = burst;
  #gets = 0;
  #hedged = 0;
  #won = 0;

  constructor(parts: readonly [Store, Store], settings: Settings) {
    super(settings.name, parts);
    this.#main = guardedPart(parts[0]);
    this.#other = guardedPart(parts[1]);
    this.#settings = settings;
  }

  protected ask(operation: Operation): Promise<Reply> {
    if (operation.copy !== undefined) return this.#main.execute(operation);
    if (operation.kind === 'get') return this.#get(operation);
    const part = partOf(operation);
    const store = [this.#main, this.#other][part];
    if (store === undefined) return Promise.resolve(conflict);
    const answer = store.execute(asPartKnows(operation));
    if (operation.kind !== 'delete' && operation.kind !== 'touch')
      return answer.then((reply) => brandedReply(part, reply));
    const elsewhere = part === 0 ? this.#other : this.#main;
    const too = elsewhere.execute(operation.kind === 'delete' ? unconditional(operation) : operation);
    const combined = 'cas' in operation ? cleaned : combinedAlike;
    return answer.then((reply) => too.then((other) => brandedReply(part, combined(reply, [other]))));
  }

  destinations(operation: Operation): readonly Destination[] {
    const [main, other] = this.parts as readonly [Store, Store];
    if (operation.copy !== undefined) return [{ store: main, role: 'first', operation }];
    if (operation.kind === 'get')
      return [
        { store: main, role: 'first', operation },
        { store: other, role: 'share', operation: plain(operation) },
      ];
    const part = partOf(operation);
    const store = this.parts[part];
    if (store === undefined) return [];
    const first: Destination = { store, role: 'first', operation: asPartKnows(operation) };
    if (operation.kind !== 'delete' && operation.kind !== 'touch') return [first];
    const too = operation.kind === 'delete' ? unconditional(operation) : operation;
    return [first, { store: part === 0 ? other : main, role: 'also', operation: too }];
  }

  stats(): HedgeStatistics {
    const after = this.#settings.delay.milliseconds;
    return { gets: this.#gets, hedged: this.#hedged, won: this.#won, after };
  }

  protected override release(): void {
    this.#timer?.cancel();
    this.#first = this.#last = undefined;
  }

  #get(operation: GetOperation): Promise<Reply> {
    const { clock } = this.#settings.runtime;
    const asked = clock.tick || clock.read();
    const answer = this.#main.execute(operation);
    this.#gets++;
    this.#allowance = Math.min(burst, this.#allowance + this.#settings.share);
    return new Promise((resolve) => {
      const delay = this.#settings.delay.milliseconds;
      const waiting = new Waiting(operation, asked, asked + (delay ?? 0), resolve);
      if (delay !== undefined) this.#queue(waiting);
      void answer.then((reply) => this.#answered(waiting, reply));
    });
  }

  #queue(waiting: Waiting): void {
    if (this.#last === undefined) this.#first = waiting;
    else this.#last.next = waiting;
    this.#last = waiting;
    this.#arm(waiting.asked);
  }

  #arm(now: number): void {
    if (this.#timer !== undefined || this.#first === undefined) return;
    this.#timer = this.#settings.runtime.after(Math.max(1, this.#first.due - now), this.#wake, false);
  }

  readonly #wake = (): void => {
    this.#timer = undefined;
    const now = this.#settings.runtime.clock.read();
    while (this.#first !== undefined && (this.#first.answered || this.#first.due <= now)) {
      if (!this.#first.answered) this.#hedge(this.#first);
      this.#forgetFirst();
    }
    this.#arm(now);
  };

  #forgetFirst(): void {
    this.#first = this.#first!.next;
    if (this.#first === undefined) this.#last = undefined;
  }

  #hedge(waiting: Waiting): void {
    if (this.#allowance < 1) return;
    this.#allowance--;
    this.#hedged++;
    waiting.hedging = true;
    void this.#other
      .execute(plain(waiting.operation))
      .then((reply) => this.#answeredElsewhere(waiting, reply));
  }

  #answered(waiting: Waiting, reply: Reply): void {
    const { clock } = this.#settings.runtime;
    this.#settings.delay.add((clock.tick || clock.read()) - waiting.asked);
    if (waiting.answered) return giveBack(this.#main, waiting.operation, reply);
    if (reply.kind === 'failed' && waiting.hedging) {
      waiting.failed = reply;
      return;
    }
    this.#settle(waiting, brandedReply(0, reply));
  }

  #answeredElsewhere(waiting: Waiting, reply: Reply): void {
    waiting.hedging = false;
    const good = reply.kind === 'hit' && reply.claim === 'none' && reply.freshFor > 0;
    if (!waiting.answered && (good || waiting.failed !== undefined)) {
      if (reply.kind !== 'failed') this.#won++;
      this.#settle(waiting, reply.kind === 'failed' ? waiting.failed! : brandedReply(1, reply));
    } else giveBack(this.#other, waiting.operation, reply);
  }

  #settle(waiting: Waiting, reply: Reply): void {
    waiting.answered = true;
    waiting.resolve(reply);
    while (this.#first?.answered === true) this.#forgetFirst();
  }
}

const combinedAlike: typeof cleaned = (reply, others) => confirmed([reply, ...others]);

/** What the other store is asked: for its value alone. */
function plain(operation: GetOperation): GetOperation {
  const { lease: _, recache: __, touch: ___, ...rest } = operation;
  return rest;
}

/** A right that nobody will use, as the answer came too late. */
function giveBack(store: Store, { key, routingKey, deadline }: GetOperation, reply: Reply): void {
  const lease = reply.kind === 'miss' && reply.lease === 'won';
  const reload = reply.kind === 'hit' && reply.claim === 'won';
  if (!lease && !reload) return;
  const right = lease ? 'lease' : (reply as { readonly marked: boolean }).marked ? 'stale' : 'recache';
  const release: ReleaseOperation = { kind: 'release', key, right, cas: reply.cas, deadline };
  void store.execute(routingKey === undefined ? release : { ...release, routingKey });
}
