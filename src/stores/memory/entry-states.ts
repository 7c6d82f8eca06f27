import { CisternError } from '../../core/error.ts';
import {
  conflict,
  type CountOperation,
  type DeleteOperation,
  type FailedReply,
  type GetOperation,
  type Life,
  longestLife,
  missing,
  notStored,
  type Operation,
  plainMiss,
  type ReleaseOperation,
  type Reply,
  type SetOperation,
  type TouchOperation,
} from '../../core/store.ts';
import { ValueSlab } from '../../wire/memcached-meta/value-slab.ts';
import { Entry, EntryTable } from './entry-table.ts';

const noBytes = new Uint8Array();
const largestCount = 2n ** 64n - 1n;

export interface EntryLimits {
  readonly name: string;
  readonly maxBytes: number;
  readonly maxValueBytes: number;
  readonly raw: boolean;
}

/**
 * What each operation does to an entry: the state machine of memcached's meta commands (two bits per entry, `marked` and
 * `claimed`, and a CAS), in plain code, exact to the millisecond. Synchronous; knows no clock.
 *
 * Source: memcached, doc/protocol.txt "Meta Commands", and proto_text.c.
 */
export class EntryStates {
  readonly table: EntryTable;
  readonly #limits: EntryLimits;
  /** The longest life of an entry. */
  readonly #longest: number;
  /** Answered values, copied side by side: a buffer for each would cost more than all else. */
  readonly #answers = new ValueSlab();
  #lastCas = 0;

  constructor(limits: EntryLimits) {
    this.#limits = limits;
    this.#longest = limits.raw ? Number.POSITIVE_INFINITY : longestLife;
    this.table = new EntryTable(limits.maxBytes);
  }

  /** Carries out a checked operation. Its value must be a copy that nobody else writes to. */
  apply(operation: Operation, now: number): Reply {
    switch (operation.kind) {
      case 'get':
        return this.#get(operation, now);
      case 'set':
        return this.#set(operation, now);
      case 'delete':
        return this.#delete(operation, now);
      case 'touch':
        return this.#touch(operation, now);
      case 'count':
        return this.#count(operation, now);
      case 'release':
        return this.#release(operation, now);
    }
  }

  #get(operation: GetOperation, now: number): Reply {
    const entry = this.#find(operation.key, now);
    if (entry === undefined)
      return operation.lease === undefined
        ? plainMiss
        : this.#giveLease(operation.key, now + Math.min(operation.lease, longestLife));
    if (!entry.filled) return this.#readPlaceholder(entry, operation);
    this.table.use(entry);
    let claim: 'won' | 'lost' | 'none' = 'none';
    if (entry.claimed) claim = 'lost';
    else if (entry.marked || (operation.recache !== undefined && entry.expires - now < operation.recache)) {
      entry.claimed = true;
      claim = 'won';
    }
    if (operation.touch !== undefined) entry.expires = now + this.#totalOf(operation.touch);
    const expiresIn = entry.expires - now;
    const fresh = expiresIn - entry.staleFor;
    return {
      kind: 'hit',
      value: this.#copyOf(entry),
      flags: entry.flags,
      cas: String(entry.cas),
      freshFor: entry.marked ? Math.min(fresh, 0) : fresh,
      expiresIn,
      marked: entry.marked,
      claim,
    };
  }

  #giveLease(key: string, expires: number): Reply {
    const placeholder = new Entry(key, noBytes, 0, 0, expires, false);
    placeholder.claimed = true;
    this.#change(placeholder);
    this.table.add(placeholder);
    return { kind: 'miss', lease: 'won', cas: String(placeholder.cas) };
  }

  /** A delete that marks stale takes the lease away: then the next one who asks for it wins. */
  #readPlaceholder(entry: Entry, operation: GetOperation): Reply {
    if (operation.lease === undefined) return plainMiss;
    const lease = entry.claimed ? 'lost' : 'won';
    entry.claimed = true;
    return { kind: 'miss', lease, cas: String(entry.cas) };
  }

  #set(operation: SetOperation, now: number): Reply {
    const { key, mode, value, flags } = operation;
    const entry = this.#find(key, now);
    const joins = mode === 'append' || mode === 'prepend';
    const length = value.length + (joins && entry !== undefined ? entry.value.length : 0);
    if (this.#tooLarge(key, length)) return this.#refuse(entry, length);
    if (mode === 'add') {
      if (entry !== undefined) return notStored;
    } else if (entry === undefined) {
      if (joins) return notStored;
      if (operation.cas !== undefined) return missing;
      if (mode === 'replace') return notStored;
    } else if (operation.cas !== undefined && operation.cas !== String(entry.cas)) return conflict;
    if (joins) return this.#join(entry!, mode === 'append', value);

    const { life } = operation;
    const staleFor = this.#limits.raw
      ? 0
      : Math.min(life.staleFor, this.#longest - Math.min(life.freshFor, this.#longest));
    const expires = now + this.#totalOf(operation.life);
    if (entry === undefined) {
      const added = new Entry(key, value, flags, staleFor, expires, true);
      this.#change(added);
      this.table.add(added);
      return stored(added);
    }
    entry.flags = flags;
    entry.staleFor = staleFor;
    entry.expires = expires;
    this.#clean(entry);
    this.table.revalue(entry, value);
    return stored(entry);
  }

  #join(entry: Entry, atEnd: boolean, value: Uint8Array): Reply {
    const joined = new Uint8Array(entry.value.length + value.length);
    joined.set(entry.value, atEnd ? 0 : value.length);
    joined.set(value, atEnd ? entry.value.length : 0);
    const filled = entry.filled || joined.length > 0;
    this.#clean(entry);
    entry.filled = filled;
    this.table.revalue(entry, joined);
    return stored(entry);
  }

  #delete(operation: DeleteOperation, now: number): Reply {
    const entry = this.#find(operation.key, now);
    if (entry === undefined) return missing;
    if (operation.cas !== undefined && operation.cas !== String(entry.cas)) return conflict;
    if (operation.staleFor === undefined || operation.staleFor === 0) {
      this.table.remove(entry);
      return { kind: 'stored', cas: '' };
    }
    entry.expires = now + Math.min(operation.staleFor, this.#longest);
    return this.#mark(entry);
  }

  #mark(entry: Entry): Reply {
    entry.marked = true;
    entry.claimed = false;
    this.#change(entry);
    return stored(entry);
  }

  #touch(operation: TouchOperation, now: number): Reply {
    const entry = this.#find(operation.key, now);
    if (entry?.filled !== true) return missing;
    entry.expires = now + this.#totalOf(operation.life);
    this.table.use(entry);
    return stored(entry);
  }

  #count(operation: CountOperation, now: number): Reply {
    const { key, delta, initial } = operation;
    const entry = this.#find(key, now);
    if (entry !== undefined) {
      const before = numberIn(entry.value);
      if (before === undefined)
        return this.#failed('CLIENT_ERROR cannot increment or decrement non-numeric value');
      const after = before + delta;
      this.table.revalue(entry, digits(after < 0n ? 0n : after & largestCount));
      this.#change(entry);
      return counted(entry, now);
    }
    if (initial === undefined) return missing;
    const added = new Entry(
      key,
      digits(initial.value),
      0,
      this.#limits.raw ? 0 : initial.life.staleFor,
      now + this.#totalOf(initial.life),
      true,
    );
    this.#change(added);
    this.table.add(added);
    return counted(added, now);
  }

  #release(operation: ReleaseOperation, now: number): Reply {
    const entry = this.#find(operation.key, now);
    if (entry === undefined) return missing;
    if (operation.cas !== String(entry.cas)) return conflict;
    if (operation.right === 'lease') {
      // The CAS of a value is never that of a placeholder, so only somebody who mixes up the rights comes here.
      if (entry.filled) return conflict;
      this.table.remove(entry);
      return { kind: 'stored', cas: '' };
    }
    if (!entry.filled || entry.marked !== (operation.right === 'stale')) return conflict;
    entry.claimed = false;
    this.#change(entry);
    return stored(entry);
  }

  #find(key: string, now: number): Entry | undefined {
    const entry = this.table.find(key);
    if (entry === undefined || entry.expires > now) return entry;
    this.table.remove(entry);
    return undefined;
  }

  #copyOf({ value }: Entry): Uint8Array {
    const copy = this.#answers.copy(value, 0, value.length);
    this.#answers.release();
    return copy;
  }

  #totalOf(life: Life): number {
    return Math.min(life.freshFor + life.staleFor, this.#longest);
  }

  #change(entry: Entry): void {
    entry.cas = ++this.#lastCas;
  }

  #clean(entry: Entry): void {
    entry.filled = true;
    entry.marked = false;
    entry.claimed = false;
    this.#change(entry);
  }

  #tooLarge(key: string, length: number): boolean {
    return length > this.#limits.maxValueBytes || EntryTable.bytesOf(key, length) > this.#limits.maxBytes;
  }

  /** A write that cannot be kept takes the older value with it: better a miss than an old answer. */
  #refuse(entry: Entry | undefined, bytes: number): FailedReply {
    if (entry !== undefined) this.table.remove(entry);
    const { name, maxValueBytes: limit } = this.#limits;
    const what = `A value for the store '${name}'`;
    return {
      kind: 'failed',
      error: new CisternError('CISTERN_TOO_LARGE', { what, bytes, limit, option: 'maxValueBytes' }),
      applied: 'no',
    };
  }

  #failed(line: string): FailedReply {
    return {
      kind: 'failed',
      error: new CisternError('CISTERN_SERVER', { store: this.#limits.name, line }),
      applied: 'no',
    };
  }
}

function stored(entry: Entry): Reply {
  return { kind: 'stored', cas: String(entry.cas) };
}

function counted(entry: Entry, now: number): Reply {
  const expiresIn = entry.expires - now;
  return {
    kind: 'hit',
    value: new Uint8Array(entry.value),
    flags: entry.flags,
    cas: String(entry.cas),
    freshFor: expiresIn - entry.staleFor,
    expiresIn,
    marked: entry.marked,
    claim: 'none',
  };
}

function digits(number: bigint): Uint8Array {
  return Uint8Array.from(String(number), (digit) => digit.charCodeAt(0));
}

function numberIn(value: Uint8Array): bigint | undefined {
  if (value.length === 0 || value.length > 20) return undefined;
  const text = String.fromCharCode(...value);
  if (!/^\d+$/.test(text)) return undefined;
  const number = BigInt(text);
  return number > largestCount ? undefined : number;
}
