import { CisternError } from '../core/error.ts';
import { tell } from '../core/events.ts';
import type { KeyPart } from '../core/key.ts';
import type { EntryContent } from './codec/envelope.ts';
import type { Due } from './deadlines.ts';
import { Flight, type Question, type WaitOptions, type Want } from './flight.ts';
import { jittered } from './freshness.ts';
import type { Admitted } from './keeper.ts';
import { type Grant, Negotiator } from './negotiator.ts';
import { notFound } from './not-found.ts';
import { type Outcome, valueOf } from './outcome.ts';
import type { Rooms } from './rooms.ts';

/**
 * The read path below the near hit: one flight per key, which asks the remote tier, takes the lease, loads, answers, and
 * fills. An invalidation supersedes a flight: its callers get their value, and no tier keeps it.
 */
export class Reader<Id> {
  readonly #rooms: Rooms<Id>;
  readonly #negotiator: Negotiator<Id> | undefined;
  readonly #flights = new Map<KeyPart, Flight<Id>>();
  /** Those that a newer read no longer joins, but for whose value somebody may wait: superseded, or made to keep nothing. */
  readonly #apart = new Set<Flight<Id>>();

  constructor(rooms: Rooms<Id>) {
    this.#rooms = rooms;
    this.#negotiator = rooms.remote === undefined ? undefined : new Negotiator(rooms, rooms.remote);
  }

  get flights(): number {
    return this.#flights.size;
  }

  /** The whole read: near tier, then a flight. The fast path of a fresh near hit stands before this, in the cache. */
  read(key: KeyPart, encoded: string, question: Question<Id>, options: WaitOptions): Promise<Outcome> {
    const { keeper, runtime, counters, retry, hot } = this.#rooms;
    const now = runtime.clock.read();
    const { staleWhileRevalidate } = question.spans;
    hot?.request(key);
    const slot = keeper.find(key);
    const outcome = slot < 0 ? undefined : keeper.outcome(slot, now, staleWhileRevalidate);
    let fallback: Outcome | undefined;
    if (outcome !== undefined && now < outcome.usableUntil) {
      const { slab } = keeper.near!;
      if (now < slab.confirmedUntil(slot) && now < Math.max(outcome.freshUntil, outcome.servableUntil)) {
        if (outcome.status === 'hit') counters.nearHits++;
        else counters.nearStaleHits++;
        if (now < slab.until(slot)) return Promise.resolve(outcome);
        const failed = retry.failure(key, now);
        if (failed === undefined) this.#reloadBehind(key, encoded, question, outcome, now);
        else if (outcome.status === 'stale') return Promise.resolve({ ...outcome, error: failed.error });
        return Promise.resolve(outcome);
      }
      // What the remote tier has not confirmed lately may have been deleted: only a stale span allows it.
      if (question.spans.staleFor > 0) fallback = { ...outcome, status: 'stale' };
    }
    counters.nearMisses++;
    const running = this.#flights.get(key);
    if (running !== undefined) {
      if (!running.deleted) running.fallback ??= fallback;
      return running.wait(now, options);
    }
    const flight = this.#flight(key, encoded, question, 'value', fallback);
    const answer = flight.wait(now, options);
    void this.#depart(flight);
    return answer;
  }

  /** Loads now, whatever is kept, and replaces it. Reloads of one key join. */
  reload(key: KeyPart, encoded: string, question: Question<Id>, options: WaitOptions): Promise<Outcome> {
    const now = this.#rooms.runtime.clock.read();
    const running = this.#flights.get(key);
    if (running?.want === 'now' && !running.answered) return running.wait(now, { ...options, strict: true });
    this.supersede(key);
    const flight = this.#flight(key, encoded, question, 'now', undefined);
    const answer = flight.wait(now, { ...options, strict: true });
    void this.#depart(flight);
    return answer;
  }

  /** Asks the source and keeps nothing: inside a write, and, with two empty texts, for an id whose key cannot be used. */
  async bypass(
    key: KeyPart,
    encoded: string,
    question: Question<Id>,
    options: WaitOptions,
  ): Promise<Outcome> {
    const { settings, deadlines, runtime } = this.#rooms;
    const flight = new Flight(key, encoded, question, 'now', settings, deadlines, () => undefined);
    this.#apart.add(flight);
    const answer = flight.wait(runtime.clock.read(), options);
    void this.#load(flight, { keep: 'nothing' })
      .catch((error: unknown) => flight.fail(error))
      .finally(() => {
        this.#apart.delete(flight);
        flight.finish();
      });
    return await answer;
  }

  /** An invalidation: who waits gets the value of the flight, nobody keeps it, and the next read starts anew. */
  supersede(key: KeyPart): void {
    const flight = this.#flights.get(key);
    if (flight === undefined) return;
    flight.superseded = true;
    this.#apart.add(flight);
    this.#flights.delete(key);
  }

  supersedeAll(): void {
    for (const key of this.#flights.keys()) this.supersede(key);
  }

  /** Ends all flights: who waits gets the error, loaders are aborted. Fulfilled when nothing of them runs any more. */
  async close(error: Error): Promise<void> {
    this.supersedeAll();
    const all = [...this.#apart];
    for (const flight of all) {
      flight.fail(error);
      flight.over = true;
      flight.abort(error);
    }
    await Promise.all(all.map(async ({ done }) => await done));
  }

  #flight(
    key: KeyPart,
    encoded: string,
    question: Question<Id>,
    want: Want,
    fallback: Outcome | undefined,
  ): Flight<Id> {
    const { settings, deadlines } = this.#rooms;
    const flight: Flight<Id> = new Flight(key, encoded, question, want, settings, deadlines, () =>
      this.#land(flight),
    );
    flight.fallback = fallback;
    this.#flights.set(key, flight);
    return flight;
  }

  #land(flight: Flight<Id>): void {
    this.#apart.delete(flight);
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key);
  }

  #depart(flight: Flight<Id>): Promise<void> {
    flight.done = this.#run(flight);
    return flight.done;
  }

  /** An old or early-refresh near hit was answered: reload it without anybody waiting. */
  #reloadBehind(key: KeyPart, encoded: string, question: Question<Id>, answered: Outcome, now: number): void {
    const { settings, background } = this.#rooms;
    if (this.#flights.has(key)) return;
    const aged = answered.status === 'stale';
    const flight = this.#flight(key, encoded, question, aged ? 'value' : 'early', {
      ...answered,
      status: 'stale',
    });
    flight.answerEarly(answered, now);
    background.run(settings.name, this.#depart(flight));
    if (aged) tell('stale', { cache: settings.name, key: encoded });
  }

  async #run(flight: Flight<Id>): Promise<void> {
    try {
      const grant =
        this.#negotiator === undefined ? ({ keep: 'near' } as const) : await this.#negotiator.ask(flight);
      if (grant !== undefined) await this.#load(flight, grant);
    } catch (error) {
      flight.fail(error);
      tell('background-failed', { cache: this.#rooms.settings.name, error });
    } finally {
      this.#land(flight);
      flight.finish();
    }
  }

  async #load(flight: Flight<Id>, grant: Grant): Promise<void> {
    const { runtime, settings, deadlines, loader, retry } = this.#rooms;
    const started = runtime.clock.read();
    const failed = flight.want === 'now' ? undefined : retry.failure(flight.key, started);
    const old = failed === undefined ? undefined : flight.stale(started);
    if (old !== undefined) {
      this.#giveBack(grant);
      flight.answer({ ...old, error: failed!.error });
      return;
    }
    const deadline = started + settings.loadTimeout;
    const limit: Due = {
      deadline,
      expire: () =>
        flight.abort(
          new CisternError('CISTERN_LOAD_TIMEOUT', {
            cache: settings.name,
            milliseconds: settings.loadTimeout,
          }),
        ),
    };
    deadlines.add(limit);
    let value: unknown;
    try {
      value = await loader.load({
        id: flight.question.id,
        key: flight.key,
        encoded: flight.encoded,
        stale:
          flight.fallback === undefined || flight.fallback.value === notFound
            ? undefined
            : { value: valueOf(flight.fallback) },
        signal: flight.signal,
        deadline: Math.min(deadline, flight.deadline),
        load: flight.question.load,
      });
    } catch (error) {
      this.#loadFailed(flight, grant, error);
      return;
    } finally {
      deadlines.remove(limit);
    }
    retry.close(flight.key);
    const rest = this.#loaded(flight, grant, value, runtime.clock.read() - started);
    if (rest !== undefined) {
      this.#rooms.background.run(settings.name, rest);
      await rest;
    }
  }

  /** A failed load gives its right back, and changes no entry. */
  #loadFailed(flight: Flight<Id>, grant: Grant, error: unknown): void {
    const { settings, retry, runtime } = this.#rooms;
    this.#giveBack(grant);
    if (flight.over) return;
    const now = runtime.clock.read();
    const stale = flight.stale(now);
    if (stale === undefined) {
      flight.fail(error);
      return;
    }
    retry.open(flight.key, now, error);
    tell('stale', { cache: settings.name, key: flight.encoded, error });
    if (flight.want === 'now') flight.failStrict(error, stale);
    else flight.answer({ ...stale, error });
  }

  /** Answers, and then keeps what may be kept. The promise is the part that callers do not wait for. */
  #loaded(flight: Flight<Id>, grant: Grant, value: unknown, took: number): Promise<void> | undefined {
    const { runtime, keeper, settings } = this.#rooms;
    const now = runtime.clock.read();
    const admitted = keeper.admit(value);
    let ttl: number | undefined;
    let problem: unknown;
    try {
      ttl = value === notFound ? flight.question.spans.negativeTtl : flight.question.spans.ttl(value);
    } catch (error) {
      problem = error;
    }
    const freshFor = ttl === undefined || ttl === 0 ? 0 : jittered(ttl, settings.jitter, runtime.random());
    const staleFor = value === notFound ? 0 : flight.question.spans.staleFor;
    flight.answer({
      value: admitted.value,
      copied: admitted.copied,
      status: 'loaded',
      tier: 'source',
      loadedAt: now,
      freshUntil: now + freshFor,
      servableUntil: now + freshFor,
      usableUntil: now + freshFor,
    });
    const reason =
      admitted.refused?.message ??
      (problem !== undefined
        ? "its 'ttl' could not be told"
        : flight.superseded
          ? 'it was invalidated during the load'
          : undefined);
    if (reason !== undefined || freshFor === 0 || grant.keep === 'nothing') {
      this.#giveBack(grant);
      if (reason !== undefined) keeper.notKept(flight.encoded, reason, problem);
      return undefined;
    }
    const content: EntryContent = {
      negative: value === notFound,
      value: admitted.value,
      life: { freshFor, staleFor },
      loadMilliseconds: Math.round(took),
    };
    if (grant.keep === 'remote') return this.#fill(flight, grant, content, admitted, now);
    // Nobody confirmed it: what was changed elsewhere since the load began is not in it.
    this.#keep(flight, content, admitted, now, now - took);
    return undefined;
  }

  /** The remote tier first: the near tier may only hold what the remote tier took, or what it could not be asked about. */
  async #fill(
    flight: Flight<Id>,
    grant: Grant & { readonly keep: 'remote' },
    content: EntryContent,
    admitted: Admitted,
    now: number,
  ): Promise<void> {
    const { keeper } = this.#rooms;
    const remote = this.#rooms.remote!;
    const asked = this.#rooms.runtime.clock.read();
    try {
      const filled = await remote.fill(grant.at, grant.cas, grant.right, content);
      const current = !flight.superseded && remote.generation === grant.at.generation;
      // It may not have arrived, and then the right is still taken.
      if (filled === 'failed') this.#giveBack(grant);
      const confirmedAt = filled === 'stored' ? asked : now - content.loadMilliseconds;
      if (filled !== 'refused' && current) this.#keep(flight, content, admitted, now, confirmedAt);
      else keeper.notKept(flight.encoded, 'it was invalidated before it was stored');
      // Who asked for a reload must not be answered from before it, by whatever the remote tier still has.
      if (filled !== 'stored' && flight.want === 'now') await remote.remove(flight.encoded, 0);
    } catch (error) {
      this.#giveBack(grant);
      keeper.notKept(flight.encoded, 'it cannot be encoded', error);
    }
  }

  #keep(
    flight: Flight<Id>,
    content: EntryContent,
    admitted: Admitted,
    now: number,
    confirmedAt: number,
  ): void {
    const freshUntil = now + content.life.freshFor;
    this.#rooms.keeper.keep(flight.key, admitted, {
      loadedAt: now,
      freshUntil,
      staleUntil: freshUntil + content.life.staleFor,
      loadMilliseconds: content.loadMilliseconds,
      confirmedAt,
      ahead: true,
    });
  }

  #giveBack(grant: Grant): void {
    if (grant.keep !== 'remote' || !grant.won) return;
    const { background, settings, remote } = this.#rooms;
    background.run(settings.name, remote!.release(grant.at, grant.right, grant.cas));
  }
}
