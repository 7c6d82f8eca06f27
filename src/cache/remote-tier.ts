import { tell } from '../core/events.ts';
import { type StoreKey, storeKey } from '../core/key.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Claim, GetOperation, HitReply, MissReply, Reply, Right } from '../core/store.ts';
import { decodeEntry, encodeEntry, type EntryContent, type EntryFormat } from './codec/envelope.ts';
import type { GuardedStore } from './guarded-store.ts';
import { OwedRemovals } from './owed-removals.ts';
import type { ServerRecord } from './record/server-record.ts';
import type { StandardSchema } from './standard-schema.ts';
import type { Counters } from './statistics.ts';

/** Where an entry was looked for: the key under the generation of that moment. */
export interface RemoteKey extends StoreKey {
  readonly generation: string;
}

/** What a read found. `failed`: the tier gave no answer in time. */
export type RemoteRead =
  | { readonly found: 'failed' }
  | {
      readonly found: 'value' | 'nothing';
      /** With `value`. An entry that cannot be decoded, or that the schema refuses, is `nothing`. */
      readonly content: EntryContent | undefined;
      /** Freshness left in milliseconds; <= 0: aged. */
      readonly freshFor: number;
      /** Life left in milliseconds: what a threshold must be above to compete for the right to reload. */
      readonly expiresIn: number;
      /** Marked stale so long ago (milliseconds), or `undefined`. */
      readonly markedFor: number | undefined;
      readonly claim: Claim;
      readonly right: Right;
      readonly cas: string;
      readonly at: RemoteKey;
    };

export interface RemoteReadOptions {
  readonly lease?: number | undefined;
  readonly recache?: number | undefined;
  readonly deadline: number;
  /** The first step of a change: with the server record as it is now. */
  readonly change?: boolean;
}

/** What became of a fill. `refused`: somebody invalidated or stored meanwhile. */
export type Filled = 'stored' | 'refused' | 'failed';

/** One cache's view of the remote tier: ids to keys, values to bytes, replies to what the read path needs. Never rejects, but for what encoding refuses. */
export class RemoteTier {
  /** Removals that have found no name yet. */
  readonly owed: OwedRemovals;
  readonly #store: GuardedStore;
  readonly #record: ServerRecord;
  readonly #prefix: string;
  readonly #format: EntryFormat;
  readonly #schema: StandardSchema | undefined;
  readonly #staleFor: number;
  readonly #counters: Counters;

  constructor(options: {
    readonly store: GuardedStore;
    readonly record: ServerRecord;
    readonly prefix: string;
    readonly format: EntryFormat;
    readonly schema: StandardSchema | undefined;
    readonly staleFor: number;
    readonly counters: Counters;
    readonly runtime: Runtime;
  }) {
    this.#store = options.store;
    this.#record = options.record;
    this.#prefix = options.prefix;
    this.#format = options.format;
    this.#schema = options.schema;
    this.#staleFor = options.staleFor;
    this.#counters = options.counters;
    this.owed = new OwedRemovals({
      runtime: options.runtime,
      remove: async (encoded) => (await this.#remove(encoded, 0)) !== 'unnamed',
      clear: () => this.#clear(),
    });
  }

  /** The generation that reads go to now, `undefined` while unknown. */
  get generation(): string | undefined {
    return this.#record.generation(this.#format.cache);
  }

  /** The name of an entry in the store now, `undefined` while the generation is unknown. */
  nameOf(encoded: string): string | undefined {
    return this.#at(encoded)?.key;
  }

  /** The near tier holds entries until then: a `clear()` elsewhere must be noticed. */
  watch(until: number): void {
    this.#record.watch(until);
  }

  /**
   * Reads an entry. The server record travels in the same batch when it is due; if it shows another generation, the read is
   * repeated there, so an answer never comes from before a `clear()` that the record already tells of. If the record is due and
   * cannot be read, neither can the entry.
   */
  read(encoded: string, options: RemoteReadOptions): Promise<RemoteRead> {
    if (this.owed.size > 0 && this.owed.has(encoded)) return Promise.resolve(this.#failed());
    const checking = options.change === true ? this.#record.recheck() : this.#record.current();
    const at = this.#at(encoded);
    if (checking !== undefined || at === undefined) return this.#readChecked(encoded, options);
    // The usual case, a current record, without the machinery of the other.
    return this.#store
      .execute(this.#question(at, options))
      .then((reply) =>
        at.generation === this.generation
          ? this.#interpreted(reply, at)
          : this.#readChecked(encoded, options, 1),
      );
  }

  async #readChecked(encoded: string, options: RemoteReadOptions, attempts = 0): Promise<RemoteRead> {
    for (let attempt = attempts; ; attempt++) {
      const checking = options.change === true ? this.#record.recheck() : this.#record.current();
      if (this.generation === undefined && checking !== undefined)
        await this.#store.within(checking, options.deadline);
      const at = this.#at(encoded);
      if (at === undefined) return this.#failed();
      const reply = await this.#store.execute(this.#question(at, options));
      const known = checking === undefined || (await this.#store.within(checking, options.deadline));
      if (known && at.generation !== this.generation && attempt < 2) continue;
      if (!known || at.generation !== this.generation) {
        // A clear() may have gone unnoticed: as long as that is not known, nothing that is read here can be trusted.
        void this.#giveBack(reply, at);
        return this.#failed();
      }
      return await this.#interpreted(reply, at);
    }
  }

  #question(at: RemoteKey, options: RemoteReadOptions): GetOperation {
    const operation: { -readonly [K in keyof GetOperation]: GetOperation[K] } = {
      kind: 'get',
      key: at.key,
      deadline: this.#store.deadline(options.deadline),
    };
    if (options.lease !== undefined) operation.lease = options.lease;
    if (options.recache !== undefined) operation.recache = options.recache;
    return operation;
  }

  #interpreted(reply: Reply, at: RemoteKey): RemoteRead | Promise<RemoteRead> {
    if (reply.kind === 'hit') return this.#hit(reply, at);
    if (reply.kind === 'miss') return this.#miss(reply, at);
    return this.#failed();
  }

  /** Stores by the CAS of the read. Throws what encoding refuses: `CISTERN_UNSTORABLE`, `CISTERN_TOO_LARGE`. */
  async fill(at: RemoteKey, cas: string, right: Right, content: EntryContent): Promise<Filled> {
    const value = encodeEntry(content, at, this.#format);
    const reply = await this.#store.execute({
      kind: 'set',
      mode: 'set',
      key: at.key,
      value,
      flags: 0,
      life: content.life,
      cas,
      deadline: this.#store.deadline(),
    });
    if (reply.kind === 'stored') return 'stored';
    if (reply.kind === 'failed') {
      this.#counters.remoteFailures++;
      return 'failed';
    }
    if (reply.kind === 'conflict' && right === 'lease') await this.#sweepPlaceholder(at);
    return 'refused';
  }

  /** Checks that a value could be stored. Throws `CISTERN_UNSTORABLE`, `CISTERN_TOO_LARGE`. */
  check(content: EntryContent, encoded: string): void {
    encodeEntry(content, storeKey(this.#prefix, encoded), this.#format);
  }

  async #giveBack(reply: Reply, at: RemoteKey): Promise<void> {
    if (reply.kind === 'miss' && reply.lease === 'won') await this.release(at, 'lease', reply.cas);
    if (reply.kind === 'hit' && reply.claim === 'won') {
      await this.release(at, reply.marked ? 'stale' : 'recache', reply.cas);
    }
  }

  async release(at: RemoteKey, right: Right, cas: string): Promise<void> {
    await this.#store.execute({ kind: 'release', key: at.key, right, cas, deadline: this.#store.deadline() });
  }

  /** Removes an entry, or marks it stale for `staleFor`. True: confirmed. What reaches no server by a name that counts is owed, and tried again. */
  async remove(encoded: string, staleFor: number): Promise<boolean> {
    const removed = await this.#remove(encoded, staleFor);
    if (removed === 'unnamed') this.owed.add(encoded);
    return removed === 'confirmed';
  }

  /**
   * Repeated under the new generation when the server record, which travels in the same batch, shows one. `lost`: the store did not
   * confirm it. `unnamed`: there is no name for the entry, or it may have another one by now.
   */
  async #remove(encoded: string, staleFor: number): Promise<'confirmed' | 'lost' | 'unnamed'> {
    for (let attempt = 0; ; attempt++) {
      const checking = this.#record.recheck();
      if (this.generation === undefined) await checking;
      const at = this.#at(encoded);
      if (at === undefined) {
        this.#counters.remoteFailures++;
        return 'unnamed';
      }
      const reply = await this.#store.execute({
        kind: 'delete',
        key: at.key,
        deadline: this.#store.deadline(),
        ...(staleFor > 0 ? { staleFor } : undefined),
      });
      const known = await checking;
      if (known && at.generation !== this.generation && attempt < 2) continue;
      const done = reply.kind === 'stored' || reply.kind === 'notFound';
      if (!done || !known) this.#counters.remoteFailures++;
      if (!known || at.generation !== this.generation) return 'unnamed';
      return done ? 'confirmed' : 'lost';
    }
  }

  async #clear(): Promise<boolean> {
    const before = this.generation;
    if (await this.#record.clear(this.#format.cache)) return true;
    // One copy of the record has it: the others are brought up to date by whoever reads them.
    return before !== undefined && this.generation !== before;
  }

  #at(encoded: string): RemoteKey | undefined {
    const generation = this.generation;
    if (generation === undefined) return undefined;
    const { key, hashed } = storeKey(`${this.#prefix}${generation}:`, encoded);
    return { key, hashed, generation };
  }

  #failed(): RemoteRead {
    this.#counters.remoteFailures++;
    return { found: 'failed' };
  }

  #miss(reply: MissReply, at: RemoteKey): RemoteRead {
    const { lease: claim, cas } = reply;
    return {
      found: 'nothing',
      content: undefined,
      freshFor: 0,
      expiresIn: 0,
      markedFor: undefined,
      claim,
      right: 'lease',
      cas,
      at,
    };
  }

  #hit(reply: HitReply, at: RemoteKey): RemoteRead | Promise<RemoteRead> {
    let content: EntryContent | undefined;
    try {
      content = decodeEntry(reply.value, at, this.#format);
    } catch (error) {
      this.#unusable(at, 'the stored entry cannot be decoded', error);
    }
    if (this.#schema === undefined || content === undefined || content.negative)
      return found(reply, at, content, this.#staleFor);
    return this.#checked(this.#schema, content, at).then((valid) => found(reply, at, valid, this.#staleFor));
  }

  async #checked(
    schema: StandardSchema,
    content: EntryContent,
    at: RemoteKey,
  ): Promise<EntryContent | undefined> {
    try {
      const result = await schema['~standard'].validate(content.value);
      if (result.issues === undefined) return { ...content, value: result.value };
      const problems = result.issues.map((issue) => issue.message).join('; ');
      this.#unusable(at, `the schema refuses it: ${problems}`, undefined);
    } catch (error) {
      this.#unusable(at, 'the schema failed', error);
    }
    return undefined;
  }

  #unusable(at: RemoteKey, reason: string, error: unknown): void {
    tell('not-kept', {
      cache: this.#format.cache,
      key: at.key,
      reason,
      ...(error === undefined ? undefined : { error }),
    });
  }

  /**
   * After a conflict on a lease fill: memcached before 1.6.24 changes the CAS of an item by itself when it moves a slab page,
   * and the placeholder would then keep everybody waiting until it expires. Deleting it by its new CAS frees the key; if it
   * is somebody else's fresh lease, that costs one load.
   */
  async #sweepPlaceholder(at: RemoteKey): Promise<void> {
    // Only who asks for a lease is told the CAS of a placeholder; one that is won here goes with it.
    const reply: Reply = await this.#store.execute({
      kind: 'get',
      key: at.key,
      lease: 1000,
      deadline: this.#store.deadline(),
    });
    if (reply.kind !== 'miss' || reply.cas === '') return;
    await this.#store.execute({
      kind: 'delete',
      key: at.key,
      cas: reply.cas,
      deadline: this.#store.deadline(),
    });
  }
}

/** `content` is `undefined` for an entry that cannot be used: its right to reload is asked for like that of an aged one. */
function found(
  reply: HitReply,
  at: RemoteKey,
  content: EntryContent | undefined,
  staleFor: number,
): RemoteRead {
  return {
    found: content === undefined ? 'nothing' : 'value',
    content,
    freshFor: content === undefined ? 0 : Math.min(reply.freshFor, content.life.freshFor),
    expiresIn: reply.expiresIn,
    markedFor: reply.marked ? Math.max(0, staleFor - reply.expiresIn) : undefined,
    claim: reply.claim,
    right: reply.marked ? 'stale' : 'recache',
    cas: reply.cas,
    at,
  };
}
