import { chmod, lstat, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket as NodeSocket } from 'node:net';
import type { Acceptor, Place, ServedEvents, ServedSocket } from './runtime.ts';

/** `Runtime.serve` on the machine's own sockets. */
export async function serve(place: Place, accept: (socket: ServedSocket) => ServedEvents): Promise<Acceptor> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) => {
    hear(socket, accept(served(socket)));
  });
  await listen(server, place);
  // Running out of file descriptors, say: the next connection may find one again.
  server.on('error', () => undefined);
  const address = server.address();
  const taken = typeof address === 'object' && address !== null && 'host' in place;
  return {
    place: taken ? { ...place, port: address.port } : place,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** Writes all parts in one system call where the kernel takes them. */
export function writeParts(socket: NodeSocket, parts: readonly (string | Uint8Array)[]): boolean {
  if (parts.length === 1) return writePart(socket, parts[0]!);
  socket.cork();
  let open = true;
  for (const part of parts) open = writePart(socket, part);
  socket.uncork();
  return open;
}

function writePart(socket: NodeSocket, part: string | Uint8Array): boolean {
  return typeof part === 'string' ? socket.write(part, 'latin1') : socket.write(part);
}

async function listen(server: Server, place: Place): Promise<void> {
  const once = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(place, () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    await once();
  } catch (error) {
    if (!('path' in place) || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    // Any other file refuses connections as well.
    if (!(await lstat(place.path)).isSocket() || (await answers(place.path))) throw error;
    await rm(place.path, { force: true });
    await once();
  }
  if ('path' in place) await chmod(place.path, place.mode ?? 0o700);
}

/** Whether a process listens on a unix socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}

function served(socket: NodeSocket): ServedSocket {
  return {
    get unsent() {
      return socket.writableLength;
    },
    write: (parts) => writeParts(socket, parts),
    keepAlive: (wanted) => void (wanted ? socket.ref() : socket.unref()),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  };
}

function hear(socket: NodeSocket, events: ServedEvents): void {
  let failure: Error | undefined;
  socket.on('data', (chunk) => events.data(chunk));
  socket.on('drain', () => events.drained());
  socket.on('end', () => events.ended());
  socket.on('error', (error) => (failure = error));
  socket.on('close', () => events.closed(failure));
}
