import { tell } from '../core/events.ts';
import type { KeyPart } from '../core/key.ts';
import { longestLife, type Right } from '../core/store.ts';
import type { Flight } from './flight.ts';
import { pollDelay, refreshTime } from './freshness.ts';
import type { Admitted } from './keeper.ts';
import { notFound } from './not-found.ts';
import type { Outcome } from './outcome.ts';
import type { RemoteKey, RemoteRead, RemoteTier } from './remote-tier.ts';
import type { Rooms } from './rooms.ts';

/**
 * Leave to load, and what may be done with the value: fill the remote tier by CAS (then the near tier), keep it in the near
 * tier alone (the remote tier gave no answer, or no lease), or answer it and keep it nowhere (somebody else has the right).
 */
export type Grant =
  | {
      readonly keep: 'remote';
      readonly at: RemoteKey;
      readonly right: Right;
      readonly cas: string;
      /** Whether the right is ours, so that it must be given back if nothing is filled. */
      readonly won: boolean;
    }
  | { readonly keep: 'near' }
  | { readonly keep: 'nothing' };

type Answered = Exclude<RemoteRead, { readonly found: 'failed' }>;

/** Above the life that is left, in milliseconds: the next asker of this threshold competes for the right to reload. */
const justAbove = 1000;
/** How far a store that counts whole seconds, and adds one, may be above the life that was asked for. */
const grain = 3000;
/** Holders remembered at most; beyond, the oldest are forgotten, and seen for the first time again. */
const mostHolders = 10_000;

/**
 * Asks the remote tier for a key until there is an answer, or leave to load: exactly one asker in the fleet gets that leave,
 * the others get the old value or poll. A holder that dies is replaced after the lease time.
 */
export class Negotiator<Id> {
  readonly #rooms: Rooms<Id>;
  readonly #remote: RemoteTier;
  /** Who held a right when this process lost it, by the entry's CAS: remembered beyond a flight, as calls may be short. */
  readonly #holders = new Map<KeyPart, { readonly cas: string; readonly since: number }>();

  constructor(rooms: Rooms<Id>, remote: RemoteTier) {
    this.#rooms = rooms;
    this.#remote = remote;
  }

  /** `undefined`: the flight has its answer, and somebody else loads if anybody must. */
  async ask(flight: Flight<Id>): Promise<Grant | undefined> {
    const { settings, runtime } = this.#rooms;
    const started = runtime.clock.read();
    let first = true;
    let recache = this.#firstThreshold(flight, started);
    let competed = 0;
    for (;;) {
      const asked = runtime.clock.read();
      const read = await this.#remote.read(flight.encoded, {
        // A superseded flight keeps nothing, so it must not take the right from those who would.
        lease: flight.superseded ? undefined : settings.lease,
        recache: flight.superseded ? undefined : recache,
        // A little into the reserve, so that the last poll of a loser still has time for its answer.
        deadline: flight.deadline - this.#reserve(flight, started) * 0.8,
      });
      const now = runtime.clock.read();
      if (read.found === 'failed') return { keep: 'near' };
      const won = read.claim === 'won';
      const grant: Grant = { keep: 'remote', at: read.at, right: read.right, cas: read.cas, won };
      if (flight.over) {
        this.#giveBack(read);
        return undefined;
      }
      if (flight.want === 'now') {
        this.#recall(flight, read, now);
        return read.cas === '' ? { keep: 'near' } : grant;
      }
      if (this.#answer(flight, read, asked, now, first)) {
        if (won) this.#giveBack(read);
        return undefined;
      }
      first = false;
      if (won) {
        this.#holders.delete(flight.key);
        return grant;
      }
      if (read.claim === 'none' && (read.right === 'lease' || flight.superseded)) {
        return { keep: flight.superseded ? 'nothing' : 'near' };
      }
      if (read.claim === 'none' && competed++ < 3) {
        recache = Math.min(read.expiresIn + justAbove, longestLife);
        continue;
      }
      if (read.claim === 'lost' && this.#overdue(flight.key, read.cas, now)) {
        // Whoever asks next takes over, and the holder's fill is refused.
        this.#holders.delete(flight.key);
        await this.#remote.release(read.at, read.right, read.cas);
        continue;
      }
      if (flight.answered && !flight.awaited) return undefined;
      if (!(await this.#poll(flight, started, now))) {
        const stale = flight.stale(runtime.clock.read());
        if (stale === undefined) return { keep: 'nothing' };
        tell('stale', { cache: settings.name, key: flight.encoded });
        flight.answer(stale);
        return undefined;
      }
    }
  }

  /** What is left of an entry's whole life when its right to reload may be won by a plain read: once it has aged. */
  #firstThreshold(flight: Flight<Id>, now: number): number | undefined {
    const { staleFor } = flight.question.spans;
    if (flight.want === 'now') return longestLife;
    if (flight.want === 'early' && flight.fallback !== undefined) {
      return Math.min(flight.fallback.freshUntil - now + staleFor + grain, longestLife);
    }
    return staleFor > 0 ? staleFor : undefined;
  }

  /** Answers the flight from what was read, if it can. True: there is nothing more to do. */
  #answer(flight: Flight<Id>, read: Answered, asked: number, now: number, first: boolean): boolean {
    const { counters, keeper, settings, background, runtime } = this.#rooms;
    if (read.found === 'nothing') {
      if (first) counters.remoteMisses++;
      flight.showDeleted();
      return false;
    }
    const admitted = keeper.admit(read.content!.negative ? notFound : read.content!.value);
    const outcome = this.#outcome(flight, read, admitted, now);
    const fresh = now < outcome.freshUntil;
    if (fresh) counters.remoteHits++;
    else if (first) counters.remoteStaleHits++;
    if (fresh && read.claim !== 'won') {
      const { loadMilliseconds } = read.content!;
      const due =
        flight.want === 'value' &&
        !settings.near &&
        settings.refreshAhead > 0 &&
        refreshTime(outcome.freshUntil, loadMilliseconds, settings.refreshAhead, runtime.random()) <= now;
      this.#keep(flight, read, admitted, outcome, asked, flight.want === 'value');
      if (!due || flight.answered) {
        flight.answer(outcome);
        return true;
      }
      background.run(settings.name, flight.done);
      flight.answerEarly(outcome, now);
      flight.fallback = { ...outcome, status: 'stale' };
      return false;
    }
    flight.fallback = { ...outcome, status: 'stale' };
    if (!flight.answered && now < Math.max(outcome.servableUntil, outcome.freshUntil)) {
      background.run(settings.name, flight.done);
      flight.answerEarly(outcome, now);
      this.#keep(flight, read, admitted, outcome, asked, false);
      tell('stale', { cache: settings.name, key: flight.encoded });
    }
    return false;
  }

  /** A reload replaces what is there; should it fail, those who only wanted to read have it to fall back on. */
  #recall(flight: Flight<Id>, read: Answered, now: number): void {
    if (read.found === 'nothing') {
      flight.showDeleted();
      return;
    }
    const admitted = this.#rooms.keeper.admit(read.content!.negative ? notFound : read.content!.value);
    flight.fallback = { ...this.#outcome(flight, read, admitted, now), status: 'stale' };
  }

  #outcome(flight: Flight<Id>, read: Answered, admitted: Admitted, now: number): Outcome {
    const { freshFor } = read.content!.life;
    const { staleWhileRevalidate, staleFor } = flight.question.spans;
    const aged = read.markedFor === undefined ? -read.freshFor : read.markedFor;
    const freshUntil = read.markedFor === undefined ? now + read.freshFor : now - read.markedFor;
    return {
      value: admitted.value,
      copied: admitted.copied,
      status: read.freshFor > 0 && read.markedFor === undefined ? 'hit' : 'stale',
      tier: 'remote',
      loadedAt: now - freshFor - aged,
      freshUntil,
      servableUntil: freshUntil + Math.min(staleWhileRevalidate, staleFor),
      usableUntil: now + read.expiresIn,
    };
  }

  #keep(
    flight: Flight<Id>,
    read: Answered,
    admitted: Admitted,
    outcome: Outcome,
    confirmedAt: number,
    ahead: boolean,
  ): void {
    if (flight.superseded || admitted.refused !== undefined || this.#remote.generation !== read.at.generation)
      return;
    this.#rooms.keeper.keep(flight.key, admitted, {
      loadedAt: outcome.loadedAt,
      freshUntil: outcome.freshUntil,
      staleUntil: this.#rooms.runtime.clock.read() + Math.min(read.expiresIn, longestLife),
      loadMilliseconds: read.content!.loadMilliseconds,
      confirmedAt,
      ahead,
    });
  }

  /** Waits before the next question. False: the time that is left is just enough for a load, so waiting is over. */
  async #poll(flight: Flight<Id>, started: number, now: number): Promise<boolean> {
    const { runtime } = this.#rooms;
    const spare = flight.deadline - now - this.#reserve(flight, started);
    if (spare <= 0) return false;
    const delay = Math.min(pollDelay(now - started, runtime.random()), spare);
    await new Promise<void>((resolve) => void runtime.after(delay, resolve, true));
    return true;
  }

  /** What must be left of the callers' time for a load; waiting for other things has half of it at least. */
  #reserve(flight: Flight<Id>, started: number): number {
    const whole = flight.deadline - started;
    return Math.min(Math.max(this.#rooms.loader.usualMilliseconds * 1.5, whole * 0.1), whole * 0.5);
  }

  /** Whether somebody has held a right for the whole lease time, as far as this process saw: dead, or hopelessly late. */
  #overdue(key: KeyPart, cas: string, now: number): boolean {
    if (cas === '') return false;
    const seen = this.#holders.get(key);
    if (seen?.cas === cas) return now - seen.since >= this.#rooms.settings.lease;
    this.#holders.delete(key);
    this.#holders.set(key, { cas, since: now });
    if (this.#holders.size > mostHolders) this.#holders.delete(this.#holders.keys().next().value!);
    return false;
  }

  #giveBack(read: Answered): void {
    if (read.claim !== 'won') return;
    this.#rooms.background.run(
      this.#rooms.settings.name,
      this.#remote.release(read.at, read.right, read.cas),
    );
  }
}
