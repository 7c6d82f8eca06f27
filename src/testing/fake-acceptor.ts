import type { Acceptor, Place, ServedEvents, ServedSocket, Target } from '../core/runtime.ts';
import type { Listener, Peer } from './fake-network.ts';

/** What `serve` needs of the runtime that it belongs to. */
interface AcceptorHost {
  listen(target: Target, onConnection: (peer: Peer) => void): Listener;
  defer(callback: () => void): void;
  /** Another one each time. */
  freePort(): number;
}

/** `Runtime.serve` on the fake network: the far end of a connection there, as a socket. */
export async function serveFake(
  host: AcceptorHost,
  place: Place,
  accept: (socket: ServedSocket) => ServedEvents,
): Promise<Acceptor> {
  const taken: Place = 'host' in place && place.port === 0 ? { ...place, port: host.freePort() } : place;
  const listener = host.listen(taken, (peer) => void new PeerSocket(host, peer, accept));
  return {
    place: taken,
    close: async () => listener.refuse(),
  };
}

/** A peer as a socket. While it is paused, what comes is kept: on a real one it would wait in the kernel. */
class PeerSocket implements ServedSocket {
  readonly #host: AcceptorHost;
  readonly #peer: Peer;
  readonly #events: ServedEvents;
  #held: Uint8Array[] = [];
  #paused = false;

  constructor(host: AcceptorHost, peer: Peer, accept: (socket: ServedSocket) => ServedEvents) {
    this.#host = host;
    this.#peer = peer;
    peer.data = (chunk) => {
      this.#held.push(chunk);
      this.#deliver();
    };
    this.#events = accept(this);
    peer.drained = () => this.#events.drained();
    peer.closed = () => this.#events.closed(undefined);
  }

  get unsent(): number {
    return this.#peer.unsent;
  }

  write(parts: readonly (string | Uint8Array)[]): boolean {
    let open = true;
    for (const part of parts) open = this.#peer.write(part);
    return open;
  }

  keepAlive(): void {}

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#host.defer(() => this.#deliver());
  }

  end(): void {
    this.#peer.close();
  }

  destroy(): void {
    this.#peer.cut();
  }

  /** The next chunk of a real socket may come in the same memory: who keeps a view of it finds garbage. */
  #deliver(): void {
    while (!this.#paused) {
      const chunk = this.#held.shift();
      if (chunk === undefined) return;
      const lent = Uint8Array.from(chunk);
      try {
        this.#events.data(lent);
      } finally {
        lent.fill(0xee);
      }
    }
  }
}
