import { CisternError } from '../core/error.ts';
import { heard, tell } from '../core/events.ts';
import type { Runtime, Socket, Timer } from '../core/runtime.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { ExchangeQueue } from './exchange-queue.ts';
import { dueAt, type Exchange, Turn } from './exchange.ts';
import { WriteBatch } from './write-batch.ts';

/** The language that is spoken over a connection. */
export interface Protocol {
  /**
   * The first request of a new socket. Whoever takes its answer says `ready()` or `lost()`; nothing else is sent before.
   * From here on, half-read answers of an earlier socket are forgotten.
   */
  greet(): Exchange;
  /**
   * A chunk of answers, lent for the time of the call; takes the slot of each answer with `take()`. Returns what is wrong
   * with the stream, or undefined.
   */
  received(chunk: Uint8Array): string | undefined;
}

/** The pause after the first failed attempt to connect, in milliseconds; it doubles up to the longest. */
const shortestPause = 20;
const longestPause = 1000;

/**
 * One pipelined connection, opened by the first request and again after every loss. All that is asked in one turn of the
 * event loop is written at once. Laws:
 *
 * - An exchange settles once: with its answer; or by `failed` at its deadline, on loss, on overload, on `close`.
 * - A slot outlives its caller. A socket whose first slot has been empty for 10 timeouts (at least a second) is
 *   destroyed; none is used while it is unknown how many answers will come.
 * - What was not sent yet survives a lost socket and goes over the next one. When none can be had, all that waits fails;
 *   then for a short, growing pause everything fails at once.
 * - The process is kept alive only while somebody awaits an answer.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #runtime: Runtime;
  readonly #protocol: Protocol;
  readonly #patience: number;
  readonly #batch = new WriteBatch();
  /** Sent, in the order of the answers to come. */
  protected readonly slots: ExchangeQueue = new ExchangeQueue();
  /** Asked and not sent. */
  #waiting = new ExchangeQueue();
  /** Of what is asked until the next flush. */
  #turn = new Turn();
  #count = 0;
  #bytes = 0;
  #awaited = 0;
  #state: 'idle' | 'connecting' | 'open' | 'closed' = 'idle';
  #socket: Socket | undefined;
  /** Grows with every socket, so that the late events of an old one are known. */
  #epoch = 0;
  #sockets = 0;
  #connectBefore = 0;
  #blocked = false;
  #keepsAlive = true;
  #flushing = false;
  #alarm: Timer | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;
  #failures = 0;
  #retryAt = 0;
  #lastError: Error | undefined;
  #allClosed: (() => void) | undefined;

  constructor(options: ConnectionOptions, protocol: Protocol) {
    this.#options = options;
    this.#runtime = options.runtime;
    this.#protocol = protocol;
    this.#patience = Math.max(1000, 10 * options.timeout);
  }

  /** Asks for an exchange. */
  send(exchange: Exchange): void {
    if (this.#state === 'closed') exchange.failed(this.#closedError(), false);
    else if (this.#count >= this.#options.maxInFlight) this.#refuse(exchange, 'maxInFlight', 'requests');
    else if (this.#bytes + exchange.size > this.#options.maxBytesInFlight)
      this.#refuse(exchange, 'maxBytesInFlight', 'bytes');
    else {
      this.#count++;
      this.#awaited++;
      this.#bytes += exchange.size;
      exchange.turn = this.#turn;
      this.#waiting.push(exchange);
      if (!this.#flushing) this.#scheduleFlush();
    }
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
    this.#failures = 0;
    tell('connection', { store: this.#options.name, state: 'opened' });
    this.#scheduleFlush();
  }

  /** Gives the socket up; what was sent on it fails with the error. */
  lost(error: Error): void {
    if (this.#socket === undefined) return;
    const wasOpen = this.#state === 'open';
    this.#dropSocket();
    this.#state = 'idle';
    const sent = this.#takeSent();
    const unsent = wasOpen ? [] : this.#takeWaiting();
    if (!wasOpen) this.#pause(error);
    else if (heard('connection')) tell('connection', { store: this.#options.name, state: 'closed', error });
    for (const exchange of sent) exchange.failed(error, true);
    for (const exchange of unsent) exchange.failed(error, false);
    if (this.#waiting.length > 0) this.#scheduleFlush();
  }

  /** Settles everything and closes the socket; what is asked later fails. Fulfilled once the socket is gone. */
  async close(): Promise<void> {
    if (this.#state !== 'closed') {
      if (this.#state === 'open') tell('connection', { store: this.#options.name, state: 'closed' });
      this.#state = 'closed';
      this.#alarm?.cancel();
      this.#dropSocket();
      const sent = this.#takeSent();
      const unsent = this.#takeWaiting();
      const error = this.#closedError();
      for (const exchange of sent) exchange.failed(error, true);
      for (const exchange of unsent) exchange.failed(error, false);
    }
    if (this.#sockets === 0) return;
    const before = this.#allClosed;
    await new Promise<void>((resolve) => {
      this.#allClosed = () => {
        before?.();
        resolve();
      };
    });
  }

  /** The caller leaves at its deadline; the slot stays. */
  protected abandon(exchange: Exchange): void {
    exchange.awaited = false;
    this.#awaited--;
  }

  #release(exchange: Exchange): void {
    this.#count--;
    this.#bytes -= exchange.size;
    if (exchange.awaited) this.#awaited--;
  }

  /** Empties the slots; returns those whose callers still wait. */
  #takeSent(): readonly Exchange[] {
    const awaited = [];
    for (let exchange = this.take(); exchange !== undefined; exchange = this.take()) {
      if (exchange.awaited) awaited.push(exchange);
    }
    return awaited;
  }

  #takeWaiting(): readonly Exchange[] {
    const waiting = [];
    for (let exchange = this.#waiting.shift(); exchange !== undefined; exchange = this.#waiting.shift()) {
      this.#release(exchange);
      waiting.push(exchange);
    }
    return waiting;
  }

  #scheduleFlush(): void {
    this.#flushing = true;
    this.#runtime.defer(this.#flush);
  }

  /** Sends what waits, or gets a socket for it. Deadlines count from here, as the clock is read once per turn. */
  readonly #flush = (): void => {
    this.#flushing = false;
    if (this.#waiting.length === 0) return;
    const now = this.#runtime.clock.read();
    if (this.#state === 'idle') {
      if (now < this.#retryAt) {
        const error = this.#lastError!;
        for (const exchange of this.#takeWaiting()) exchange.failed(error, false);
        return;
      }
      this.#open(now);
    }
    const turn = this.#turn;
    turn.since = now;
    turn.until = now + this.#options.timeout;
    this.#turn = new Turn();
    if (this.#state === 'open' && !this.#blocked) this.#sendWaiting(now);
    else this.#watch(this.#expire(now), now);
    this.#keepAlive();
  };

  #sendWaiting(now: number): void {
    const waiting = this.#waiting;
    let nearest = Number.POSITIVE_INFINITY;
    let late: Exchange[] | undefined;
    for (let exchange = waiting.shift(); exchange !== undefined; exchange = waiting.shift()) {
      const due = dueAt(exchange);
      if (!(due > now)) {
        (late ??= []).push(exchange);
        continue;
      }
      if (due < nearest) nearest = due;
      this.slots.push(exchange);
      this.#batch.add(exchange);
    }
    this.#watch(nearest, now);
    const parts = this.#batch.take();
    if (parts.length > 0) this.#blocked = !this.#socket!.write(parts);
    if (late !== undefined) this.#failLate(late);
  }

  /** Fails what waits too long; returns when the next of the rest is due. */
  #expire(now: number): number {
    const { length } = this.#waiting;
    const late = [];
    let nearest = Number.POSITIVE_INFINITY;
    for (let index = 0; index < length; index++) {
      const exchange = this.#waiting.shift()!;
      const due = dueAt(exchange);
      if (due > now) {
        if (due < nearest) nearest = due;
        this.#waiting.push(exchange);
      } else late.push(exchange);
    }
    this.#failLate(late);
    return nearest;
  }

  #failLate(late: readonly Exchange[]): void {
    for (const exchange of late) this.#release(exchange);
    const timedOut = this.#timedOut();
    for (const exchange of late) exchange.failed(timedOut(exchange), false);
  }

  #open(now: number): void {
    const epoch = ++this.#epoch;
    this.#state = 'connecting';
    this.#connectBefore = now + this.#options.connectTimeout;
    this.#keepsAlive = true;
    this.#blocked = false;
    this.#watch(this.#connectBefore, now);
    this.#sockets++;
    this.#socket = this.#runtime.connect(this.#options.target, {
      connected: () => {
        if (epoch === this.#epoch) this.#greet();
      },
      data: (chunk) => {
        if (epoch === this.#epoch) this.#received(chunk);
      },
      drained: () => {
        if (epoch !== this.#epoch) return;
        this.#blocked = false;
        this.#batch.sent();
        if (this.#waiting.length > 0 && !this.#flushing) this.#scheduleFlush();
      },
      closed: (error) => {
        if (epoch === this.#epoch) {
          this.lost(
            this.#unavailable(error?.message ?? 'the connection was closed by the other side', error),
          );
        }
        if (--this.#sockets === 0) this.#allClosed?.();
      },
    });
  }

  #greet(): void {
    const greeting = this.#protocol.greet();
    greeting.awaited = false;
    greeting.turn = new Turn();
    greeting.turn.since = this.#runtime.clock.read();
    this.#count++;
    this.#bytes += greeting.size;
    this.slots.push(greeting);
    this.#batch.add(greeting);
    this.#socket!.write(this.#batch.take());
  }

  #received(chunk: Uint8Array): void {
    let problem: string | undefined;
    try {
      problem = this.#protocol.received(chunk);
    } catch (thrown) {
      problem = String(thrown);
    }
    if (problem !== undefined) {
      this.lost(new CisternError('CISTERN_PROTOCOL', { store: this.#options.name, problem }));
    }
    if (this.#awaited === 0) this.#keepAlive();
  }

  #keepAlive(): void {
    const wanted = this.#awaited > 0;
    if (wanted === this.#keepsAlive || this.#socket === undefined) return;
    this.#keepsAlive = wanted;
    this.#socket.keepAlive(wanted);
  }

  #watch(at: number, now: number): void {
    if (at >= this.#alarmAt) return;
    this.#alarm?.cancel();
    this.#alarmAt = at;
    this.#alarm = this.#runtime.after(at - now, this.#ring, false);
  }

  /** After a blocked event loop answers may lie in the socket: it is read once more before anybody is told of a timeout. */
  readonly #ring = (): void => {
    this.#alarm = undefined;
    this.#alarmAt = Number.POSITIVE_INFINITY;
    this.#runtime.defer(this.#judge);
  };

  readonly #judge = (): void => {
    if (this.#state === 'closed') return;
    const now = this.#runtime.clock.read();
    let nearest = Number.POSITIVE_INFINITY;
    const timedOut = this.#timedOut();
    for (let index = 0; index < this.slots.length; index++) {
      const exchange = this.slots.at(index)!;
      if (!exchange.awaited) continue;
      const due = dueAt(exchange);
      if (due > now) nearest = Math.min(nearest, due);
      else {
        this.abandon(exchange);
        exchange.failed(timedOut(exchange), true);
      }
    }
    nearest = Math.min(nearest, this.#expire(now));
    const first = this.slots.at(0);
    if (this.#state === 'connecting') {
      if (now >= this.#connectBefore) {
        this.lost(this.#unavailable(`it was not ready within ${this.#options.connectTimeout} ms`));
      } else nearest = Math.min(nearest, this.#connectBefore);
    } else if (first !== undefined) {
      const { since } = first.turn;
      if (now - since >= this.#patience) {
        this.lost(this.#unavailable(`a request had no answer for ${Math.round(now - since)} ms`));
      } else nearest = Math.min(nearest, since + this.#patience);
    }
    this.#watch(nearest, now);
    this.#keepAlive();
  };

  /** Keeps the next attempt away for a while: half of it fixed, half by chance, so that processes do not come in step. */
  #pause(error: Error): void {
    const span = Math.min(longestPause, shortestPause * 2 ** this.#failures++);
    this.#retryAt = this.#runtime.clock.read() + (span * (1 + this.#runtime.random())) / 2;
    this.#lastError = error;
  }

  #dropSocket(): void {
    const socket = this.#socket;
    this.#epoch++;
    this.#socket = undefined;
    this.#blocked = false;
    this.#batch.abandon();
    socket?.destroy();
  }

  #refuse(exchange: Exchange, option: 'maxInFlight' | 'maxBytesInFlight', what: string): void {
    const limit = this.#options[option];
    const store = this.#options.name;
    exchange.failed(new CisternError('CISTERN_OVERLOADED', { store, what, limit, option }), false);
  }

  /** Makes the errors of one round of timeouts: those that waited equally long share one, as a stack trace is dear. */
  #timedOut(): (exchange: Exchange) => Error {
    const store = this.#options.name;
    let last: CisternError<'CISTERN_TIMEOUT'> | undefined;
    return (exchange) => {
      const { since } = exchange.turn;
      const waited = since === 0 ? 0 : dueAt(exchange) - since;
      const milliseconds = Math.max(0, Math.round(waited));
      if (last?.details.milliseconds !== milliseconds) {
        last = new CisternError('CISTERN_TIMEOUT', { store, milliseconds });
      }
      return last;
    };
  }

  #unavailable(problem: string, cause?: Error): Error {
    return new CisternError('CISTERN_UNAVAILABLE', { store: this.#options.name, problem }, cause);
  }

  #closedError(): Error {
    return new CisternError('CISTERN_CLOSED', { what: this.#options.name });
  }
}
