import { CisternError } from '../core/error.ts';
import type { KeyPart } from '../core/key.ts';
import type { EntryContent } from './codec/envelope.ts';
import { jittered } from './freshness.ts';
import { notFound } from './not-found.ts';
import type { Spans } from './options.ts';
import type { Reader, Rooms } from './reader.ts';

/** Whether every tier has taken the change. False: the remote tier did not say so; its entry may be old until it expires. */
export interface Confirmation {
  readonly confirmed: boolean;
}

const attempts = 3;

/**
 * Changes from outside the read path. Each supersedes the flights of its key twice, before and after: a read that began
 * meanwhile may have seen the old entry.
 */
export class Writer<Id> {
  readonly #rooms: Rooms<Id>;
  readonly #reader: Reader<Id>;

  constructor(rooms: Rooms<Id>, reader: Reader<Id>) {
    this.#rooms = rooms;
    this.#reader = reader;
  }

  /**
   * Stores a value: by the CAS of a lease, or of what is there, never blindly, so that a load that began before cannot
   * overwrite it. Throws `CISTERN_UNSTORABLE`, `CISTERN_TOO_LARGE`, and what `ttl` throws, before anything is changed.
   */
  async set(key: KeyPart, encoded: string, value: unknown, spans: Spans): Promise<Confirmation> {
    const { settings, keeper, remote, runtime } = this.#rooms;
    const admitted = keeper.admit(value);
    if (admitted.refused !== undefined) {
      throw new CisternError('CISTERN_UNSTORABLE', { cache: settings.name, ...admitted.refused });
    }
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
    this.#forget(key);
    const result = remote === undefined ? 'stored' : await this.#store(encoded, content);
    this.#forget(key);
    if (result !== 'refused') {
      const loadedAt = runtime.clock.read();
      const freshUntil = loadedAt + freshFor;
      const staleUntil = freshUntil + content.life.staleFor;
      keeper.keep(key, admitted, { loadedAt, freshUntil, staleUntil, loadMilliseconds: 0, ahead: false });
      return { confirmed: result === 'stored' };
    }
    return { confirmed: await remote!.remove(encoded, 0) };
  }

  async delete(key: KeyPart, encoded: string): Promise<Confirmation> {
    this.#forget(key);
    const { remote } = this.#rooms;
    if (remote === undefined) return { confirmed: true };
    const confirmed = await remote.remove(encoded, 0);
    this.#forget(key);
    return { confirmed };
  }

  /** Marks the entry stale: it is answered while it is reloaded, as long as the stale spans allow. Without such spans it is deleted. */
  async expire(key: KeyPart, encoded: string): Promise<Confirmation> {
    const { settings, keeper, runtime } = this.#rooms;
    const { staleFor } = settings.spans;
    if (staleFor === 0) return await this.delete(key, encoded);
    this.#reader.supersede(key);
    const entry = keeper.near?.look(key);
    const now = runtime.clock.read();
    if (entry !== undefined && now < entry.freshUntil) {
      entry.freshUntil = now;
      entry.until = now;
      entry.staleUntil = now + staleFor;
    }
    const confirmed = (await this.#rooms.remote?.remove(encoded, staleFor)) ?? true;
    this.#reader.supersede(key);
    return { confirmed };
  }

  #forget(key: KeyPart): void {
    this.#reader.supersede(key);
    this.#rooms.keeper.near?.delete(key);
    this.#rooms.retry.close(key);
  }

  async #store(encoded: string, content: EntryContent): Promise<'stored' | 'refused' | 'failed'> {
    const remote = this.#rooms.remote!;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const read = await remote.read(encoded, {
        lease: this.#rooms.settings.lease,
        deadline: Number.POSITIVE_INFINITY,
      });
      if (read.found === 'failed') return 'failed';
      // A tier without CAS, or without room for a placeholder: nothing can be stored safely there.
      if (read.cas === '') return 'refused';
      const filled = await remote.fill(read.at, read.cas, read.right, content);
      if (filled !== 'refused') return filled;
    }
    return 'refused';
  }
}
