import { connect, type Socket } from 'node:net';
import type { Address } from '../competitors/adapter.ts';

export interface ProxyClientOptions {
  readonly keys: number;
  readonly valueBytes: number;
  readonly work: 'get' | 'set';
}

const newline = 10;
const letterV = 86;
const carriageReturn = 13;

/**
 * One connection of a client that costs next to nothing: its requests are made beforehand, and of the answers it reads the lines alone. It
 * asks again as often as it is answered, so as many requests as it began with are always under way.
 */
export class ProxyClient {
  answered = 0;
  readonly waits: number[] = [];
  readonly #socket: Socket;
  readonly #options: ProxyClientOptions;
  readonly #requests: readonly Buffer[];
  #next = 0;
  #running = false;
  #underWay = 0;
  /** Bytes of a value that are still to come. */
  #skip = 0;
  #half: Buffer | undefined;
  #sent = 0;
  #watched: { readonly request: number; readonly at: number } | undefined;
  #received = 0;
  #quiet: (() => void) | undefined;
  #failure: Error | undefined;

  private constructor(socket: Socket, options: ProxyClientOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#requests = Array.from({ length: options.keys }, (_, number) => requestOf(number, options));
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) => (this.#failure = error));
  }

  static async open(
    target: Address | { readonly path: string },
    options: ProxyClientOptions,
  ): Promise<ProxyClient> {
    const socket = connect({ ...target, noDelay: true });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new ProxyClient(socket, options);
  }

  /** Keeps so many requests under way, beginning with this key. */
  start(depth: number, first: number): void {
    this.#next = first;
    this.#running = true;
    this.#send(depth);
  }

  /** Asks no more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#running = false;
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#quiet = resolve));
    this.close();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Sends so many requests once, and waits for their answers. */
  async once(count: number): Promise<void> {
    this.#send(count);
    await new Promise<void>((resolve) => (this.#quiet = resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(count: number): void {
    const parts = Array.from({ length: count }, () => this.#requests[this.#next++ % this.#requests.length]!);
    this.#underWay += count;
    this.#sent += count;
    if (this.#watched === undefined) this.#watched = { request: this.#sent, at: performance.now() };
    this.#socket.write(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
  }

  #read(chunk: Buffer): void {
    let at = 0;
    let answers = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const count = Math.min(this.#skip, chunk.length - at);
        this.#skip -= count;
        at += count;
        if (this.#skip > 0) break;
        if (chunk[at - 1] !== newline) this.#wrong('a value of another size');
        answers++;
        continue;
      }
      const end = chunk.indexOf(newline, at);
      if (end < 0) {
        this.#half = chunk.subarray(at);
        break;
      }
      const first = this.#half === undefined ? chunk[at] : this.#half[0];
      this.#half = undefined;
      if (end > 0 && chunk[end - 1] !== carriageReturn && end > at) this.#wrong('a line that does not end');
      at = end + 1;
      if (first === letterV) this.#skip = this.#options.valueBytes + 2;
      else if (this.#options.work === 'set' && first === 72) answers++;
      else this.#wrong(`an answer that begins with ${first}`);
    }
    this.#take(answers);
  }

  #take(answers: number): void {
    this.answered += answers;
    this.#received += answers;
    this.#underWay -= answers;
    const watched = this.#watched;
    if (watched !== undefined && this.#received >= watched.request) {
      this.waits.push(performance.now() - watched.at);
      this.#watched = undefined;
    }
    if (answers > 0 && this.#running) this.#send(answers);
    else if (this.#underWay === 0) this.#quiet?.();
  }

  #wrong(what: string): void {
    this.#failure ??= new Error(`the proxy sent ${what}`);
    this.#running = false;
    this.#underWay = 0;
    this.#quiet?.();
  }
}

function requestOf(number: number, { work, valueBytes }: ProxyClientOptions): Buffer {
  const key = `proxy:${number}`;
  if (work === 'get') return Buffer.from(`mg ${key} v f c t\r\n`);
  return Buffer.from(
    `ms ${key} ${valueBytes} T100000 c\r\n${`${key} `.padEnd(valueBytes, 'abcdefghij')}\r\n`,
  );
}
