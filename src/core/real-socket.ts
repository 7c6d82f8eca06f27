import { connect as connectPlain, isIP, type Socket as NodeSocket, type OnReadOpts } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { writeParts } from './real-acceptor.ts';
import type { Socket, SocketEvents, Target } from './runtime.ts';

/** What a socket reads at once, at most. */
const receiveBytes = 65_536;
/** A connection that is silent for so long is checked by the kernel now and then, in milliseconds. */
const silent = 60_000;

/**
 * `Runtime.connect` on the machine's own sockets. All reads of a socket go into one buffer: a new one for each would cost more
 * than copying what is kept.
 */
export function connect(target: Target, events: SocketEvents): Socket {
  const buffer = new Uint8Array(receiveBytes);
  const onread: OnReadOpts = {
    buffer,
    callback: (count: number) => {
      events.data(new Uint8Array(buffer.buffer, 0, count));
      return true;
    },
  };
  let socket: NodeSocket;
  try {
    socket = open(target, onread);
  } catch (error) {
    // A certificate or key that cannot be read.
    setImmediate(() => events.closed(error as Error));
    return nowhere;
  }
  let failure: Error | undefined;
  let kept = true;
  const keep = (): void => void (kept ? socket.ref() : socket.unref());
  // Where a name has several addresses the handle is not the one that was there before.
  socket.on('connect', keep);
  socket.on(target.tls === undefined ? 'connect' : 'secureConnect', () => events.connected());
  socket.on('drain', () => events.drained());
  socket.on('end', () => socket.destroy());
  socket.on('error', (error) => (failure = error));
  socket.on('close', () => events.closed(failure));
  return {
    get unsent() {
      return socket.writableLength;
    },
    write: (parts) => writeParts(socket, parts),
    keepAlive(wanted) {
      kept = wanted;
      keep();
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => end(socket, target),
  };
}

/**
 * A plain TCP connection is reset: closed in the ordinary way, the kernel would go on to deliver what the other side has not taken yet, for
 * minutes, and a write whose answer nobody waits for any more would be carried out after later ones.
 */
function end(socket: NodeSocket, target: Target): void {
  if (target.tls === undefined && 'host' in target && !socket.connecting && !socket.destroyed) {
    socket.resetAndDestroy();
  } else socket.destroy();
}

function open({ tls, ...where }: Target, onread: OnReadOpts): NodeSocket {
  const options = { ...where, noDelay: true, keepAlive: true, keepAliveInitialDelay: silent, onread };
  if (tls === undefined) return connectPlain(options);
  const { servername, ...papers } = tls;
  // Addresses are not allowed as names in the greeting of TLS; the certificate is checked for them all the same.
  const name = isIP(servername) === 0 ? { servername } : { host: servername };
  const socket = connectTls({ ...options, ...papers, ...name } as ConnectionOptions);
  // Each part goes out in records of its own: who writes decides where they end.
  (socket as { _writev?: unknown })._writev = undefined;
  return socket;
}

const nowhere: Socket = {
  unsent: 0,
  write: () => false,
  keepAlive: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  destroy: () => undefined,
};
