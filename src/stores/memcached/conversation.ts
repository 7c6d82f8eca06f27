import { asError, CisternError } from '../../core/error.ts';
import type { Operation, Reply } from '../../core/store.ts';
import { unavailable } from '../../net/connection-errors.ts';
import type { Connection } from '../../net/connection.ts';
import type { Protocol } from '../../net/protocol.ts';
import { longestServerKey } from '../../wire/memcached-meta/meta-request.ts';
import { readErrorLine } from '../../wire/memcached-meta/error-line.ts';
import { metaCode, type MetaReply, wordsCode } from '../../wire/memcached-meta/meta-reply.ts';
import { ReplyParser, type ReplySink } from '../../wire/memcached-meta/reply-parser.ts';
import type { ValueSlab } from '../../wire/memcached-meta/value-slab.ts';
import { readVersion, type ServerFeatures } from '../../wire/memcached-meta/server-version.ts';
import { BareCall, Call, Clearing, Login, Question, VersionQuestion, writes } from './call.ts';
import { withEra } from './cas-era.ts';
import type { EntryForm } from './entry-form.ts';
import { replyOf, winsNothing } from './operation-reply.ts';
import { requestOf } from './operation-request.ts';
import type { Ask, ServerFence } from './server-parts.ts';
import { pollPeriod } from './server-fence.ts';

/** The leaf as its conversations see it. */
export interface Speaker {
  readonly name: string;
  readonly credentials: Uint8Array | undefined;
  /** How the server's entries are read. */
  readonly form: EntryForm;
  readonly fence: ServerFence | undefined;
  /** Where the small values of a connection go. */
  newSlab(): ValueSlab;
  /** What the server can do, as it has just told. */
  learn(features: ServerFeatures): void;
  /** The server keeps no CAS values (option `-C`). */
  learnCasOff(): void;
  bareCall(operation: Operation, resolve: (reply: Reply) => void): Call | Reply;
  fail(call: Call, error: Error, maybeApplied: boolean): void;
  /** Whether this is a read of a key that must not be read at present. */
  closes(operation: Operation): boolean;
  /** Gives a right back that its winner cannot use any more. */
  giveBack(call: Call, answer: MetaReply): void;
}

/** Why a key is not read. */
export const closedKey = 'an invalidation of this key is not confirmed yet';

/** What is said over one connection to a memcached: log in, ask for the version, let the fence ask its questions, then calls. */
export class Conversation implements Protocol, ReplySink {
  readonly #speaker: Speaker;
  readonly #connection: Connection;
  readonly #fence: ServerFence | undefined;
  readonly #parser: ReplyParser;
  /** When the fence's record was last asked for over this connection. */
  #inquiredAt = Number.NEGATIVE_INFINITY;
  /** What was asked then, and its line: nearly always the same. */
  #lastInquiry: Operation | undefined;
  #lastLine = '';

  constructor(speaker: Speaker, connection: Connection) {
    this.#speaker = speaker;
    this.#connection = connection;
    this.#fence = speaker.fence;
    this.#parser = new ReplyParser(this, speaker.newSlab());
  }

  greet(): void {
    const { credentials } = this.#speaker;
    if (credentials !== undefined) this.#connection.say(new Login(credentials));
    this.#connection.say(new VersionQuestion());
  }

  /** Each connection asks by itself while none has an answer: what is behind a question on its own connection is answered after it. */
  get refreshAt(): number {
    const fence = this.#fence;
    if (fence === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(fence.knownAt, this.#inquiredAt) + pollPeriod;
  }

  refresh(now: number): void {
    this.#inquiredAt = now;
    const inquiry = this.#fence!.inquire(now);
    const { operation } = inquiry;
    if (operation !== this.#lastInquiry) {
      this.#lastInquiry = operation;
      this.#lastLine = requestOf(operation, true, longestServerKey);
    }
    this.#connection.accompany(new Question(inquiry, this.#lastLine));
  }

  received(chunk: Uint8Array): string | undefined {
    return this.#parser.push(chunk);
  }

  answered(answer: MetaReply): string | undefined {
    const slot = this.#connection.take();
    if (slot === undefined) return 'an answer to nothing';
    if (!(slot instanceof Call)) {
      if (slot instanceof Clearing) return this.#cleared(slot, answer);
      return slot instanceof Question
        ? this.#learn(slot, answer)
        : this.#greeted(slot instanceof Login, answer);
    }
    if (answer.code === wordsCode) return this.#refused(slot, answer.words);
    const { operation } = slot;
    const { form } = this.#speaker;
    const reply = replyOf(operation, answer, form);
    if (reply === undefined) {
      return this.#outOfStep(slot, `an answer that does not belong to '${operation.kind}'`);
    }
    if (answer.cas === '0' && operation.kind === 'get') this.#speaker.learnCasOff();
    const fence = this.#fence;
    const renamed = fence !== undefined && slot.names !== fence.names && isRenamed(slot, fence);
    if (answer.won && (!slot.awaited || renamed || winsNothing(operation, answer, form))) {
      this.#speaker.giveBack(slot, answer);
    }
    if (!slot.awaited) return undefined;
    if (renamed)
      this.#speaker.fail(slot, this.#unavailable('another process has fenced it meanwhile'), false);
    else if (this.#speaker.closes(operation)) this.#speaker.fail(slot, this.#unavailable(closedKey), false);
    else if (fence === undefined || fence.era === 0 || slot instanceof BareCall) slot.settle(reply);
    else slot.settle(withEra(reply, fence.era));
    return undefined;
  }

  /** Servers may be told to refuse it (option `-F`). */
  #cleared(clearing: Clearing, { code, words }: MetaReply): string | undefined {
    const done = code === metaCode.OK;
    if (!done && (code !== wordsCode || readErrorLine(words, false) === undefined))
      return "an answer that does not belong to 'flush_all'";
    if (clearing.awaited) clearing.settle(done);
    return undefined;
  }

  /** What the fence has asked. An error line tells it nothing. */
  #learn({ inquiry }: Question, answer: MetaReply): string | undefined {
    if (answer.code === wordsCode) {
      const line = readErrorLine(answer.words, false);
      return line === undefined || line.outOfStep ? `the line '${shortened(answer.words)}'` : undefined;
    }
    const reply = replyOf(inquiry.operation, answer);
    if (reply === undefined) return "an answer that does not belong to 'get'";
    this.#fence!.learn(inquiry, reply);
    return undefined;
  }

  #greeted(login: boolean, answer: MetaReply): string | undefined {
    if (answer.code !== wordsCode) return 'an answer that does not belong to the version';
    const { words } = answer;
    if (login) {
      if (words !== 'STORED')
        this.#giveUp(`it did not accept the name and the password ('${shortened(words)}')`);
      return undefined;
    }
    const error = readErrorLine(words, false);
    if (error?.outOfStep === true || words.startsWith('CLIENT_ERROR unauthenticated')) {
      this.#giveUp(`it answered '${words}'`);
      return undefined;
    }
    if (error === undefined && !words.startsWith('VERSION ')) return `the line '${shortened(words)}'`;
    const features = readVersion(words);
    if (!features.meta) {
      this.#giveUp(`'${words}' is too old, 1.6.10 is needed`);
      return undefined;
    }
    this.#speaker.learn(features);
    if (this.#fence === undefined) this.#connection.ready();
    else void this.#passFence(this.#fence);
    return undefined;
  }

  /** Lets the fence ask what it must know before the connection may serve. */
  async #passFence(fence: ServerFence): Promise<void> {
    let error: Error | undefined;
    try {
      error = await fence.greet(this.#ask((call) => this.#connection.say(call)));
    } catch (thrown) {
      error = asError(thrown);
    }
    if (error === undefined) this.#connection.ready();
    else this.#connection.lost(error, false);
  }

  #ask(send: (call: Call) => void): Ask {
    return (operation) =>
      new Promise((resolve) => {
        const call = this.#speaker.bareCall(operation, resolve);
        if (call instanceof Call) send(call);
        else resolve(call);
      });
  }

  /** An error line in the place of an answer. */
  #refused(call: Call, words: string): string | undefined {
    const isSet = call.operation.kind === 'set';
    const line = readErrorLine(words, isSet || isUnwin(call.operation));
    if (line === undefined) return this.#outOfStep(call, `the line '${shortened(words)}'`);
    if (call.awaited) {
      // The server removes the old value when it cannot store the new one, whatever the mode.
      const told =
        isSet && !line.refused ? `${words} (nothing was stored, and the old value is gone)` : words;
      const error = new CisternError('CISTERN_SERVER', { store: this.#speaker.name, line: told });
      this.#speaker.fail(call, error, !line.refused && writes(call.operation));
    }
    return line.outOfStep ? `the line '${shortened(words)}'` : undefined;
  }

  /** The stream is out of step: this operation fails with all that follow it. */
  #outOfStep(call: Call, problem: string): string {
    const store = this.#speaker.name;
    if (call.awaited) call.failed(new CisternError('CISTERN_PROTOCOL', { store, problem }), true);
    return problem;
  }

  #giveUp(problem: string): void {
    this.#connection.lost(this.#unavailable(problem));
  }

  #unavailable(problem: string): Error {
    return unavailable(this.#speaker.name, problem);
  }
}

/** Whether the key of a call goes by another name now than when it was sent, so that its answer is about something else. */
function isRenamed(call: Call, fence: ServerFence): boolean {
  return !(call instanceof BareCall) && fence.prefixOf(call.operation) !== call.prefix;
}

/** Giving a recache back is an `ms`, which carries a value (an empty one). */
function isUnwin(operation: Operation): boolean {
  return operation.kind === 'release' && operation.right === 'recache';
}

function shortened(words: string): string {
  return words.length > 100 ? `${words.slice(0, 100)}...` : words;
}
