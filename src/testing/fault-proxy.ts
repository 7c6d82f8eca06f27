import { connect, createServer, type Server, type Socket } from 'node:net';
import { seededRandom } from './seeded-random.ts';

/** What goes wrong between client and server. All of it may be changed while it runs, and holds for both directions. */
export interface Faults {
  /** How bytes are passed on: as they come, byte by byte, or cut and joined anywhere. Default `whole`. */
  chunks: 'whole' | 'bytes' | 'anywhere';
  /** Milliseconds that every chunk is held back: one number, or drawn between two. Never reorders. Default 0. */
  delay: number | readonly [least: number, most: number];
  /** The chance that the connection breaks at a chunk, somewhere in the middle of it. Default 0. */
  cut: number;
  /** True: everything is held back, connections stay open. Back to false, all of it is passed on. */
  hang: boolean;
}

export interface FaultProxyOptions {
  /** The server behind. */
  readonly target: { readonly host: string; readonly port: number } | { readonly path: string };
  /** All that is drawn depends on it alone. What the kernel joins and when does not. */
  readonly seed: number;
}

export interface FaultProxy {
  /** For clients: `127.0.0.1:40123`. */
  readonly address: string;
  readonly port: number;
  readonly faults: Faults;
  /** How many connections were ever accepted. */
  readonly accepted: number;
  /** How many were broken by `cut` and `cutAll`. */
  readonly broken: number;
  /** Breaks all connections at once. */
  cutAll(): void;
  stop(): Promise<void>;
}

/** Starts a TCP proxy on a free loopback port. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new FaultyProxy(options);
  await proxy.listen();
  return proxy;
}

class FaultyProxy implements FaultProxy {
  readonly faults: Faults = { chunks: 'whole', delay: 0, cut: 0, hang: false };
  readonly random: () => number;
  readonly #target: FaultProxyOptions['target'];
  readonly #server: Server;
  readonly #links = new Set<Link>();
  port = 0;
  accepted = 0;
  broken = 0;

  constructor({ target, seed }: FaultProxyOptions) {
    this.#target = target;
    this.random = seededRandom(seed);
    this.#server = createServer({ noDelay: true }, (client) => {
      this.accepted++;
      const link = new Link(this, client, connect({ ...this.#target, noDelay: true }), () =>
        this.#links.delete(link),
      );
      this.#links.add(link);
    });
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    this.port = (this.#server.address() as { port: number }).port;
  }

  cutAll(): void {
    for (const link of this.#links) link.break();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    for (const link of this.#links) link.end();
    await closed;
  }
}

/** One connection through the proxy. */
class Link {
  readonly #proxy: FaultyProxy;
  readonly #sockets: readonly Socket[];
  readonly #gone: () => void;

  constructor(proxy: FaultyProxy, client: Socket, server: Socket, gone: () => void) {
    this.#proxy = proxy;
    this.#sockets = [client, server];
    this.#gone = gone;
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      const direction = new Direction(proxy, this, to);
      from.on('data', (chunk: Buffer) => direction.push(chunk));
      from.on('error', () => undefined);
      from.on('close', () => this.end());
    }
  }

  break(): void {
    if (this.#sockets[0]!.destroyed) return;
    this.#proxy.broken++;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#gone();
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#gone();
  }
}

/** One direction: a queue of bytes, passed on piece by piece. */
class Direction {
  readonly #proxy: FaultyProxy;
  readonly #link: Link;
  readonly #to: Socket;
  #held: Buffer[] = [];
  #running = false;

  constructor(proxy: FaultyProxy, link: Link, to: Socket) {
    this.#proxy = proxy;
    this.#link = link;
    this.#to = to;
  }

  push(chunk: Buffer): void {
    this.#held.push(chunk);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    const { faults, random } = this.#proxy;
    while (this.#held.length > 0 && !this.#to.destroyed) {
      const { delay } = faults;
      const wait = typeof delay === 'number' ? delay : delay[0] + random() * (delay[1] - delay[0]);
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      while (faults.hang && !this.#to.destroyed) await new Promise((resolve) => setTimeout(resolve, 1));
      const bytes = this.#next();
      if (faults.cut > 0 && random() < faults.cut) {
        this.#to.write(bytes.subarray(0, Math.floor(random() * bytes.length)), () => this.#link.break());
        break;
      }
      if (faults.chunks === 'bytes') await this.#passBytes(bytes);
      else if (!this.#to.write(bytes)) await this.#drained();
    }
    this.#running = false;
  }

  #next(): Buffer {
    const { faults, random } = this.#proxy;
    if (faults.chunks !== 'anywhere') return this.#held.shift()!;
    const joined = Buffer.concat(this.#held);
    const cut = 1 + Math.floor(random() * joined.length);
    this.#held = cut < joined.length ? [joined.subarray(cut)] : [];
    return joined.subarray(0, cut);
  }

  /** Each byte in a turn of its own, so that the receiver mostly reads it alone. */
  async #passBytes(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#to.destroyed; at++) {
      if (this.#proxy.faults.chunks !== 'bytes') {
        this.#to.write(bytes.subarray(at));
        return;
      }
      this.#to.write(bytes.subarray(at, at + 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#to.once('drain', resolve);
      this.#to.once('close', resolve);
    });
  }
}
