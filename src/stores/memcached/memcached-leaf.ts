import { asError, CisternError, wrongOption } from '../../core/error.ts';
import { heard, tell } from '../../core/events.ts';
import type { Fence } from '../../core/fence.ts';
import type { FailedReply, Operation, Reply, Right, Store } from '../../core/store.ts';
import { Connection, type Protocol } from '../../net/connection.ts';
import type { ConnectionOptions } from '../../net/connection-options.ts';
import { Exchange } from '../../net/exchange.ts';
import { readErrorLine } from '../../wire/memcached-meta/error-line.ts';
import { type MetaReply, wordsCode } from '../../wire/memcached-meta/meta-reply.ts';
import { versionRequest, writeRequest } from '../../wire/memcached-meta/meta-request.ts';
import { ReplyParser, type ReplySink } from '../../wire/memcached-meta/reply-parser.ts';
import { readVersion } from '../../wire/memcached-meta/server-version.ts';
import type { ServerStore } from './server.ts';
import { isPlaceholder, replyOf, winsNothing } from './operation-reply.ts';
import { requestOf } from './operation-request.ts';

/** One executed operation: its slot on the connection, and its caller's promise. */
class Call extends Exchange {
  readonly operation: Operation;
  readonly #line: string;
  readonly #key: string;
  readonly #leaf: MemcachedLeaf;
  readonly #resolve: ((reply: Reply) => void) | undefined;

  constructor(
    leaf: MemcachedLeaf,
    operation: Operation,
    line: string,
    resolve: ((reply: Reply) => void) | undefined,
  ) {
    super(line.length + operation.key.length, operation.kind === 'set' ? operation.value : undefined);
    this.operation = operation;
    this.#line = line;
    this.#key = operation.key;
    this.#leaf = leaf;
    this.#resolve = resolve;
  }

  get deadline(): number {
    return this.operation.deadline;
  }

  encode(block: Uint8Array, at: number): void {
    writeRequest(this.#line, this.#key, block, at);
  }

  settle(reply: Reply): void {
    this.#resolve?.(reply);
  }

  failed(error: Error, sent: boolean): void {
    this.settle(this.#leaf.failure(this.operation, error, sent && writes(this.operation)));
  }
}

/** Asks for the version: the first exchange of every socket. */
class Greeting extends Exchange {
  constructor() {
    super(versionRequest.length, undefined);
  }

  get deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  encode(block: Uint8Array, at: number): void {
    writeRequest(versionRequest, '', block, at);
  }

  failed(): void {}
}

/** A read changes nothing, unless it gives the entry a new life. */
function writes(operation: Operation): boolean {
  return operation.kind !== 'get' || operation.touch !== undefined;
}

let captured: (reply: Reply) => void;
/** One executor for all promises: a closure for each would be made for nothing. */
function capture(resolve: (reply: Reply) => void): void {
  captured = resolve;
}

/** The leaf for one memcached server. Made by `memcached()`. */
export class MemcachedLeaf implements ServerStore, Protocol, ReplySink {
  readonly name: string;
  readonly fence: Fence | undefined = undefined;
  readonly parts: readonly Store[] = [];
  readonly #connection: Connection;
  #parser = new ReplyParser(this);
  /** Whether the server keeps CAS values: by its version, and until it has answered `c0` (option `-C`). */
  #casKept = true;

  /** `connect` is for tests that need a connection with a fault. */
  constructor(
    options: ConnectionOptions,
    connect: (options: ConnectionOptions, protocol: Protocol) => Connection = (...with_) =>
      new Connection(...with_),
  ) {
    this.name = options.name;
    this.#connection = connect(options, this);
  }

  execute(operation: Operation): Promise<Reply> {
    let line: string;
    try {
      line = requestOf(operation, this.#casKept);
      if (!(operation.deadline > 0)) {
        throw wrongOption('deadline', operation.deadline, 'a point in time on the monotonic clock');
      }
    } catch (thrown) {
      return Promise.resolve(this.failure(operation, asError(thrown), false));
    }
    const promise = new Promise<Reply>(capture);
    this.#connection.send(new Call(this, operation, line, captured));
    return promise;
  }

  executeBare(operation: Operation): Promise<Reply> {
    return this.execute(operation);
  }

  setPrefix(_prefix: string): void {}

  hold(_error: Error | undefined): void {}

  close(): Promise<void> {
    return this.#connection.close();
  }

  greet(): Exchange {
    this.#parser = new ReplyParser(this);
    return new Greeting();
  }

  received(chunk: Uint8Array): string | undefined {
    return this.#parser.push(chunk);
  }

  answered(answer: MetaReply): string | undefined {
    const slot = this.#connection.take();
    if (slot instanceof Call) {
      if (answer.code === wordsCode) return this.#refused(slot, answer.words);
      const reply = replyOf(slot.operation, answer);
      if (reply === undefined) {
        return this.#outOfStep(slot, `an answer that does not belong to '${slot.operation.kind}'`);
      }
      if (answer.cas === '0' && slot.operation.kind === 'get') this.#casKept = false;
      if (answer.won && (!slot.awaited || winsNothing(slot.operation, answer))) {
        this.#giveBack(slot.operation, answer);
      }
      if (slot.awaited) slot.settle(reply);
      return undefined;
    }
    return slot === undefined ? 'an answer to nothing' : this.#greeted(answer);
  }

  /** Makes the reply of an operation that failed, and tells of it. */
  failure(operation: Operation, error: Error, maybeApplied: boolean): FailedReply {
    const applied = maybeApplied ? 'unknown' : 'no';
    if (heard('store-failed')) {
      tell('store-failed', {
        store: this.name,
        operation: String(operation?.kind),
        key: String(operation?.key),
        applied,
        error,
      });
    }
    return { kind: 'failed', error, applied };
  }

  #greeted(answer: MetaReply): string | undefined {
    if (answer.code !== wordsCode) return 'an answer that does not belong to the version';
    const { words } = answer;
    const error = readErrorLine(words, false);
    if (error?.outOfStep === true || words.startsWith('CLIENT_ERROR unauthenticated')) {
      this.#connection.lost(this.#unusable(`it answered '${words}'`));
      return undefined;
    }
    if (error === undefined && !words.startsWith('VERSION ')) return `the line '${shortened(words)}'`;
    const features = readVersion(words);
    if (!features.meta) {
      this.#connection.lost(this.#unusable(`'${words}' is too old, 1.6.10 is needed`));
      return undefined;
    }
    this.#casKept = features.cas;
    this.#connection.ready();
    return undefined;
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
      const error = new CisternError('CISTERN_SERVER', { store: this.name, line: told });
      call.settle(this.failure(call.operation, error, !line.refused && writes(call.operation)));
    }
    return line.outOfStep ? `the line '${shortened(words)}'` : undefined;
  }

  /** The stream is out of step: this operation fails with all that follow it. */
  #outOfStep(call: Call, problem: string): string {
    if (call.awaited) call.failed(new CisternError('CISTERN_PROTOCOL', { store: this.name, problem }), true);
    return problem;
  }

  /** A right that its winner cannot use any more, for nobody would tell the server. */
  #giveBack({ key }: Operation, answer: MetaReply): void {
    if (answer.cas === '' || answer.cas === '0') return;
    const right: Right = isPlaceholder(answer) ? 'lease' : answer.stale ? 'stale' : 'recache';
    const release: Operation = {
      kind: 'release',
      key,
      right,
      cas: answer.cas,
      deadline: Number.POSITIVE_INFINITY,
    };
    this.#connection.send(new Call(this, release, requestOf(release, true), undefined));
  }

  #unusable(problem: string): Error {
    return new CisternError('CISTERN_UNAVAILABLE', { store: this.name, problem });
  }
}

/** Giving a recache back is an `ms`, which carries a value (an empty one). */
function isUnwin(operation: Operation): boolean {
  return operation.kind === 'release' && operation.right === 'recache';
}

function shortened(words: string): string {
  return words.length > 100 ? `${words.slice(0, 100)}...` : words;
}
