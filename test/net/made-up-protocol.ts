import { Connection, type Protocol } from '../../src/net/connection.ts';
import type { ConnectionOptions } from '../../src/net/connection-options.ts';
import { Exchange } from '../../src/net/exchange.ts';
import type { CisternError } from '../../src/core/error.ts';
import type { Runtime } from '../../src/core/runtime.ts';
import type { Listener, Peer } from '../../src/testing/fake-network.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing/fake-runtime.ts';

/** A request of a made-up language: every line is answered with a line, `hello` first. */
export class Question extends Exchange {
  answer: string | undefined;
  failure: { readonly code: string; readonly sent: boolean; readonly error: Error } | undefined;
  settled = 0;
  readonly deadline: number;
  readonly #head: string;

  constructor(head: string, body: Uint8Array | undefined, deadline: number) {
    super(head.length, body);
    this.deadline = deadline;
    this.#head = head;
  }

  encode(block: Uint8Array, at: number): void {
    Buffer.from(block.buffer).write(this.#head, block.byteOffset + at, 'latin1');
  }

  failed(error: Error, sent: boolean): void {
    this.settled++;
    this.failure = { code: (error as CisternError).code, sent, error };
  }
}

class Lines implements Protocol {
  connection!: Connection;
  #rest = '';
  readonly late: string[] = [];

  greet(): Exchange {
    this.#rest = '';
    return new Question('hello\n', undefined, Number.POSITIVE_INFINITY);
  }

  received(chunk: Uint8Array): string | undefined {
    const lines = (this.#rest + Buffer.from(chunk).toString('latin1')).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const question = this.connection.take() as Question | undefined;
      if (question === undefined) return `the line '${line}' for nobody`;
      if (line === 'nonsense') return 'nonsense';
      if (line === 'hello') this.connection.ready();
      else if (!question.awaited) this.late.push(line);
      else {
        question.answer = line;
        question.settled++;
      }
    }
    return undefined;
  }
}

export const target = { host: '127.0.0.1', port: 7 };

export const echo = (peer: Peer, text: string): void => void peer.write(text);

/** Answers the greeting and nothing else. */
export const mute = (peer: Peer, text: string): void => void (text === 'hello\n' && peer.write(text));

/** One connection and the server that it talks to, on a fake runtime. */
export class World {
  readonly runtime: FakeRuntime;
  readonly listener: Listener;
  readonly connection: Connection;
  readonly lines = new Lines();
  /** What the server has read, write by write, over all sockets. */
  readonly received: string[] = [];
  /** What the connection asked for: to keep the process alive, or not. */
  readonly keptAlive: boolean[] = [];
  /** How the server answers a chunk. */
  reply: (peer: Peer, text: string) => void = echo;

  constructor(seed = 7, options: Partial<ConnectionOptions> = {}, Kind: typeof Connection = Connection) {
    this.runtime = fakeRuntime({ seed });
    this.listener = this.runtime.listen(target, (peer) => {
      peer.data = (chunk) => {
        const text = Buffer.from(chunk).toString('latin1');
        this.received.push(text);
        this.reply(peer, text);
      };
    });
    const settings = {
      name: 'box',
      target,
      timeout: 50,
      connectTimeout: 1000,
      maxInFlight: 100,
      maxBytesInFlight: 10_000,
    };
    this.connection = new Kind({ ...settings, runtime: this.#watched(), ...options }, this.lines);
    this.lines.connection = this.connection;
  }

  ask(text: string, deadline: number = Number.POSITIVE_INFINITY, body?: Uint8Array): Question {
    const question = new Question(body === undefined ? `${text}\n` : text, body, deadline);
    this.connection.send(question);
    return question;
  }

  /** Asks, and lets everything happen that needs no time. */
  async asked(text: string): Promise<Question> {
    const question = this.ask(text);
    await this.runtime.settle();
    return question;
  }

  async close(): Promise<void> {
    const closed = this.connection.close();
    await this.runtime.settle();
    await closed;
  }

  #watched(): Runtime {
    const { runtime, keptAlive } = this;
    return {
      clock: runtime.clock,
      files: runtime.files,
      after: (...args) => runtime.after(...args),
      defer: (callback) => runtime.defer(callback),
      random: () => runtime.random(),
      randomId: () => runtime.randomId(),
      resolve: (host) => runtime.resolve(host),
      serve: (...args) => runtime.serve(...args),
      connect(to, events) {
        const socket = runtime.connect(to, events);
        return { ...socket, keepAlive: (wanted) => void keptAlive.push(wanted) };
      },
    };
  }
}
