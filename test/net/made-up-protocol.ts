import { Connection } from '../../src/net/connection.ts';
import { ConnectionPool, type PoolOptions } from '../../src/net/connection-pool.ts';
import { Exchange } from '../../src/net/exchange.ts';
import type { Protocol } from '../../src/net/protocol.ts';
import type { CisternError } from '../../src/core/error.ts';
import type { Runtime } from '../../src/core/runtime.ts';
import type { Listener, Peer } from '../../src/testing/fake-network.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing/fake-runtime.ts';

/** A request of a made-up language: every line is answered with a line, `hello` first. */
export class Question extends Exchange {
  answer: string | undefined;
  failure: { readonly code: string; readonly sent: boolean; readonly error: Error } | undefined;
  settled = 0;
  /** It must not be sent. */
  barred = false;
  readonly deadline: number;
  readonly #head: string;

  constructor(head: string, body: Uint8Array | undefined, deadline: number) {
    super(head.length, body);
    this.deadline = deadline;
    this.#head = head;
  }

  encode(block: Uint8Array, at: number): boolean {
    if (this.barred) return false;
    Buffer.from(block.buffer).write(this.#head, block.byteOffset + at, 'latin1');
    return true;
  }

  failed(error: Error, sent: boolean): void {
    this.settled++;
    this.failure = { code: (error as CisternError).code, sent, error };
  }
}

class Lines implements Protocol {
  readonly #connection: Connection;
  readonly #late: string[];
  readonly refreshAt: number = Number.POSITIVE_INFINITY;
  #rest = '';

  constructor(connection: Connection, late: string[]) {
    this.#connection = connection;
    this.#late = late;
  }

  greet(): void {
    const hello = new Question('hello\n', undefined, Number.POSITIVE_INFINITY);
    hello.awaited = false;
    this.#connection.say(hello);
  }

  refresh(): void {}

  received(chunk: Uint8Array): string | undefined {
    const lines = (this.#rest + Buffer.from(chunk).toString('latin1')).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const question = this.#connection.take() as Question | undefined;
      if (question === undefined) return `the line '${line}' for nobody`;
      if (line === 'nonsense') return 'nonsense';
      if (line === 'hello') this.#connection.ready();
      else if (!question.awaited) this.#late.push(line);
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

/** The connections to one server, and that server, on a fake runtime. One connection unless the options say otherwise. */
export class World {
  readonly runtime: FakeRuntime;
  readonly listener: Listener;
  readonly pool: ConnectionPool;
  /** Answers that came too late. */
  readonly late: string[] = [];
  /** What the server has read, write by write, over all sockets. */
  readonly received: string[] = [];
  /** The same by socket. */
  readonly byPeer: string[][] = [];
  /** What the connection asked for: to keep the process alive, or not. */
  readonly keptAlive: boolean[] = [];
  /** How the server answers a chunk. */
  reply: (peer: Peer, text: string) => void = echo;

  constructor(seed = 7, options: Partial<PoolOptions> = {}, Kind: typeof Connection = Connection) {
    this.runtime = fakeRuntime({ seed });
    this.listener = this.runtime.listen(target, (peer) => {
      const heard: string[] = [];
      this.byPeer.push(heard);
      peer.data = (chunk) => {
        const text = Buffer.from(chunk).toString('latin1');
        this.received.push(text);
        heard.push(text);
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
      pool: { initial: 0, max: 1, burst: 0, idle: 60_000 },
      health: { failures: 3, firstPause: 20, longestPause: 1000 },
    };
    this.pool = new ConnectionPool(
      { ...settings, runtime: this.#watched(), ...options },
      (connection) => new Lines(connection, this.late),
      Kind,
    );
    this.pool.start();
  }

  ask(text: string, deadline: number = Number.POSITIVE_INFINITY, body?: Uint8Array): Question {
    const question = new Question(body === undefined ? `${text}\n` : text, body, deadline);
    this.pool.send(question);
    return question;
  }

  /** Asks, and lets everything happen that needs no time. */
  async asked(text: string): Promise<Question> {
    const question = this.ask(text);
    await this.runtime.settle();
    return question;
  }

  async close(): Promise<void> {
    const closed = this.pool.close();
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
      resolveSrv: (service) => runtime.resolveSrv(service),
      serve: (...args) => runtime.serve(...args),
      connect(to, events) {
        const socket = runtime.connect(to, events);
        return {
          get unsent() {
            return socket.unsent;
          },
          write: (parts) => socket.write(parts),
          pause: () => socket.pause(),
          resume: () => socket.resume(),
          destroy: () => socket.destroy(),
          keepAlive: (wanted) => void keptAlive.push(wanted),
        };
      },
    };
  }
}
