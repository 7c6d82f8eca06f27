import { strict as assert } from 'node:assert';
import { type Clock, realRuntime } from '../core/runtime.ts';
import type {
  GetOperation,
  HitReply,
  Life,
  MissReply,
  Operation,
  Reply,
  Right,
  SetOperation,
  Store,
} from '../core/store.ts';

/** A store that is tried, and what it takes to try it. */
export interface StoreOnTrial {
  readonly store: Store;
  /** The clock of the store's runtime: deadlines are points on it. */
  readonly clock: Clock;
  /** Lets so much time pass for the store. */
  advance(milliseconds: number): Promise<void>;
  /** Lets the store work until an answer is there. Needed on a simulated network alone; default: simply wait. */
  until?<T>(answer: Promise<T>): Promise<T>;
  /** Ends what was made for this trial. The trial has closed the store before. */
  dispose(): Promise<void>;
}

/** How much longer than it was told an entry may live: a second of grain, and a second of rounding. */
export const grain = 2000;

type Unsent<O> = O extends Operation ? Omit<O, 'deadline'> & { readonly deadline?: number } : never;

/** One store under trial for one law, with short words for what laws say. */
export class Trial {
  readonly store: Store;
  readonly clock: Clock;
  readonly #on: StoreOnTrial;
  readonly #id = realRuntime.randomId();
  #keys = 0;

  constructor(on: StoreOnTrial) {
    this.#on = on;
    this.store = on.store;
    this.clock = on.clock;
  }

  /** A key that nobody else uses, on a server that is used by all laws too. */
  key(): string {
    return `law:${this.#id}:${++this.#keys}`;
  }

  async ask(operation: Unsent<Operation>): Promise<Reply> {
    return await this.wait(
      this.store.execute({ deadline: this.clock.read() + 10_000, ...operation } as Operation),
    );
  }

  /** Asks all in one turn of the event loop. */
  async askAll(operations: readonly Unsent<Operation>[]): Promise<readonly Reply[]> {
    const deadline = this.clock.read() + 10_000;
    return await this.wait(
      Promise.all(operations.map((each) => this.store.execute({ deadline, ...each } as Operation))),
    );
  }

  async wait<T>(answer: Promise<T>): Promise<T> {
    return this.#on.until === undefined ? await answer : await this.#on.until(answer);
  }

  async advance(milliseconds: number): Promise<void> {
    await this.#on.advance(milliseconds);
  }

  async get(key: string, wanted: Partial<GetOperation> = {}): Promise<Reply> {
    return await this.ask({ kind: 'get', key, ...wanted });
  }

  async set(key: string, value: string | Uint8Array, how: Partial<SetOperation> = {}): Promise<Reply> {
    return await this.ask(setOf(key, value, how));
  }

  async remove(key: string, how: { staleFor?: number; cas?: string } = {}): Promise<Reply> {
    return await this.ask({ kind: 'delete', key, ...how });
  }

  async touch(key: string, life: Life): Promise<Reply> {
    return await this.ask({ kind: 'touch', key, life });
  }

  async count(
    key: string,
    delta: bigint,
    initial?: { readonly value: bigint; readonly life: Life },
  ): Promise<Reply> {
    return await this.ask({ kind: 'count', key, delta, ...(initial && { initial }) });
  }

  async release(key: string, right: Right, cas: string): Promise<Reply> {
    return await this.ask({ kind: 'release', key, right, cas });
  }

  /** Reads a key that must be there. */
  async hit(key: string, wanted: Partial<GetOperation> = {}): Promise<HitReply> {
    return expectKind(await this.get(key, wanted), 'hit');
  }

  /** Reads a key that must not be there. */
  async miss(key: string, wanted: Partial<GetOperation> = {}): Promise<MissReply> {
    return expectKind(await this.get(key, wanted), 'miss');
  }

  /** Stores a value and answers its CAS, which a get tells. */
  async setForCas(key: string, value: string, how: Partial<SetOperation> = {}): Promise<string> {
    expectKind(await this.set(key, value, how), 'stored');
    return (await this.hit(key)).cas;
  }
}

/** Long enough that nothing ages during a law. */
export const longLife: Life = { freshFor: 600_000, staleFor: 600_000 };

export function setOf(
  key: string,
  value: string | Uint8Array,
  how: Partial<SetOperation> = {},
): Unsent<SetOperation> {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return { kind: 'set', mode: 'set', key, value: bytes, flags: 0, life: longLife, ...how };
}

/** The reply, which must be of this kind. */
export function expectKind<K extends Reply['kind']>(reply: Reply, kind: K): Extract<Reply, { kind: K }> {
  assert.equal(reply.kind, kind, `the reply is ${describeReply(reply)}`);
  return reply as Extract<Reply, { kind: K }>;
}

/** The kind of the reply must be one of these. */
export function expectOneOf(reply: Reply, ...kinds: readonly Reply['kind'][]): void {
  assert.ok(kinds.includes(reply.kind), `the reply is ${describeReply(reply)}, not ${kinds.join(' or ')}`);
}

/** The number must lie between the two, both included. */
export function expectBetween(actual: number, least: number, most: number): void {
  assert.ok(actual >= least && actual <= most, `${actual} is not from ${least} to ${most}`);
}

/** The value of a hit as text. */
export function textOf(reply: Reply): string {
  return Buffer.from(expectKind(reply, 'hit').value).toString();
}

function describeReply(reply: Reply): string {
  return reply.kind === 'failed' ? `failed: ${reply.error.message}` : reply.kind;
}
