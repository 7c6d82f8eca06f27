import type { KeyPart } from '../core/key.ts';
import type { EntryContent } from './codec/envelope.ts';
import { jittered } from './freshness.ts';
import { notFound } from './not-found.ts';
import type { Spans } from './options.ts';
import type { Reader } from './reader.ts';
import type { Filled } from './remote-tier.ts';
import type { Rooms } from './rooms.ts';

/** Whether every tier has taken the change. False: the remote tier did not say so; its entry may be old until it expires. */
export interface Confirmation {
  readonly confirmed: boolean;
}

/**
 * Changes from outside the read path. Each supersedes the flights of its key twice, before and after: a read that began
 * meanwhile may have seen the old entry.
 */
export class Writer<Id> {
  readonly #rooms: Rooms<Id>;
  readonly #reader: Reader<Id>;
  /** The newest change of each key that is under way: of two at once, only the newer one may put its value into the near tier. */
  readonly #newest = new Map<KeyPart, object>();

  constructor(rooms: Rooms<Id>, reader: Reader<Id>) {
    this.#rooms = rooms;
    this.#reader = reader;
  }

  /**
   * Stores a value: by the CAS of a lease, or of what is there, never blindly, so that a load that began before cannot
   * overwrite it. If somebody else changed the entry meanwhile, which of the two is newer is not known: it is
   * removed. It is removed, too, when the remote tier did not say that it stored the value: an old one must not stay unnoticed, and
   * what a failed delete leaves behind is repaired (see the journal). Throws `CISTERN_UNSTORABLE`, `CISTERN_TOO_LARGE`, and what `ttl` throws, before anything is changed.
   */
  async set(key: KeyPart, encoded: string, value: unknown, spans: Spans): Promise<Confirmation> {
    const { settings, keeper, remote, runtime } = this.#rooms;
    const admitted = keeper.admit(value);
    if (admitted.refused !== undefined) throw admitted.refused;
    const ttl = value === notFound ? spans.negativeTtl : spans.ttl(value);
    if (ttl === undefined || ttl === 0) return await this.delete(key, encoded);
    const freshFor = jittered(ttl, settings.jitter, runtime.random());
    const content: EntryContent = {
      negative: value === notFound,
      value: admitted.value,
      life: { freshFor, staleFor: value === notFound ? 0 : spans.staleFor },
      loadMilliseconds: 0,
    };
    remote?.check(content, encoded);
    const change = this.#begin(key);
    this.#forget(key);
    const generation = remote?.generation;
    const confirmedAt = runtime.clock.read();
    let result: Filled = 'stored';
    let last = false;
    try {
      if (remote !== undefined) result = await this.#store(encoded, content);
      // By its CAS the value cannot arrive after this, however late it is.
      if (result === 'failed') await remote!.remove(encoded, 0);
    } finally {
      this.#forget(key);
      last = this.#end(key, change);
    }
    const newest = last && (generation === undefined || generation === remote?.generation);
    if (result !== 'refused') {
      if (!newest) return { confirmed: result === 'stored' };
      const loadedAt = runtime.clock.read();
      const freshUntil = loadedAt + freshFor;
      const staleUntil = freshUntil + content.life.staleFor;
      keeper.keep(key, admitted, {
        loadedAt,
        freshUntil,
        staleUntil,
        loadMilliseconds: 0,
        confirmedAt,
        ahead: false,
      });
      return { confirmed: result === 'stored' };
    }
    return await this.delete(key, encoded);
  }

  async delete(key: KeyPart, encoded: string): Promise<Confirmation> {
    const change = this.#begin(key);
    this.#forget(key);
    const confirmed = (await this.#rooms.remote?.remove(encoded, 0)) ?? true;
    this.#forget(key);
    this.#end(key, change);
    return { confirmed };
  }

  /** Marks the entry stale: it is answered while it is reloaded, as long as the stale spans allow. Without such spans it is deleted. */
  async expire(key: KeyPart, encoded: string): Promise<Confirmation> {
    const { staleFor } = this.#rooms.settings.spans;
    if (staleFor === 0) return await this.delete(key, encoded);
    const change = this.#begin(key);
    this.#age(key, staleFor);
    const confirmed = (await this.#rooms.remote?.remove(encoded, staleFor)) ?? true;
    this.#age(key, staleFor);
    this.#end(key, change);
    return { confirmed };
  }

  #age(key: KeyPart, staleFor: number): void {
    this.#reader.supersede(key);
    const { near, touched } = this.#rooms.keeper;
    touched.add(key);
    const slot = near?.look(key) ?? -1;
    if (near === undefined || slot < 0) return;
    const now = this.#rooms.runtime.clock.read();
    const { freshUntil, confirmedUntil, loadedAt } = near.slab.times(slot);
    if (now >= freshUntil) return;
    const until = Math.min(now, confirmedUntil);
    near.slab.setTimes(slot, {
      until,
      freshUntil: now,
      staleUntil: now + staleFor,
      confirmedUntil,
      loadedAt,
    });
  }

  #begin(key: KeyPart): object {
    const change = {};
    this.#newest.set(key, change);
    return change;
  }

  /** Whether no newer change of the key has begun. */
  #end(key: KeyPart, change: object): boolean {
    if (this.#newest.get(key) !== change) return false;
    this.#newest.delete(key);
    return true;
  }

  #forget(key: KeyPart): void {
    this.#reader.supersede(key);
    this.#rooms.keeper.forget(key);
    this.#rooms.retry.close(key);
  }

  /** Once: what has changed the entry meanwhile may be newer than this value, and a delete that was confirmed must hold. */
  async #store(encoded: string, content: EntryContent): Promise<Filled> {
    const remote = this.#rooms.remote!;
    const read = await remote.read(encoded, {
      lease: this.#rooms.settings.lease,
      change: true,
      deadline: Number.POSITIVE_INFINITY,
    });
    if (read.found === 'failed') return 'failed';
    // A tier without CAS, or without room for a placeholder: nothing can be stored safely there.
    if (read.cas === '') return 'refused';
    try {
      return await remote.fill(read.at, read.cas, read.right, content);
    } catch (error) {
      if (read.claim === 'won')
        this.#rooms.background.run(this.#rooms.settings.name, remote.release(read.at, read.right, read.cas));
      throw error;
    }
  }
}
