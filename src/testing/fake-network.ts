import type { Socket, SocketEvents, Target } from '../core/runtime.ts';

/** How bytes travel on the fake network. All of it may be changed while it runs. */
export interface NetworkConditions {
  /** Milliseconds from one end to the other: one number, or drawn for each write between two. Never reorders. 0: the next turn. Default 0. */
  delay: number | readonly [least: number, most: number];
  /** How the receiver gets them: as they were written, byte by byte, or joined and cut anywhere. Default `written`. */
  chunks: 'written' | 'bytes' | 'anywhere';
  /** `write` answers false while more than this many bytes are on their way. Default 65536. */
  window: number;
}

/** The far end of one connection, as the server sees it. Set `data` and `closed` to hear what happens. */
export interface Peer {
  data: (chunk: Uint8Array) => void;
  /** The connection is over, whoever ended it. Called once. */
  closed: () => void;
  /** Strings are Latin-1. False: more than the window is on its way; `drained` is called when it is less again. */
  write(bytes: string | Uint8Array): boolean;
  drained: () => void;
  /** Bytes that were written and are on their way. */
  readonly unsent: number;
  /** Ends the connection; what was written before still arrives. */
  close(): void;
  /** Breaks the connection at once: the client's socket closes with ECONNRESET, what is on its way is lost. */
  cut(): void;
}

/** A server on the fake network. */
export interface Listener {
  /** The connections that are open. */
  readonly peers: ReadonlySet<Peer>;
  /** How many connections were ever accepted. */
  readonly accepted: number;
  /**
   * What happens to new connections: they are accepted, refused (ECONNREFUSED), or never answered, as by a host behind
   * a firewall that drops packets.
   */
  answer: 'accept' | 'refuse' | 'ignore';
  /**
   * True: the process is stopped (SIGSTOP). Its kernel still accepts connections and takes bytes, nothing is answered;
   * back to false, all of it is delivered.
   */
  frozen: boolean;
  cutAll(): void;
  /** Takes no more connections; those that are open stay. Listening again on the target is allowed. */
  refuse(): void;
  /** Cuts all connections and refuses new ones, as when the process dies. Listening again on the target is allowed. */
  close(): void;
}

/** What the network needs from the runtime that it belongs to. */
export interface NetworkHost {
  now(): number;
  after(milliseconds: number, callback: () => void): void;
  defer(callback: () => void): void;
  random(): number;
  /** The addresses of a host, `undefined` if it has no name entry. */
  addresses(host: string): readonly string[] | undefined;
}

/** Simulated listeners and connections: ordered streams of bytes with delay, odd chunks, and the ways in which connections fail. */
export class FakeNetwork {
  readonly conditions: NetworkConditions = { delay: 0, chunks: 'written', window: 65_536 };
  readonly #host: NetworkHost;
  readonly #listeners = new Map<string, FakeListener>();

  constructor(host: NetworkHost) {
    this.#host = host;
  }

  listen(target: Target, onConnection: (peer: Peer) => void): Listener {
    const name = nameOf(target);
    if (this.#listeners.has(name)) throw systemError('EADDRINUSE', `listen ${name}`);
    const listener = new FakeListener(onConnection, () => this.#listeners.delete(name));
    this.#listeners.set(name, listener);
    return listener;
  }

  connect(target: Target, events: SocketEvents): Socket {
    const connection = new Connection(this.#host, this.conditions, events);
    const name = nameOf(target);
    this.#later(() => {
      const listener = this.#find(target);
      if (listener?.answer === 'ignore') return;
      if (listener === undefined || listener.answer === 'refuse')
        connection.end(systemError('ECONNREFUSED', `connect ${name}`));
      else connection.open(listener);
    });
    return connection.socket;
  }

  #find(target: Target): FakeListener | undefined {
    const direct = this.#listeners.get(nameOf(target));
    if (direct !== undefined || !('host' in target)) return direct;
    for (const address of this.#host.addresses(target.host) ?? []) {
      const listener = this.#listeners.get(nameOf({ host: address, port: target.port }));
      if (listener !== undefined) return listener;
    }
    return undefined;
  }

  #later(callback: () => void): void {
    const delay = drawDelay(this.conditions, this.#host);
    if (delay > 0) this.#host.after(delay, callback);
    else this.#host.defer(callback);
  }
}

class FakeListener implements Listener {
  readonly peers = new Set<Peer>();
  answer: Listener['answer'] = 'accept';
  accepted = 0;
  readonly connections = new Set<Connection>();
  readonly onConnection: (peer: Peer) => void;
  readonly #forget: () => void;
  #frozen = false;

  constructor(onConnection: (peer: Peer) => void, forget: () => void) {
    this.onConnection = onConnection;
    this.#forget = forget;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  set frozen(frozen: boolean) {
    this.#frozen = frozen;
    if (!frozen) for (const connection of this.connections) connection.thaw();
  }

  cutAll(): void {
    for (const connection of this.connections) connection.peer.cut();
  }

  refuse(): void {
    this.#forget();
  }

  close(): void {
    this.cutAll();
    this.#forget();
  }
}

interface PipeEnds {
  deliver(chunk: Uint8Array): void;
  /** Nothing may be delivered at present. */
  held(): boolean;
  /** A chunk has been delivered. */
  delivered(): void;
}

/** One direction of a connection: an ordered stream of bytes, delivered in turns of their own. */
class Pipe {
  readonly #host: NetworkHost;
  readonly #conditions: NetworkConditions;
  readonly #ends: PipeEnds;
  #queue: { readonly due: number; readonly bytes: Uint8Array }[] = [];
  #pumping = false;
  /** Bytes on their way. */
  size = 0;

  constructor(host: NetworkHost, conditions: NetworkConditions, ends: PipeEnds) {
    this.#host = host;
    this.#conditions = conditions;
    this.#ends = ends;
  }

  send(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const due = this.#host.now() + drawDelay(this.#conditions, this.#host);
    this.#queue.push({ due: Math.max(due, this.#queue.at(-1)?.due ?? 0), bytes });
    this.size += bytes.length;
    this.pump();
  }

  drop(): void {
    this.#queue = [];
    this.size = 0;
  }

  pump(): void {
    if (this.#pumping || this.#queue.length === 0 || this.#ends.held()) return;
    this.#pumping = true;
    const wait = this.#queue[0]!.due - this.#host.now();
    if (wait > 0) this.#host.after(wait, this.#step);
    else this.#host.defer(this.#step);
  }

  readonly #step = (): void => {
    this.#pumping = false;
    if (this.#ends.held()) return;
    const chunk = this.#next();
    if (chunk !== undefined) {
      this.size -= chunk.length;
      this.#ends.deliver(chunk);
      this.#ends.delivered();
    }
    this.pump();
  };

  #next(): Uint8Array | undefined {
    const now = this.#host.now();
    const due = this.#queue.findIndex((each) => each.due > now);
    const count = due === -1 ? this.#queue.length : due;
    if (count === 0) return undefined;
    if (this.#conditions.chunks === 'written') return this.#queue.shift()!.bytes;
    const joined = Buffer.concat(this.#queue.splice(0, count).map((each) => each.bytes));
    const cut = this.#conditions.chunks === 'bytes' ? 1 : 1 + Math.floor(this.#host.random() * joined.length);
    if (cut < joined.length) this.#queue.unshift({ due: now, bytes: joined.subarray(cut) });
    return joined.subarray(0, cut);
  }
}

class Connection {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly #host: NetworkHost;
  readonly #conditions: NetworkConditions;
  readonly #events: SocketEvents;
  readonly #up: Pipe;
  readonly #down: Pipe;
  #listener: FakeListener | undefined;
  /** The server knows of the connection: later than the kernel if it is frozen. */
  #accepted = false;
  #paused = false;
  #full = false;
  #peerFull = false;
  #over = false;
  #peerClosing = false;
  #clientClosing = false;

  constructor(host: NetworkHost, conditions: NetworkConditions, events: SocketEvents) {
    this.#host = host;
    this.#conditions = conditions;
    this.#events = events;
    this.#up = new Pipe(host, conditions, {
      deliver: (chunk) => this.peer.data(chunk),
      held: () => !this.#accepted || this.#listener!.frozen,
      delivered: () => this.#delivered(),
    });
    this.#down = new Pipe(host, conditions, {
      deliver: (chunk) => this.#lend(chunk),
      held: () => this.#paused || this.#over || this.#clientClosing,
      delivered: () => {
        if (this.#peerFull && this.#down.size <= conditions.window) {
          this.#peerFull = false;
          host.defer(() => this.peer.drained());
        }
        this.#finish();
      },
    });
    const up = this.#up;
    this.socket = {
      get unsent() {
        return up.size;
      },
      write: (parts) => this.#write(parts),
      keepAlive: () => undefined,
      pause: () => void (this.#paused = true),
      resume: () => {
        this.#paused = false;
        this.#down.pump();
        this.#finish();
      },
      destroy: () => this.#destroy(),
    };
    const down = this.#down;
    this.peer = {
      data: () => undefined,
      closed: () => undefined,
      drained: () => undefined,
      get unsent() {
        return down.size;
      },
      write: (bytes) => {
        if (this.#over || this.#peerClosing) return false;
        down.send(bytesOf(bytes));
        this.#peerFull = down.size > conditions.window;
        return !this.#peerFull;
      },
      close: () => {
        this.#peerClosing = true;
        this.#host.defer(() => this.#finish());
      },
      cut: () => this.end(systemError('ECONNRESET', 'read')),
    };
  }

  open(listener: FakeListener): void {
    if (this.#over || this.#clientClosing) return;
    this.#listener = listener;
    listener.connections.add(this);
    this.#events.connected();
    if (!listener.frozen) this.thaw();
  }

  thaw(): void {
    if (!this.#accepted) {
      this.#accepted = true;
      this.#listener!.accepted++;
      this.#listener!.peers.add(this.peer);
      this.#listener!.onConnection(this.peer);
    }
    this.#up.pump();
    this.#finish();
  }

  /** Over for both ends; bytes on their way are lost. */
  end(error: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#up.drop();
    this.#down.drop();
    this.#listener?.connections.delete(this);
    this.#listener?.peers.delete(this.peer);
    if (!this.#clientClosing) this.#host.defer(() => this.#events.closed(error));
    if (this.#accepted) this.#host.defer(() => this.peer.closed());
  }

  #write(parts: readonly (string | Uint8Array)[]): boolean {
    if (this.#over || this.#clientClosing) return false;
    // As it is: whoever writes over what is unsent is found out.
    const [first] = parts;
    const isOne = parts.length === 1 && first instanceof Uint8Array;
    const written = isOne ? first : Buffer.concat(parts.map(bytesOf));
    this.#up.send(written);
    if (this.#up.size <= this.#conditions.window) return true;
    this.#full = true;
    return false;
  }

  #delivered(): void {
    if (this.#full && this.#up.size === 0) this.#host.defer(() => this.#drained());
    this.#finish();
  }

  #drained(): void {
    // Something may have been written since; then it is called once that has arrived.
    if (!this.#full || this.#up.size > 0) return;
    this.#full = false;
    if (!this.#over && !this.#clientClosing) this.#events.drained();
  }

  /** As on a real socket the next chunk comes in the same memory: who keeps a view of it finds garbage. */
  #lend(chunk: Uint8Array): void {
    const lent = Uint8Array.from(chunk);
    try {
      this.#events.data(lent);
    } finally {
      lent.fill(0xee);
    }
  }

  /** What the client had written is in its kernel by now and still arrives: a command cannot be unsent. */
  #destroy(): void {
    if (this.#over || this.#clientClosing) return;
    this.#clientClosing = true;
    this.#host.defer(() => this.#events.closed(undefined));
    this.#host.defer(() => this.#finish());
  }

  /** Ends the connection when the end that closed it has nothing on the way any more. */
  #finish(): void {
    if (this.#clientClosing && (this.#up.size === 0 || !this.#accepted)) {
      if (this.#listener?.frozen !== true) this.end(undefined);
    } else if (this.#peerClosing && this.#down.size === 0) this.end(undefined);
  }
}

function drawDelay(conditions: NetworkConditions, host: NetworkHost): number {
  const { delay } = conditions;
  return typeof delay === 'number' ? delay : delay[0] + host.random() * (delay[1] - delay[0]);
}

/** A copy: the writer may change its buffer. */
function bytesOf(part: string | Uint8Array): Uint8Array {
  return typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part);
}

function nameOf(target: Target): string {
  return 'path' in target ? target.path : `${target.host}:${target.port}`;
}

/** An error as Node makes them for system calls. */
export function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${what}: ${code}`), { code });
}
