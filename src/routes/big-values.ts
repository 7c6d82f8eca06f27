import { type Bytes, bytes } from '../core/bytes.ts';
import { CisternError, wrongOption } from '../core/error.ts';
import { realRuntime, type Runtime } from '../core/runtime.ts';
import {
  type Destination,
  type GetOperation,
  type HitReply,
  missing,
  notStored,
  type Operation,
  plainMiss,
  type ReleaseOperation,
  type Reply,
  type SetOperation,
  type Store,
  type TouchOperation,
} from '../core/store.ts';
import { ChunkStore } from './big-value/chunk-store.ts';
import { contentOf, indexOf, isMarked, kept } from './big-value/value-index.ts';
import { cleaning } from './cleaning.ts';
import { answered, failure, unusable } from './failure.ts';
import { guardedPart } from './guarded-part.ts';
import { checkedName, checkedOptions, checkedPart } from './route-options.ts';
import { Route } from './route.ts';

export interface BigValuesOptions {
  /** Values larger than this are cut into chunks of this size: below what a server takes as one entry. Default 512 kB. */
  readonly threshold?: Bytes;
  /** The largest value: a larger one is a failed write, and the older value is gone. Default 64 MB. */
  readonly maxValueBytes?: Bytes;
  /** Default `big-values`. */
  readonly name?: string;
  /** Default: the machine's own. */
  readonly runtime?: Runtime;
}

/**
 * Values that are too large for one entry are cut into chunks: entries of their own, with names that no other writer uses, and in the place of the
 * value an index with their number, length and CRC-32. Leases, CAS, marks and lives are those of the index, which is written when all chunks are. So
 * a reader finds one whole value or none: a chunk that is missing or damaged is a miss, and its index is removed by its CAS, so that a
 * lease can be won.
 *
 * Small values are kept as they are and cost one look at a byte. A large one costs one round more, and its bytes are copied once when
 * read. Chunks of values that were overwritten or deleted stay until their life ends, or until the server needs the room. A touch
 * reads the entry, to find its chunks; a prepend reads it, too. While a large value is written, this process's operations on its key wait.
 *
 * Source: mcrouter, BigValueRoute; Netflix, EVCache chunking.
 */
export function bigValues(store: Store, options: BigValuesOptions = {}): Store {
  checkedOptions(options, ['threshold', 'maxValueBytes', 'name', 'runtime']);
  const part = checkedPart('store', store);
  const threshold = bytes('threshold', options.threshold ?? '512kb', 1, 2 ** 30);
  const maxValueBytes = bytes('maxValueBytes', options.maxValueBytes ?? '64mb', 1, 2 ** 32 - 1);
  if (maxValueBytes < threshold)
    throw wrongOption('maxValueBytes', maxValueBytes, `at least 'threshold', which is ${threshold}`);
  const name = checkedName(options.name, 'big-values');
  return new BigValues(part, { threshold, maxValueBytes, name, runtime: options.runtime ?? realRuntime });
}

/** How often a prepend is tried when the entry changes meanwhile. */
const attempts = 3;

interface Settings {
  readonly threshold: number;
  readonly maxValueBytes: number;
  readonly name: string;
  readonly runtime: Runtime;
}

class BigValues extends Route {
  readonly #store: Store;
  readonly #chunks: ChunkStore;
  readonly #settings: Settings;
  /** What takes several steps, by key: what comes after it waits. */
  readonly #under = new Map<string, Promise<Reply>>();

  constructor(store: Store, settings: Settings) {
    super(settings.name, [store]);
    this.#store = guardedPart(store);
    this.#chunks = new ChunkStore(this.#store, settings.threshold);
    this.#settings = settings;
  }

  protected ask(operation: Operation): Promise<Reply> {
    const before = this.#under.size === 0 ? undefined : this.#under.get(operation.key);
    if (before !== undefined)
      return this.#hold(
        operation.key,
        before.then(() => this.#carriedOut(operation)),
      );
    const answer = this.#carryOut(operation);
    return takesSteps(operation, this.#settings.threshold) ? this.#hold(operation.key, answer) : answer;
  }

  destinations(operation: Operation): readonly Destination[] {
    const store = this.parts[0]!;
    if (operation.kind === 'touch') return [{ store, role: 'first', operation: touching(operation) }];
    if (operation.kind !== 'set') return [{ store, role: 'first', operation }];
    if (operation.mode === 'prepend')
      return [
        { store, role: 'first', operation: reading(operation) },
        { store, role: 'share', operation },
      ];
    if (operation.mode === 'append' || operation.value.length <= this.#settings.threshold)
      return [{ store, role: 'first', operation: asKept(operation) }];
    const index = indexOf(this.#chunks.listOf(operation.value, '--------'));
    return [{ store, role: 'share', operation: { ...operation, value: index } }];
  }

  #hold(key: string, answer: Promise<Reply>): Promise<Reply> {
    this.#under.set(key, answer);
    void answer.then(() => {
      if (this.#under.get(key) === answer) this.#under.delete(key);
    });
    return answer;
  }

  /** For later: what cannot be carried out is a failure, not a throw. */
  #carriedOut(operation: Operation): Promise<Reply> {
    try {
      return this.#carryOut(operation);
    } catch (thrown) {
      return unusable(operation, thrown);
    }
  }

  #carryOut(operation: Operation): Promise<Reply> {
    switch (operation.kind) {
      case 'get':
        return this.#store
          .execute(operation)
          .then((reply) =>
            reply.kind === 'hit' && isMarked(reply.value)
              ? answered(this.#read(operation, reply, true))
              : reply,
          );
      case 'set':
        if (operation.mode === 'prepend') return answered(this.#prepend(operation));
        return operation.mode === 'append' ? this.#store.execute(operation) : this.#set(operation);
      case 'touch':
        return answered(this.#touch(operation));
      default:
        return this.#store.execute(operation);
    }
  }

  /** An entry that is more than its bytes. `again`: the entry may be asked for a second time, once it is known to be broken. */
  async #read(operation: GetOperation, reply: HitReply, again: boolean): Promise<Reply> {
    const content = contentOf(reply.value);
    if (content.kind === 'value') return { ...reply, value: content.value };
    const value = content.kind === 'chunks' ? await this.#chunks.read(operation, content.chunks) : undefined;
    if (value instanceof Uint8Array) {
      const { tail } = content as Extract<typeof content, { kind: 'chunks' }>;
      return { ...reply, value: tail.length === 0 ? value : joined(value, tail) };
    }
    // What could not be read may still be whole.
    if (value !== undefined) {
      this.#giveBack(operation, reply);
      return value;
    }
    const { cas } = reply;
    await this.#store.execute({ ...cleaning(operation), ...(cas === '' ? undefined : { cas }) });
    if (!again) return plainMiss;
    const next = await this.#store.execute(operation);
    return next.kind === 'hit' ? await this.#read(operation, next, false) : next;
  }

  #set(operation: SetOperation): Promise<Reply> {
    const { length } = operation.value;
    // What is no value is left to be refused.
    if (!(length > this.#settings.threshold) || !(operation.value instanceof Uint8Array))
      return this.#store.execute(asKept(operation));
    return answered(
      length > this.#settings.maxValueBytes ? this.#refuse(operation) : this.#setChunked(operation),
    );
  }

  async #setChunked(operation: SetOperation): Promise<Reply> {
    const list = this.#chunks.listOf(operation.value, this.#settings.runtime.randomId());
    const failed = await this.#chunks.write(operation, list);
    const reply = failed ?? (await this.#store.execute({ ...operation, value: indexOf(list) }));
    // An index that may be there after all must find its chunks.
    const useless =
      failed !== undefined || (reply.kind === 'failed' ? reply.applied === 'no' : reply.kind !== 'stored');
    if (useless) this.#chunks.remove(operation, list);
    return failed === undefined ? reply : failure(failed.error);
  }

  /** As every store does with a value that it cannot hold: better a miss than an old answer. */
  async #refuse(operation: SetOperation): Promise<Reply> {
    await this.#store.execute(cleaning(operation));
    const what = `A value for the store '${this.name}'`;
    const limit = this.#settings.maxValueBytes;
    const { length } = operation.value;
    return failure(
      new CisternError('CISTERN_TOO_LARGE', { what, bytes: length, limit, option: 'maxValueBytes' }),
    );
  }

  /** In front of an index nothing can be put: the whole value is made anew. In front of a value it is, if that is still the same. */
  async #prepend(operation: SetOperation): Promise<Reply> {
    const asked = reading(operation);
    let reply: Reply = notStored;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const raw = await this.#store.execute(asked);
      const found = raw.kind === 'hit' ? await this.#read(asked, raw, false) : raw;
      if (found.kind === 'failed') return found;
      if (raw.kind !== 'hit' || found.kind !== 'hit')
        return operation.cas === undefined ? notStored : missing;
      const cas = operation.cas ?? (raw.cas === '' ? undefined : raw.cas);
      const by = cas === undefined ? undefined : { cas };
      const whole = joined(operation.value, found.value);
      const simple = !isMarked(raw.value) && !isMarked(whole);
      reply = simple
        ? await this.#store.execute({ ...operation, ...by })
        : await this.#set({
            ...operation,
            ...by,
            mode: 'replace',
            value: whole,
            flags: found.flags,
            life: lifeOf(found),
          });
      if (reply.kind !== 'stored') this.#giveBack(asked, found);
      if (reply.kind !== 'conflict' || operation.cas !== undefined) return reply;
    }
    return reply;
  }

  /** The chunks must live as long as their index. */
  async #touch(operation: TouchOperation): Promise<Reply> {
    const asked = touching(operation);
    const reply = await this.#store.execute(asked);
    if (reply.kind !== 'hit') return reply.kind === 'miss' ? missing : reply;
    const content = contentOf(reply.value);
    if (content.kind === 'chunks') await this.#chunks.touch(operation, content.chunks, operation.life);
    this.#giveBack(asked, reply);
    return { kind: 'stored', cas: reply.cas };
  }

  /** A right that came with an answer which the caller does not get. */
  #giveBack({ key, routingKey, copy, deadline }: GetOperation, { claim, marked, cas }: HitReply): void {
    if (claim !== 'won') return;
    const release: ReleaseOperation = {
      kind: 'release',
      key,
      right: marked ? 'stale' : 'recache',
      cas,
      deadline,
      ...(routingKey === undefined ? undefined : { routingKey }),
      ...(copy === undefined ? undefined : { copy }),
    };
    void this.#store.execute(release);
  }
}

function takesSteps(operation: Operation, threshold: number): boolean {
  return operation.kind === 'set' && (operation.mode === 'prepend' || operation.value.length > threshold);
}

/** What is appended stays what it is, behind a value and behind an index. */
function asKept(operation: SetOperation): SetOperation {
  if (operation.mode === 'append') return operation;
  const value = kept(operation.value);
  return value === operation.value ? operation : { ...operation, value };
}

function reading({ key, routingKey, copy, deadline }: Operation): GetOperation {
  return {
    kind: 'get',
    key,
    deadline,
    ...(routingKey === undefined ? undefined : { routingKey }),
    ...(copy === undefined ? undefined : { copy }),
  };
}

function touching(operation: TouchOperation): GetOperation {
  return { ...reading(operation), touch: operation.life };
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}

function lifeOf({ freshFor, expiresIn }: HitReply): { readonly freshFor: number; readonly staleFor: number } {
  const fresh = Math.max(0, freshFor);
  // A raw entry may have no end.
  return {
    freshFor: fresh,
    staleFor: expiresIn === Number.POSITIVE_INFINITY ? 0 : Math.max(0, expiresIn - fresh),
  };
}
