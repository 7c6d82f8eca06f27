import { CisternError } from '../core/error.ts';
import { heard, tell } from '../core/events.ts';
import type { Runtime, Socket } from '../core/runtime.ts';
import { Alarm } from './alarm.ts';
import { closed, timeouts, unavailable } from './connection-errors.ts';
import type { ConnectionOptions } from './connection-options.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import { ExchangeQueue } from './exchange-queue.ts';
import { dueAt, type Exchange, Turn } from './exchange.ts';
import type { Protocol } from './protocol.ts';
import { isHard, problemOf } from './refusal.ts';
import type { Traffic } from './traffic.ts';
import { judge } from './verdict.ts';
import { WriteBatch } from './write-batch.ts';

/**
 * One pipelined connection, from its opening to its end. All that is asked in one turn of the event loop is written at once. Laws:
 *
 * - An exchange settles once: with its answer; or by `failed` at its deadline, on loss, on `close`. What was not sent when the connection is
 *   lost goes back to the owner.
 * - A slot outlives its caller. A connection whose first slot has been empty for 10 timeouts (at least a second) is
 *   given up; none is used while it is unknown how many answers will come.
 * - Time in which the event loop was blocked is not held against the other side: the socket is read once before anything is
 *   called late, and what was blocked for a timeout or more begins anew for everything but the callers' own deadlines.
 * - The process is kept alive only while somebody awaits an answer.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #runtime: Runtime;
  readonly #owner: ConnectionOwner;
  readonly #traffic: Traffic;
  readonly #protocol: Protocol;
  readonly #socket: Socket;
  readonly #patience: number;
  readonly #alarm: Alarm;
  readonly #batch = new WriteBatch();
  /** Sent, in the order of the answers to come. */
  protected readonly slots: ExchangeQueue = new ExchangeQueue();
  /** Asked and not sent. */
  readonly #waiting = new ExchangeQueue();
  /** Of what is asked until the next flush. */
  #turn = new Turn();
  #awaited = 0;
  #state: 'connecting' | 'open' | 'over' = 'connecting';
  readonly #since: number;
  /** When something was last asked. */
  usedAt: number;
  #blocked = false;
  /** Requests had no answer in time, and none has had one since. */
  overdue = false;
  #keepsAlive = true;
  #flushing = false;
  #refreshing = false;

  constructor(
    options: ConnectionOptions,
    speak: (connection: Connection) => Protocol,
    owner: ConnectionOwner,
    traffic: Traffic,
  ) {
    this.#options = options;
    this.#runtime = options.runtime;
    this.#owner = owner;
    this.#traffic = traffic;
    this.#patience = Math.max(1000, 10 * options.timeout);
    this.#alarm = new Alarm(this.#runtime, Math.min(options.timeout, options.connectTimeout), this.#judge);
    this.#protocol = speak(this);
    this.#since = this.usedAt = this.#runtime.clock.read();
    this.#socket = this.#connect();
    this.#keepAlive();
    this.#alarm.watch(this.#since + options.connectTimeout, this.#since);
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** Whether what is sent now would wait behind what the socket does not take, or what the other side does not answer. */
  get stuck(): boolean {
    return this.#blocked || this.overdue;
  }

  /** Requests that are on their way over this connection, or wait for it. */
  get inFlight(): number {
    return this.slots.length + this.#waiting.length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Asks for an exchange; it must have been counted. */
  send(exchange: Exchange): void {
    this.#awaited++;
    exchange.turn = this.#turn;
    if (exchange.refreshing) this.#refreshing = true;
    this.#waiting.push(exchange);
    if (!this.#flushing) this.#scheduleFlush();
  }

  /** Asks for what another connection could not send; the time that it has waited stays its own. */
  takeOver(exchanges: readonly Exchange[]): void {
    for (const exchange of exchanges) {
      this.#count(exchange);
      const { turn } = exchange;
      this.send(exchange);
      if (turn.since !== 0) exchange.turn = turn;
    }
  }

  /** A part of the greeting: sent at once, before everything else. */
  say(exchange: Exchange): void {
    if (this.#state === 'over') exchange.failed(closed(this.#options.name), false);
    else {
      this.#count(exchange);
      if (exchange.awaited) this.#awaited++;
      const turn = new Turn();
      turn.since = turn.sent = this.#runtime.clock.read();
      turn.told = true;
      exchange.turn = turn;
      if (this.#batch.add(exchange)) this.slots.push(exchange);
      this.#write(this.#batch.take());
    }
  }

  /** Something that goes along in front of what is about to be written (see `Protocol.refresh`); it counts like a request. Nobody waits for it. */
  accompany(exchange: Exchange): void {
    this.#count(exchange);
    exchange.turn = this.#turn;
    this.#waiting.unshift(exchange);
  }

  /** The slot of the answer that has just come. Undefined: nobody has asked for it. */
  take(): Exchange | undefined {
    const exchange = this.slots.shift();
    if (exchange !== undefined) this.#release(exchange);
    return exchange;
  }

  /** The greeting was answered as it should be. */
  ready(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    tell('connection', { store: this.#options.name, state: 'opened' });
    this.#owner.opened();
    if (this.#waiting.length > 0 && !this.#flushing) this.#scheduleFlush();
  }

  /** Gives the connection up; what was sent on it fails with the error. */
  lost(error: Error, hard = true): void {
    if (this.#state === 'over') return;
    const connecting = this.#state === 'connecting';
    this.#end();
    // Timeouts were told of before.
    const felt = this.inFlight > 0 && !this.overdue;
    const sent = this.#takeSent();
    const unsent = this.#waiting.take(() => true);
    for (const exchange of unsent) this.#release(exchange);
    if (!connecting && heard('connection')) {
      tell('connection', { store: this.#options.name, state: 'closed', error });
    }
    this.#owner.lost(this, { error, connecting, hard: connecting && hard, felt, unsent });
    for (const exchange of sent) exchange.failed(error, true);
  }

  /** Settles everything with the error, and closes the socket. */
  close(error: Error): void {
    if (this.#state === 'over') return;
    if (this.#state === 'open') tell('connection', { store: this.#options.name, state: 'closed' });
    this.#end();
    const sent = this.#takeSent();
    this.failWaiting(error, () => true);
    for (const exchange of sent) exchange.failed(error, true);
  }

  /** Fails what is not sent yet, as far as it is chosen. */
  failWaiting(error: Error, chosen: (exchange: Exchange) => boolean): void {
    this.#failUnsent(this.#waiting.take(chosen), () => error);
  }

  /** The caller leaves at its deadline; the slot stays. */
  protected abandon(exchange: Exchange): void {
    exchange.awaited = false;
    this.#awaited--;
  }

  #count(exchange: Exchange): void {
    this.#traffic.requests++;
    this.#traffic.bytes += exchange.size;
  }

  #release(exchange: Exchange): void {
    const traffic = this.#traffic;
    traffic.requests--;
    traffic.bytes -= exchange.size;
    if (exchange.awaited) this.#awaited--;
  }

  /** Empties the slots; returns those whose callers still wait. */
  #takeSent(): readonly Exchange[] {
    const sent = [];
    for (let exchange = this.take(); exchange !== undefined; exchange = this.take()) sent.push(exchange);
    return sent.filter((exchange) => exchange.awaited);
  }

  #scheduleFlush(): void {
    this.#flushing = true;
    this.#runtime.defer(this.#flush);
  }

  /** Sends what waits. Deadlines count from here, as the clock is read once per turn. */
  readonly #flush = (): void => {
    this.#owner.turned();
    if (this.#state === 'over' || this.#waiting.length === 0) {
      this.#flushing = false;
      return;
    }
    const now = this.#runtime.clock.read();
    const sends = this.#state === 'open' && !this.#blocked;
    if (sends && (this.#refreshing || now >= this.#protocol.refreshAt)) {
      this.#refreshing = false;
      this.#protocol.refresh(now);
    }
    this.#flushing = false;
    this.usedAt = now;
    const turn = this.#turn;
    turn.since = now;
    turn.until = now + this.#options.timeout;
    this.#turn = new Turn();
    if (sends) this.#sendWaiting(now);
    else this.#alarm.watch(this.#expire(now), now);
    this.#keepAlive();
  };

  #sendWaiting(now: number): void {
    const waiting = this.#waiting;
    let nearest = Number.POSITIVE_INFINITY;
    let late: Exchange[] | undefined;
    let barred: Exchange[] | undefined;
    let turn: Turn | undefined;
    for (let exchange = waiting.shift(); exchange !== undefined; exchange = waiting.shift()) {
      const due = dueAt(exchange);
      if (!(due > now)) {
        (late ??= []).push(exchange);
        continue;
      }
      if (due < nearest) nearest = due;
      if (exchange.turn !== turn) {
        turn = exchange.turn;
        turn.sent = now;
      }
      if (this.#options.lastApart && waiting.length === 0) this.#batch.cut();
      if (this.#batch.add(exchange)) this.slots.push(exchange);
      else (barred ??= []).push(exchange);
    }
    this.#alarm.watch(nearest, now);
    const parts = this.#batch.take();
    if (parts.length > 0) this.#write(parts);
    if (late !== undefined) this.#failLate(late);
    if (barred !== undefined) {
      const error = unavailable(this.#options.name, 'it is not known by which name the key goes there');
      this.#failUnsent(barred, () => error);
    }
  }

  #write(parts: readonly Uint8Array[]): void {
    this.#blocked = !this.#socket.write(parts);
    if (this.#socket.unsent === 0) this.#batch.sent();
  }

  /** Fails what waits too long; returns when the next of the rest is due. */
  #expire(now: number): number {
    let nearest = Number.POSITIVE_INFINITY;
    const late = this.#waiting.take((exchange) => {
      const due = dueAt(exchange);
      if (due > now && due < nearest) nearest = due;
      return !(due > now);
    });
    if (late.length > 0) this.#failLate(late);
    if (this.#state === 'connecting') this.#judgeUnsent(late, now);
    return nearest;
  }

  #failLate(late: readonly Exchange[]): void {
    this.#traffic.timedOut += late.length;
    this.#failUnsent(late, timeouts(this.#options.name));
  }

  #failUnsent(unsent: readonly Exchange[], errorOf: (exchange: Exchange) => Error): void {
    for (const exchange of unsent) this.#release(exchange);
    for (const exchange of unsent) exchange.failed(errorOf(exchange), false);
  }

  #connect(): Socket {
    return this.#runtime.connect(this.#options.target, {
      connected: () => {
        if (this.#state === 'connecting') this.#protocol.greet();
      },
      data: (chunk) => {
        if (this.#state !== 'over') this.#received(chunk);
      },
      drained: () => {
        if (this.#state === 'over') return;
        this.#blocked = false;
        this.#batch.sent();
        if (this.#waiting.length > 0 && !this.#flushing) this.#scheduleFlush();
      },
      closed: (error) => {
        this.lost(unavailable(this.#options.name, problemOf(error), error), isHard(error));
        this.#owner.vanished();
      },
    });
  }

  #received(chunk: Uint8Array): void {
    const before = this.#awaited;
    let problem: string | undefined;
    try {
      problem = this.#protocol.received(chunk);
    } catch (thrown) {
      problem = String(thrown);
    }
    if (problem !== undefined) {
      this.lost(new CisternError('CISTERN_PROTOCOL', { store: this.#options.name, problem }));
      return;
    }
    const inTime = this.#awaited < before;
    if (inTime) this.#owner.answered();
    if (this.overdue && (inTime || this.slots.length === 0)) this.overdue = false;
    if (this.#awaited === 0) this.#keepAlive();
  }

  #keepAlive(): void {
    const wanted = this.#awaited > 0;
    if (wanted === this.#keepsAlive || this.#state === 'over') return;
    this.#keepsAlive = wanted;
    this.#socket.keepAlive(wanted);
  }

  /** After a blocked event loop answers may have lain in the socket: they are read by now. */
  readonly #judge = (): void => {
    if (this.#state === 'over') return;
    const now = this.#runtime.clock.read();
    const nearest = Math.min(this.#judgeSent(now), this.#expire(now));
    this.#alarm.watch(Math.min(nearest, this.#judgeItself(now)), now);
    this.#keepAlive();
  };

  /** Fails what was sent and has waited too long, and tells of turns that the other side left unanswered. Returns when to look again. */
  #judgeSent(now: number): number {
    const { late, unanswered, nearest } = judge(
      this.slots,
      now,
      this.#options.timeout,
      this.#alarm.blindUntil,
    );
    const timedOut = timeouts(this.#options.name);
    this.#traffic.timedOut += late.length;
    for (const exchange of late) this.abandon(exchange);
    for (const exchange of late) exchange.failed(timedOut(exchange), true);
    if (unanswered.length > 0) this.overdue = true;
    for (const sentAt of unanswered) this.#owner.unanswered(sentAt);
    return nearest;
  }

  /** Tells of turns that could not be sent in time because there is no connection yet. */
  #judgeUnsent(late: readonly Exchange[], now: number): void {
    for (const { turn } of late) {
      if (turn.told || now < Math.max(turn.since, this.#alarm.blindUntil) + this.#options.timeout) continue;
      turn.told = true;
      this.#owner.unsent(turn.since);
    }
  }

  /** Gives the connection up when it was not ready in time, or owes an answer for too long. Returns when to look again. */
  #judgeItself(now: number): number {
    const connecting = this.#state === 'connecting';
    const since = connecting ? this.#since : this.slots.at(0)?.turn.sent;
    if (since === undefined || this.#state === 'over') return Number.POSITIVE_INFINITY;
    const until =
      Math.max(since, this.#alarm.blindUntil) + (connecting ? this.#options.connectTimeout : this.#patience);
    if (now < until) return until;
    this.lost(
      unavailable(
        this.#options.name,
        connecting
          ? `it was not ready within ${this.#options.connectTimeout} ms`
          : `a request had no answer for ${Math.round(now - since)} ms`,
      ),
    );
    return Number.POSITIVE_INFINITY;
  }

  #end(): void {
    this.#state = 'over';
    this.#alarm.stop();
    this.#batch.abandon();
    this.#socket.destroy();
  }
}
