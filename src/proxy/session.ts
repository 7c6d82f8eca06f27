import { asError } from '../core/error.ts';
import { keptReply } from '../core/lending.ts';
import type { ServedEvents, ServedSocket, Timer } from '../core/runtime.ts';
import type { Reply } from '../core/store.ts';
import { ReplyWriter } from '../wire/memcached-server/reply-writer.ts';
import { complaints, type RequestLine } from '../wire/memcached-server/request-line.ts';
import { type Received, RequestParser, type RequestSink } from '../wire/memcached-server/request-parser.ts';
import { keyName } from './key-name.ts';
import { operationOf, unsupported } from './operation-of.ts';
import { PendingAnswer } from './pending-answer.ts';
import { givingBack, usesRights } from './rights.ts';
import type { SessionHost } from './session-host.ts';
import { severalSteps } from './several-steps.ts';

/** How often it is looked whether the other side has taken the last answers and closed, in milliseconds. */
const lingerStep = 1000;

/** So many bytes of answers may be under way: of larger ones fewer are asked for at once. */
const bytesUnderWay = 8 * 1024 * 1024;
const leastUnderWay = 16;

const noBytes = new Uint8Array(0);

/**
 * One connection of a client. Laws:
 *
 * - Every request is answered once, in the order of the requests, whatever the order of the store's replies.
 * - All answers of one turn of the event loop are written at once; less than half of what is under way waits for one turn more.
 * - While too much is under way, here or in the whole proxy, or the client does not read its answers, nothing more is read.
 * - A right that a client has won and cannot be told of is given back.
 */
export class Session implements RequestSink, ServedEvents {
  readonly #host: SessionHost;
  readonly #socket: ServedSocket;
  readonly #parser: RequestParser;
  readonly #writer = new ReplyWriter();
  /** The last line that asks something of the store: equal lines are one object. */
  #lookedAt: RequestLine | undefined;
  #first: PendingAnswer | undefined;
  #last: PendingAnswer | undefined;
  #unanswered = 0;
  /** Those of them whose answers are with the writer, in front of all others. */
  #written = 0;
  #window: number;
  #averageAnswer = 0;
  /** What of the last chunk could not be read yet. */
  #rest: Uint8Array | undefined;
  #paused = false;
  /** The socket takes no more for now. */
  #blocked = false;
  /** To be done once all that was asked before is answered; nothing is read until then. */
  #afterAll: (() => void) | undefined;
  #barrier = false;
  /** A request of several steps: what comes behind it must not come between. */
  #holding: PendingAnswer | undefined;
  /** The other side has said all. */
  #heardAll = false;
  /** Nothing is read any more. */
  #ending = false;
  #closed = false;
  #scheduled = false;
  /** What is ready has waited for one turn. */
  #hasWaited = false;
  #linger: Timer | undefined;
  /** When something was heard or said last, on the monotonic clock. */
  lastActive: number;

  constructor(host: SessionHost, socket: ServedSocket) {
    this.#host = host;
    this.#socket = socket;
    this.#parser = new RequestParser(this, host.maxValueBytes);
    this.#window = host.maxPipelined;
    this.lastActive = host.now();
  }

  get full(): boolean {
    return (
      this.#unanswered >= this.#window ||
      this.#blocked ||
      this.#barrier ||
      this.#holding !== undefined ||
      this.#host.full
    );
  }

  /** Nothing is under way. */
  get idle(): boolean {
    return this.#first === undefined && !this.#barrier;
  }

  data(chunk: Uint8Array): void {
    if (this.#ending) return;
    this.#host.statistics.bytes_read += chunk.length;
    if (this.#rest === undefined) this.#read(chunk);
    else this.#rest = Buffer.concat([this.#rest, chunk]);
  }

  drained(): void {
    this.#blocked = false;
    this.#writer.sent();
    this.#schedule();
  }

  ended(): void {
    this.#heardAll = true;
    if (!this.#paused) this.finish();
  }

  closed(): void {
    this.#closed = this.#ending = true;
    this.#rest = undefined;
    this.#linger?.cancel();
    this.#host.left(this);
  }

  requested(received: Received): void {
    const { line } = received;
    if (line.command === 'error') {
      this.#host.statistics.protocol_errors++;
      this.#say(line, line.text);
    } else if (received.value === undefined && line.bytes >= 0) this.#tooLarge(received);
    else if (line.command === 'flush_all') this.#flushAll(line);
    else this.#carryOut(received);
    if (line.closes) this.finish();
  }

  /** Reads no more; the connection ends once all is answered. */
  finish(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#rest = undefined;
    this.#schedule();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Goes on reading, if nothing of its own stands against it. */
  resume(): void {
    if (!this.#paused || this.#ending || this.full) return;
    const rest = this.#rest ?? noBytes;
    this.#rest = undefined;
    this.#paused = false;
    this.#read(rest);
    if (this.#paused || this.#ending) return;
    if (this.#heardAll) this.finish();
    else this.#socket.resume();
  }

  /** Writes what can be answered: in a moment, if that is little of what is under way. */
  flush(): void {
    if (!this.#hasWaited && this.#mostIsComing()) {
      this.#hasWaited = true;
      this.#host.schedule(this);
      return;
    }
    this.#hasWaited = false;
    this.#scheduled = false;
    const count = this.#written;
    this.#written = 0;
    this.#unanswered -= count;
    if (this.#writer.size > 0) this.#send(this.#writer, count);
    if (this.#first === undefined) {
      this.#afterAll?.();
      this.#afterAll = undefined;
      if (this.#ending && this.#first === undefined && !this.#barrier) {
        this.#leave();
        return;
      }
    }
    // Not at once: others may have waited for longer.
    if (this.#paused) this.#host.waits(this);
  }

  /** A write costs as much as many answers do, and servers tend to answer in pieces. */
  #mostIsComing(): boolean {
    return this.#first !== undefined && this.#written < this.#unanswered / 2;
  }

  /** Hands the writer what can be answered: at once, while values that are lent are still there. */
  #write(): void {
    const { answers } = this.#host;
    const writer = this.#writer;
    let pending = this.#first;
    while (pending !== undefined) {
      const { text, reply } = pending;
      if (text !== undefined) writer.text(text);
      else if (reply !== undefined) answers.write(writer, pending.line, pending.token, pending.key, reply);
      else break;
      this.#written++;
      pending = pending.next;
    }
    this.#first = pending;
    if (pending === undefined) this.#last = undefined;
  }

  #send(writer: ReplyWriter, count: number): void {
    const { size } = writer;
    const parts = writer.take();
    if (this.#closed) return;
    this.lastActive = this.#host.now();
    this.#host.statistics.bytes_written += size;
    this.#averageAnswer += (size / count - this.#averageAnswer) / 4;
    const fitting = Math.floor(bytesUnderWay / this.#averageAnswer);
    this.#window = Math.min(this.#host.maxPipelined, Math.max(leastUnderWay, fitting));
    this.#blocked = !this.#socket.write(parts);
    if (this.#socket.unsent === 0) writer.sent();
  }

  #read(chunk: Uint8Array): void {
    this.lastActive = this.#host.startRead();
    const at = this.#parser.push(chunk, 0);
    if (this.#ending || (at === chunk.length && !this.full)) return;
    if (at < chunk.length) this.#rest = chunk.slice(at);
    this.#paused = true;
    this.#socket.pause();
    if (this.#host.full) this.#host.waits(this);
  }

  #carryOut(received: Received): void {
    const { line, token, value } = received;
    const host = this.#host;
    if (line !== this.#lookedAt) {
      const text = host.plainAnswer(line) ?? unsupported(line);
      if (text !== undefined) {
        this.#say(line, text);
        return;
      }
      this.#lookedAt = line;
    }
    const key = keyName(received.key, received.printable);
    const pending = this.#append(line, token, key, value === undefined ? 0 : value.length);
    const { store, circumstances } = host;
    const operation = operationOf(line, key, value, circumstances);
    if (operation === undefined) this.#holding = pending;
    const replied =
      operation === undefined
        ? severalSteps(host.keepingStore, line, key, circumstances)
        : store.execute(operation);
    void replied.then((reply) => this.#settle(pending, reply));
  }

  #append(line: RequestLine, token: string, key: string, bytes: number): PendingAnswer {
    const pending = new PendingAnswer(line, token, key, bytes);
    if (this.#last === undefined) this.#first = pending;
    else this.#last.next = pending;
    this.#last = pending;
    this.#unanswered++;
    this.#host.started(line, bytes);
    return pending;
  }

  #settle(pending: PendingAnswer, reply: Reply): void {
    pending.reply = this.#host.lends && pending !== this.#first ? keptReply(reply) : reply;
    if (pending === this.#holding) {
      this.#holding = undefined;
      this.#schedule();
    }
    this.#settled(pending);
    const { line, key } = pending;
    if (!this.#closed && usesRights(line)) return;
    const { store, circumstances } = this.#host;
    const release = givingBack(key, reply, circumstances.deadline);
    if (release !== undefined) void store.execute(release);
  }

  #settled(pending: PendingAnswer): void {
    this.#host.settled(pending.bytes);
    if (pending !== this.#first || this.#closed) return;
    this.#write();
    this.#schedule();
  }

  /** An answer that is known at once. It has its place in the order, too. */
  #say(line: RequestLine, text: string): void {
    const pending = this.#append(line, '', '', 0);
    pending.text = text === '' ? '' : `${text}\r\n`;
    this.#settled(pending);
  }

  /** A value that is larger than allowed is not kept, and what a `set` should have replaced is no more. */
  #tooLarge({ line, key: bytes, printable }: Received): void {
    const { store, circumstances, statistics } = this.#host;
    statistics.store_too_large++;
    const text = line.quiet && line.command !== 'ms' ? '' : complaints.tooLarge;
    if (line.command !== 'ms' && line.command !== 'set') {
      this.#say(line, text);
      return;
    }
    const key = keyName(bytes, printable);
    const pending = this.#append(line, '', key, 0);
    const answer = (): void => {
      pending.text = text === '' ? '' : `${text}\r\n`;
      this.#settled(pending);
    };
    void store.execute({ kind: 'delete', key, deadline: circumstances.deadline }).then(answer);
  }

  #flushAll(line: RequestLine): void {
    const host = this.#host;
    const problem = host.flushAllowed ? unsupported(line) : 'CLIENT_ERROR flush_all not allowed';
    if (problem !== undefined) {
      this.#say(line, line.quiet ? '' : problem);
      return;
    }
    this.#barrier = true;
    this.#afterAll = () => void this.#clear(line);
    this.#schedule();
  }

  async #clear(line: RequestLine): Promise<void> {
    const problem = await this.#host.clear().catch((thrown: unknown) => asError(thrown).message);
    this.#barrier = false;
    const text = problem === undefined ? 'OK' : `SERVER_ERROR ${problem}`;
    this.#say(line, line.quiet ? '' : text);
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#host.schedule(this);
  }

  /** All is answered. The other side may still be reading. */
  #leave(): void {
    if (this.#closed || this.#linger !== undefined) return;
    this.#socket.end();
    this.#socket.resume();
    this.#wait(Number.POSITIVE_INFINITY);
  }

  /** Waits for as long as the other side takes what was written; then for a moment, for it to close. */
  #wait(unsent: number): void {
    this.#linger = this.#host.runtime.after(
      lingerStep,
      () => {
        const left = this.#socket.unsent;
        if (left > 0 && left < unsent) this.#wait(left);
        else this.#socket.destroy();
      },
      false,
    );
  }
}
