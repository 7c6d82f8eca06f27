import { unavailable } from '../../net/connection-errors.ts';
import type { Departure, Naming } from '../../core/fence.ts';
import type { Runtime } from '../../core/runtime.ts';
import {
  type GetOperation,
  longestLife,
  type Operation,
  type Reply,
  type SetOperation,
} from '../../core/store.ts';
import { decodeRecord, encodeRecord, type FenceRecord, sameDepartures, sameMembers } from './fence-record.ts';
import type { Ask, Inquiry, ServerFence, ServerStore } from './server-parts.ts';

/** How long what is known of the record may be used before it is asked for again, in milliseconds. */
export const pollPeriod = 250;
/** How often its life is prolonged, in milliseconds: nobody else does, and a record that expires makes the server cold. */
const touchPeriod = 3_600_000;
/** Most departures in a record: beyond, the server gets a new incarnation and there are none. */
const mostDepartures = 16;
/** How often a change is tried anew when others change the record at the same time. */
const attempts = 10;
/** From the third try on there are pauses between them, of so many milliseconds at most, and ever more. */
const longestPause = 5;

const life = { freshFor: longestLife, staleFor: 0 };

export interface FenceOptions {
  /** Names the record. The same in all processes that use the server for the same pool. */
  readonly pool: string;
  readonly runtime: Runtime;
  /** Fulfilled when the server may serve as far as others are concerned. */
  readonly ready: Promise<void>;
}

/**
 * The fence of one memcached server. The record is read in the greeting of every connection, and then goes along in front of requests:
 * in every write that carries an invalidation, and otherwise when it was not read for 250 ms. Nobody waits for it, a server that nobody
 * asks is not asked for it either, and nothing is ever sent for it alone, but when it is missing or changed.
 *
 * Bounds, where P is this process and another one gives the server a new incarnation at some moment:
 *
 * - What P answers from before was sent at most 250 ms after that moment, so it is answered at most 250 ms and a timeout after it. Every
 *   request has, in front of it on its own connection or answered before, a reading of the record that was asked for no earlier than 250 ms before
 *   the request was sent; and an answer by a name that has changed meanwhile is not handed on, but fails.
 * - An invalidation that P calls confirmed was effective for everybody: its reading of the record was sent with it, so the name was still the right
 *   one after the invalidation was asked. All that is found by a newer name was stored later than that.
 *
 * Without CAS (`-C`) nobody can change a record without the danger of undoing what another process has just written. So every change
 * there writes a new incarnation too: whichever of two is left in the end, nothing from before can be reached by it.
 */
export class MemcachedFence implements ServerFence {
  naming: Naming | undefined = undefined;
  changed: (() => void) | undefined = undefined;
  names = 0;
  era = 0;
  knownAt: number = Number.NEGATIVE_INFINITY;
  readonly #server: ServerStore;
  readonly #runtime: Runtime;
  readonly #ready: Promise<void>;
  readonly #key: string;
  readonly #read: GetOperation;
  #record: FenceRecord | undefined;
  /** What was read last: its bytes, what they say, and whether that is what is known. */
  #bytes: Uint8Array = new Uint8Array(0);
  #decoded: FenceRecord | undefined;
  #adopted: FenceRecord | undefined;
  /** What stands in front of keys; undefined while there is no incarnation that may be used. */
  #prefix: string | undefined;
  readonly #tokenPrefixes = new Map<string, string>();
  #lastNumber = 0;
  /** Questions up to this one were asked before the latest change was learnt. */
  #settled = 0;
  #touchedAt = Number.NEGATIVE_INFINITY;
  #remaking = false;
  /** How often a new incarnation was asked for, and whether the last time is not confirmed. */
  #renewals = 0;
  #unconfirmed = false;
  #closed = false;

  constructor(server: ServerStore, options: FenceOptions) {
    this.#server = server;
    this.#runtime = options.runtime;
    this.#ready = options.ready;
    this.#key = `~cistern:${options.pool}`;
    this.#read = { kind: 'get', key: this.#key, deadline: Number.POSITIVE_INFINITY };
  }

  get incarnation(): string | undefined {
    return this.#record?.incarnation;
  }

  get members(): readonly string[] | undefined {
    const members = this.#record?.members;
    return members?.length === 0 ? undefined : members;
  }

  get departed(): ReadonlyMap<string, Departure> {
    return this.#record?.departed ?? noDepartures;
  }

  prefixOf(operation: Operation): string | undefined {
    const prefix = this.#prefix;
    if (prefix === undefined || this.naming === undefined) return prefix;
    const token = this.naming(operation);
    if (token === undefined) return undefined;
    return token === '' ? prefix : this.#tokenPrefix(token);
  }

  async greet(ask: Ask): Promise<Error | undefined> {
    await this.#ready;
    let error: Error | undefined;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const inquiry = this.#inquireLong();
      const reply = await ask(inquiry.operation);
      if (reply.kind === 'failed') return reply.error;
      const found = this.#recordIn(reply);
      if (found !== undefined) {
        if (!this.#adopt(found, inquiry)) this.changed?.();
        return undefined;
      }
      const written = await ask(this.#write(fresh(this.#runtime), reply));
      if (written.kind === 'failed') error = written.error;
    }
    return unavailable(this.#server.name, 'it does not keep the record of its fence', error);
  }

  inquire(now: number): Inquiry {
    const plain = now - this.#touchedAt < touchPeriod;
    return { operation: plain ? this.#read : this.#touch(now), number: ++this.#lastNumber, askedAt: now };
  }

  learn(inquiry: Inquiry, reply: Reply): void {
    if (reply.kind === 'failed') return;
    const found = this.#recordIn(reply);
    if (found !== undefined) this.#adopt(found, inquiry);
    else if (inquiry.number > this.#settled) {
      this.#forget();
      this.#remake();
    }
  }

  async renew(): Promise<boolean> {
    const renewal = ++this.#renewals;
    this.#unconfirmed = true;
    this.#rename();
    // Somebody else's, made after this was asked, is as good.
    const renewed = await this.replace();
    if (renewed && renewal === this.#renewals) {
      this.#unconfirmed = false;
      this.#rename();
    }
    return renewed;
  }

  replace(): Promise<boolean> {
    return this.#change((record) => ({ ...record, ...fresh(this.#runtime), members: record.members }), true);
  }

  enrol(members: readonly string[], left: readonly string[]): Promise<boolean> {
    return this.#change((record, casKept) => {
      if (left.length === 0 && sameMembers(record.members, members)) return record;
      const departed = new Map(record.departed);
      let order = Math.max(0, ...[...departed.values()].map((each) => each.order));
      const gone = record.members.filter((each) => !members.includes(each));
      for (const id of new Set([...left, ...gone]))
        departed.set(id, { token: this.#runtime.randomId(), order: ++order });
      if (!casKept || departed.size > mostDepartures) return { ...fresh(this.#runtime), members };
      return { incarnation: record.incarnation, members, departed };
    }, false);
  }

  closed(): void {
    this.#closed = true;
  }

  /**
   * Reads the record and writes it changed, over what was read. `newer`: an incarnation that another process has made since the first
   * reading will do. False: not confirmed.
   */
  async #change(
    make: (record: FenceRecord, casKept: boolean) => FenceRecord,
    newer: boolean,
  ): Promise<boolean> {
    let first: string | undefined;
    let mine: FenceRecord | undefined;
    // It may be called while requests are being written.
    await Promise.resolve();
    for (let attempt = 0; attempt < attempts && !this.#closed; attempt++) {
      if (attempt > 1) await this.#pause(attempt);
      const inquiry = this.#inquireLong();
      const reply = await this.#server.executeBare({
        ...inquiry.operation,
        deadline: Number.POSITIVE_INFINITY,
      });
      if (reply.kind === 'failed') return false;
      const found = this.#recordIn(reply);
      first ??= found?.incarnation ?? '';
      if (found !== undefined) {
        this.#adopt(found, inquiry);
        const written = mine !== undefined && sameRecord(found, mine);
        if (written || (newer && found.incarnation !== first)) return true;
      }
      const casKept = reply.kind !== 'hit' || reply.cas !== '';
      const record = found ?? fresh(this.#runtime);
      const changed = make(record, casKept);
      if (changed === found) return true;
      const asked: Inquiry = { ...inquiry, number: ++this.#lastNumber, askedAt: this.#runtime.clock.read() };
      const written = await this.#server.executeBare(this.#write(changed, reply));
      if (written.kind === 'failed') return false;
      if (written.kind !== 'stored') continue;
      // Without CAS, what counts is what is there afterwards.
      if (casKept) {
        this.#adopt(changed, asked);
        return true;
      }
      mine = changed;
    }
    return false;
  }

  #inquireLong(): Inquiry {
    const now = this.#runtime.clock.read();
    return { operation: this.#touch(now), number: ++this.#lastNumber, askedAt: now };
  }

  /** Reads it, and prolongs its life. */
  #touch(now: number): Operation {
    this.#touchedAt = now;
    return { ...this.#read, touch: life };
  }

  /** The usual record is the one that is known already: then it costs no more than looking at its bytes. */
  #recordIn(reply: Reply): FenceRecord | undefined {
    if (reply.kind !== 'hit') return undefined;
    if (!sameBytes(this.#bytes, reply.value)) {
      this.#decoded = decodeRecord(reply.value);
      this.#bytes = reply.value.slice();
    }
    return this.#decoded;
  }

  /** Over what was read: by its CAS where there is one, so that of two writers one begins anew. */
  #write(record: FenceRecord, over: Reply): SetOperation {
    const cas = over.kind === 'hit' ? over.cas : '';
    return {
      kind: 'set',
      key: this.#key,
      mode: over.kind === 'hit' ? 'set' : 'add',
      value: encodeRecord(record),
      flags: 0,
      life,
      deadline: Number.POSITIVE_INFINITY,
      ...(cas === '' ? undefined : { cas }),
    };
  }

  /** Whether it told something new. */
  #adopt(found: FenceRecord, { number, askedAt }: Inquiry): boolean {
    if (found === this.#adopted) {
      this.knownAt = Math.max(this.knownAt, askedAt);
      return false;
    }
    const before = this.#record;
    const renewed = before?.incarnation !== found.incarnation;
    const members =
      before !== undefined && sameMembers(before.members, found.members) ? before.members : found.members;
    const moved = before === undefined || !sameDepartures(before.departed, found.departed);
    if (before !== undefined && !renewed && !moved && members === before.members) {
      this.#adopted = found;
      this.knownAt = Math.max(this.knownAt, askedAt);
      return false;
    }
    // It was asked before something else was learnt: which of the two is newer, nobody knows, so it is asked again.
    if (number <= this.#settled) {
      this.knownAt = Number.NEGATIVE_INFINITY;
      return false;
    }
    this.#settled = this.#lastNumber;
    this.#adopted = found;
    this.knownAt = askedAt;
    this.#record = {
      incarnation: found.incarnation,
      members,
      departed: moved ? found.departed : before.departed,
    };
    if (moved) this.#tokenPrefixes.clear();
    if (renewed && before !== undefined) this.era++;
    if (renewed || moved) this.#rename();
    this.changed?.();
    return true;
  }

  /** The record is gone: nothing is known, and nothing but the record may be sent. */
  #forget(): void {
    if (this.#record !== undefined) this.era++;
    this.#settled = this.#lastNumber;
    this.#record = this.#adopted = undefined;
    this.knownAt = Number.NEGATIVE_INFINITY;
    this.#rename();
  }

  #rename(): void {
    this.names++;
    this.#prefix =
      this.#record === undefined || this.#unconfirmed ? undefined : `${this.#record.incarnation}:`;
  }

  #remake(): void {
    if (this.#remaking) return;
    this.#remaking = true;
    void this.#change((record) => record, true).then(() => (this.#remaking = false));
  }

  #tokenPrefix(token: string): string {
    let prefix = this.#tokenPrefixes.get(token);
    if (prefix === undefined) this.#tokenPrefixes.set(token, (prefix = `${token}:`));
    return prefix;
  }

  #pause(attempt: number): Promise<void> {
    const span = this.#runtime.random() * longestPause * attempt;
    return new Promise((resolve) => void this.#runtime.after(span, resolve, true));
  }
}

const noDepartures: ReadonlyMap<string, Departure> = new Map();

function fresh(runtime: Runtime): FenceRecord {
  return { incarnation: runtime.randomId(), members: [], departed: noDepartures };
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  const { length } = one;
  if (other.length !== length) return false;
  for (let index = 0; index < length; index++) if (one[index] !== other[index]) return false;
  return true;
}

function sameRecord(one: FenceRecord, other: FenceRecord): boolean {
  return one.incarnation === other.incarnation && sameMembers(one.members, other.members);
}
