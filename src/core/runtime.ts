import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, randomBytes } from 'node:crypto';
import { lookup, resolveSrv } from 'node:dns/promises';
import { performance } from 'node:perf_hooks';
import { crc32 as crc32OfBytes } from 'node:zlib';
import { serve } from './real-acceptor.ts';
import { realFiles } from './real-files.ts';
import { connect } from './real-socket.ts';
import { TimerWheel } from './timer-wheel.ts';

/**
 * Everything that reaches outside the program: time, chance, names, sockets, files, the event loop. It is injected,
 * so that the whole client also runs on a simulated clock and network. This file, `core/real-acceptor`, `core/real-socket`,
 * `core/real-files`, `core/file-lock` and `core/events` alone import `node:`.
 */
export interface Runtime {
  readonly clock: Clock;
  /**
   * Calls back once after at least `milliseconds`, on one wheel. `keepAlive` says whether the process must stay up for it:
   * true where somebody waits, false for housekeeping.
   */
  after(milliseconds: number, callback: () => void, keepAlive: boolean): Timer;
  /** Runs once all microtasks and ticks of the running turn of the event loop are done, in the order of the calls. */
  defer(callback: () => void): void;
  /** 0 <= chance < 1. */
  random(): number;
  /** 48 random bits as 8 printable characters (base64url): never a counter, never the same twice. */
  randomId(): string;
  connect(target: Target, events: SocketEvents): Socket;
  /**
   * Takes connections at a place; for each, `accept` answers who hears what happens on it. Rejects when the place cannot be had.
   * The file of a unix socket that no process listens on any more is replaced.
   */
  serve(place: Place, accept: (socket: ServedSocket) => ServedEvents): Promise<Acceptor>;
  /** The addresses of a host name, in the order of preference. */
  resolve(host: string): Promise<readonly string[]>;
  /** The servers of a service by its SRV records, as the name server gives them. Rejects when there is none. */
  resolveSrv(service: string): Promise<readonly ServiceRecord[]>;
  readonly files: Files;
}

/** One SRV record (RFC 2782): those of the lowest `priority` come first, each for a share of `weight`. */
export interface ServiceRecord {
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export interface Timer {
  /** The callback will not run any more. May be called at any time. */
  cancel(): void;
}

/**
 * Monotonic time in milliseconds. `tick` is a copy that hot paths read as a plain field; 0 means that it is out of date:
 * `clock.tick || clock.read()`. The real clock puts it back to 0 within about a millisecond of the event loop's time.
 */
export interface Clock {
  tick: number;
  /** The same rounded down, for the hottest path: V8 reckons with small whole numbers as they are. Read in turns with `tick` or `read` it goes back, so never store it. */
  wholeTick: number;
  /** Reads the clock itself, and brings both up to date. Never 0. */
  read(): number;
  /** Unix time in milliseconds: for people and files, never for freshness. */
  wall(): number;
}

/** Where a socket goes: a host and port, or the path of a unix socket; with TLS if it says so. */
export type Target = ({ readonly host: string; readonly port: number } | { readonly path: string }) & {
  readonly tls?: TlsTarget;
};

/** What the other side must show, and what this side shows, in PEM. The other side is always verified. */
export interface TlsTarget {
  /** Whom to trust. Default: the authorities that Node trusts. */
  readonly ca?: Pem;
  readonly cert?: Pem;
  readonly key?: Pem;
  /** The name that the certificate must be for. */
  readonly servername: string;
}

type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

export interface SocketEvents {
  connected(): void;
  /** The chunk is lent for the time of the call: the next one comes in the same memory. */
  data(chunk: Uint8Array): void;
  /** What was written has left the process's buffers, after `write` answered false. */
  drained(): void;
  /** Called exactly once, after an error, an end or `destroy`; nothing is called afterwards. */
  closed(error: Error | undefined): void;
}

export interface Socket {
  /** Bytes that were written and are still in the process's buffers. At 0 what was written may be written over. */
  readonly unsent: number;
  /** Writes all parts, in one system call where the kernel takes them; with TLS each in records of its own. Strings are Latin-1. False: wait for `drained`. */
  write(parts: readonly (string | Uint8Array)[]): boolean;
  /** Whether the open socket keeps the process alive: true only while an answer is awaited. */
  keepAlive(wanted: boolean): void;
  pause(): void;
  resume(): void;
  /** Closes at once; what is not yet sent is lost. */
  destroy(): void;
}

/** Where connections are taken: a host and port (0: one that is free), or the path of a unix socket and who may use it (default 0o700: this user). */
export type Place =
  | { readonly host: string; readonly port: number }
  | { readonly path: string; readonly mode?: number };

/** The near end of a connection that was taken. */
export interface ServedSocket extends Socket {
  /** Sends what was written, and tells that nothing more will come. Closed once the other side has ended, too, or by `destroy`. */
  end(): void;
}

export interface ServedEvents {
  /** The chunk is lent for the time of the call. */
  data(chunk: Uint8Array): void;
  /** What was written has left the process's buffers, after `write` answered false. */
  drained(): void;
  /** The other side will send no more; it may still read. */
  ended(): void;
  /** Called exactly once; nothing is called afterwards. */
  closed(error: Error | undefined): void;
}

export interface Acceptor {
  /** With the port that was taken. */
  readonly place: Place;
  /** Takes no more connections; those that are open stay. */
  close(): Promise<void>;
}

export interface Files {
  /** `undefined` when there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Written aside, synced and renamed: a reader sees the old content or the new, never a half. */
  replace(path: string, content: Uint8Array): Promise<void>;
  /** A file that it makes can be read by this user alone. When it rejects, a part of the content may be there. */
  append(path: string, content: Uint8Array): Promise<void>;
  /** Like `replace`, in pieces: for content that should never be in memory as a whole. */
  draft(path: string): Promise<FileDraft>;
  /** To read in pieces: the content of this moment, also when the file is replaced meanwhile. `undefined` when there is no such file. */
  open(path: string): Promise<OpenFile | undefined>;
  /**
   * Takes a file for this process alone, by a file beside it with `.lock` at its end. What a process that has died left there is taken
   * over. At once, not later: a constructor can refuse. Throws when a process that lives has it (its message says which), or when the
   * folder cannot be written to.
   */
  lock(path: string): FileLock;
}

/** That a file is this process's alone. */
export interface FileLock {
  /** Whether it still is: somebody may have removed the lock by hand, or taken it over from another machine's point of view. */
  held(): Promise<boolean>;
  /** At once, as it was taken; never throws. May be called twice. */
  release(): void;
}

/** The content to be of a file, written aside where only this user may read it. Ends with `commit` or `discard`. */
export interface FileDraft {
  /** Adds to the end. One at a time; the bytes must stay as they are until it is fulfilled. */
  write(content: Uint8Array): Promise<void>;
  /** Syncs and renames. If it rejects, what was there before is still there. */
  commit(): Promise<void>;
  /** Removes what was written. Never rejects; does nothing after `commit`, and may be called twice. */
  discard(): Promise<void>;
}

/** A file that is being read. */
export interface OpenFile {
  /** Its size when it was opened. */
  readonly bytes: number;
  /** As many bytes as were asked for, or fewer if the file ends before. */
  read(from: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A value that follows the asynchronous calls made inside `run`. */
export interface AsyncContext<T> {
  run<R>(value: T, body: () => R): R;
  get(): T | undefined;
}

export function asyncContext<T>(): AsyncContext<T> {
  const storage = new AsyncLocalStorage<T>();
  return { run: (value, body) => storage.run(value, body), get: () => storage.getStore() };
}

/** 128 bits of SHA-256 over the text, as 22 printable characters (base64url). */
export function digest128(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest().subarray(0, 16).toString('base64url');
}

/** 256 bits of SHA-256 over the text, as 43 printable characters (base64url). */
export function digest256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('base64url');
}

/** The CRC-32 of these bytes, after others whose CRC-32 is `before`: finds damage, not intent. About a millisecond per megabyte. */
export function crc32(content: Uint8Array, before = 0): number {
  return crc32OfBytes(content, before);
}

class RealClock implements Clock {
  tick = 0;
  wholeTick = 0;
  readonly #forget = (): void => {
    this.tick = this.wholeTick = 0;
  };

  read(): number {
    if (this.tick === 0) setTimeout(this.#forget, 1).unref();
    this.tick = performance.now();
    // The result of `floor` is a small whole number to V8 wherever it is one.
    this.wholeTick = Math.floor(this.tick);
    return this.tick;
  }

  wall(): number {
    return Date.now();
  }
}

class RealRuntime implements Runtime {
  readonly clock = new RealClock();
  readonly files: Files = realFiles;
  readonly #wheel: TimerWheel;
  #timeout: NodeJS.Timeout | undefined;
  #deferred: (() => void)[] = [];

  constructor() {
    this.#wheel = new TimerWheel(
      () => performance.now(),
      (milliseconds, keepAlive) => {
        clearTimeout(this.#timeout);
        this.#timeout = milliseconds === undefined ? undefined : setTimeout(this.#turn, milliseconds);
        if (!keepAlive) this.#timeout?.unref();
      },
    );
  }

  readonly #turn = (): void => {
    this.#wheel.advance();
  };

  after(milliseconds: number, callback: () => void, keepAlive: boolean): Timer {
    return this.#wheel.add(milliseconds, callback, keepAlive);
  }

  /**
   * One immediate for all: it runs when every microtask and tick of the turn is done. A microtask would run before the
   * continuations it should wait for, `process.nextTick` between them.
   */
  defer(callback: () => void): void {
    if (this.#deferred.push(callback) === 1) setImmediate(this.#runDeferred);
  }

  readonly #runDeferred = (): void => {
    const callbacks = this.#deferred;
    this.#deferred = [];
    let next = 0;
    try {
      while (next < callbacks.length) callbacks[next++]!();
    } finally {
      // One has thrown: the others belong to somebody else, and run all the same.
      if (next < callbacks.length) {
        this.#deferred = [...callbacks.slice(next), ...this.#deferred];
        setImmediate(this.#runDeferred);
      }
    }
  };

  random(): number {
    return Math.random();
  }

  randomId(): string {
    return randomBytes(6).toString('base64url');
  }

  connect(target: Target, events: SocketEvents): Socket {
    return connect(target, events);
  }

  serve(place: Place, accept: (socket: ServedSocket) => ServedEvents): Promise<Acceptor> {
    return serve(place, accept);
  }

  async resolve(host: string): Promise<readonly string[]> {
    return (await lookup(host, { all: true })).map((each) => each.address);
  }

  async resolveSrv(service: string): Promise<readonly ServiceRecord[]> {
    return (await resolveSrv(service)).map(({ name, port, priority, weight }) => ({
      host: name,
      port,
      priority,
      weight,
    }));
  }
}

/** The machine's own. One for the process: all of it shares one wheel and one clock. */
export const realRuntime: Runtime = new RealRuntime();
