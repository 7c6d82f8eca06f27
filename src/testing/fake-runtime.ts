import {
  type Acceptor,
  type Clock,
  type Files,
  type Place,
  type Runtime,
  realRuntime,
  type ServedEvents,
  type ServedSocket,
  type ServiceRecord,
  type Socket,
  type SocketEvents,
  type Target,
  type Timer,
} from '../core/runtime.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { serveFake } from './fake-acceptor.ts';
import {
  FakeNetwork,
  type Listener,
  type NetworkConditions,
  type Peer,
  systemError,
} from './fake-network.ts';
import { seededRandom } from './seeded-random.ts';

export interface FakeRuntimeOptions {
  /** Everything that is drawn depends on it alone. Print it with a failure. */
  readonly seed: number;
  /** What the monotonic clock shows at first, in milliseconds; above 0. Default 1,000,000. */
  readonly start?: number;
  /** What the wall clock shows at first, in Unix milliseconds. Default: 2026-01-01T00:00:00Z. */
  readonly wall?: number;
}

/**
 * A runtime on simulated time, network, chance and files. Time stands still until somebody advances it; deferred
 * callbacks run by themselves at the end of the real turn of the event loop, without time passing. The same seed and the
 * same calls give the same run.
 */
export interface FakeRuntime extends Runtime {
  readonly seed: number;
  after(milliseconds: number, callback: () => void, keepAlive?: boolean): Timer;
  /** Lets everything run that needs no time: microtasks, deferred callbacks, deliveries without delay. */
  settle(): Promise<void>;
  /**
   * Lets time pass: timers run at their due times in order, with everything that needs no time in between. Rejects with what a
   * timer's callback threw.
   */
  advance(milliseconds: number): Promise<void>;
  /**
   * Lets time pass, from timer to timer, until the promise is settled, and hands it on. Rejects when nothing is left
   * that could settle it, or after `limit` milliseconds (default an hour).
   */
  until<T>(promise: Promise<T>, limit?: number): Promise<T>;
  /** How many timers are running: for tests of leaks. */
  readonly timers: number;
  /** How bytes travel between `connect` and `listen`. */
  readonly network: NetworkConditions;
  /** A server on the fake network, at `host:port` or a path. */
  listen(target: Target, onConnection: (peer: Peer) => void): Listener;
  /** Host names and their addresses, for `resolve` and `connect`. Addresses, and `localhost`, need no entry. */
  readonly names: Map<string, readonly string[]>;
  /** Services and their servers, for `resolveSrv`. */
  readonly services: Map<string, readonly ServiceRecord[]>;
  /** The files, by path. */
  readonly disk: Map<string, Uint8Array>;
}

/** A fresh world: the clocks at their beginning, no files, no servers, a perfect network. */
export function fakeRuntime(options: FakeRuntimeOptions): FakeRuntime {
  return new SimulatedRuntime(options);
}

const wallStart = Date.UTC(2026, 0, 1);

class SimulatedRuntime implements FakeRuntime {
  readonly seed: number;
  readonly clock: Clock;
  readonly names = new Map<string, readonly string[]>();
  readonly services = new Map<string, readonly ServiceRecord[]>();
  readonly disk = new Map<string, Uint8Array>();
  readonly files: Files;
  readonly random: () => number;
  readonly network: NetworkConditions;
  readonly #network: FakeNetwork;
  readonly #wheel: TimerWheel;
  readonly #drawId: () => number;
  #now: number;
  #waking = Number.POSITIVE_INFINITY;
  #deferred: (() => void)[] = [];
  #turns = 0;
  #nextPort = 40_000;
  #thrown: { readonly value: unknown } | undefined;

  constructor({ seed, start = 1_000_000, wall = wallStart }: FakeRuntimeOptions) {
    this.seed = seed;
    this.#now = start;
    // Separate streams: changing the network's conditions must not change what the program under test draws.
    this.random = seededRandom(seed);
    this.#drawId = seededRandom(seed ^ 0x5bd1e995);
    this.clock = {
      tick: start,
      wholeTick: Math.floor(start),
      read: () => this.#now,
      wall: () => wall + Math.floor(this.#now - start),
    };
    this.files = filesOn(this.disk);
    this.#wheel = new TimerWheel(
      () => this.#now,
      (milliseconds) =>
        void (this.#waking =
          milliseconds === undefined ? Number.POSITIVE_INFINITY : this.#now + milliseconds),
    );
    this.#network = new FakeNetwork({
      now: () => this.#now,
      after: (milliseconds, callback) => void this.after(milliseconds, callback),
      defer: (callback) => this.defer(callback),
      random: seededRandom(seed ^ 0x2545f491),
      addresses: (host) => this.#addresses(host),
    });
    this.network = this.#network.conditions;
  }

  get timers(): number {
    return this.#wheel.size;
  }

  after(milliseconds: number, callback: () => void): Timer {
    return this.#wheel.add(milliseconds, callback, true);
  }

  defer(callback: () => void): void {
    if (this.#deferred.push(callback) === 1) realRuntime.defer(this.#runDeferred);
  }

  /** What they throw is kept for `settle` and `advance`, so that it reaches the test and does not stop the others. */
  readonly #runDeferred = (): void => {
    const callbacks = this.#deferred;
    this.#deferred = [];
    this.#turns++;
    for (const callback of callbacks) {
      try {
        callback();
      } catch (value) {
        this.#thrown ??= { value };
      }
    }
  };

  async settle(): Promise<void> {
    // Quiet is a whole turn in which nothing ran: what deferred callbacks settle goes on in microtasks, which may defer again.
    let before: number;
    do {
      before = this.#turns;
      await new Promise<void>((resolve) => realRuntime.defer(resolve));
    } while (this.#deferred.length > 0 || this.#turns !== before);
    this.#rethrow();
  }

  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await this.settle();
    while (this.#waking <= end) {
      this.#runTimers();
      await this.settle();
    }
    this.#setTime(end);
    await this.settle();
  }

  async until<T>(promise: Promise<T>, limit = 3_600_000): Promise<T> {
    const end = this.#now + limit;
    let settled = false;
    void promise.catch(() => undefined).then(() => (settled = true));
    await this.settle();
    while (!settled) {
      if (this.#waking > end) {
        throw new Error(
          this.#wheel.size === 0
            ? `Nothing is left to run, and the promise is not settled (seed ${this.seed}).`
            : `The promise is not settled after ${limit} ms of simulated time (seed ${this.seed}).`,
        );
      }
      this.#runTimers();
      await this.settle();
    }
    return await promise;
  }

  randomId(): string {
    const bytes = Buffer.alloc(6);
    for (let index = 0; index < 6; index++) bytes[index] = Math.floor(this.#drawId() * 256);
    return bytes.toString('base64url');
  }

  listen(target: Target, onConnection: (peer: Peer) => void): Listener {
    return this.#network.listen(target, onConnection);
  }

  connect(target: Target, events: SocketEvents): Socket {
    return this.#network.connect(target, events);
  }

  serve(place: Place, accept: (socket: ServedSocket) => ServedEvents): Promise<Acceptor> {
    return serveFake(this, place, accept);
  }

  freePort(): number {
    return this.#nextPort++;
  }

  async resolve(host: string): Promise<readonly string[]> {
    const addresses = this.#addresses(host);
    if (addresses === undefined || addresses.length === 0)
      throw systemError('ENOTFOUND', `getaddrinfo ${host}`);
    return addresses;
  }

  async resolveSrv(service: string): Promise<readonly ServiceRecord[]> {
    const records = this.services.get(service);
    if (records === undefined || records.length === 0) throw systemError('ENOTFOUND', `querySrv ${service}`);
    return records;
  }

  #addresses(host: string): readonly string[] | undefined {
    const named = this.names.get(host);
    if (named !== undefined) return named;
    if (host === 'localhost') return ['127.0.0.1'];
    return /^[\d.]+$|:/.test(host) ? [host] : undefined;
  }

  #setTime(time: number): void {
    this.#now = time;
    this.clock.tick = time;
    this.clock.wholeTick = Math.floor(time);
  }

  #runTimers(): void {
    this.#setTime(Math.max(this.#now, this.#waking));
    this.#wheel.advance();
  }

  #rethrow(): void {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown !== undefined) throw thrown.value;
  }
}

function filesOn(disk: Map<string, Uint8Array>): Files {
  const locked = new Set<string>();
  return {
    async read(path) {
      const content = disk.get(path);
      return content === undefined ? undefined : Uint8Array.from(content);
    },
    async replace(path, content) {
      disk.set(path, Uint8Array.from(content));
    },
    async append(path, content) {
      disk.set(path, Buffer.concat([disk.get(path) ?? new Uint8Array(), content]));
    },
    async draft(path) {
      const parts: Uint8Array[] = [];
      return {
        write: async (content) => void parts.push(Uint8Array.from(content)),
        commit: async () => void disk.set(path, Buffer.concat(parts)),
        discard: async () => undefined,
      };
    },
    async open(path) {
      const content = disk.get(path);
      if (content === undefined) return undefined;
      const kept = Uint8Array.from(content);
      return {
        bytes: kept.length,
        read: async (from, length) => kept.slice(from, from + length),
        close: async () => undefined,
      };
    },
    lock(path) {
      if (locked.has(path)) throw new Error('is in use by this process already');
      locked.add(path);
      return { held: async () => locked.has(path), release: () => void locked.delete(path) };
    },
  };
}
