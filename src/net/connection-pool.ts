import { CisternError } from '../core/error.ts';
import type { Timer } from '../core/runtime.ts';
import { closed } from './connection-errors.ts';
import type { ConnectionOptions } from './connection-options.ts';
import type { ConnectionOwner, Loss } from './connection-owner.ts';
import { Connection } from './connection.ts';
import type { Exchange } from './exchange.ts';
import type { HealthGroup } from './health-group.ts';
import { Health, type HealthOwner, type HealthSettings } from './health.ts';
import type { PoolStatistics } from './pool-statistics.ts';
import type { Protocol } from './protocol.ts';
import { Traffic } from './traffic.ts';

export interface PoolSettings {
  /** Opened at the start and whenever the server has come back, and never closed for being idle. */
  readonly initial: number;
  /** Opened one by one when all have more than `busy` requests under way, and closed when idle. */
  readonly max: number;
  /** How many more for a short time: when all are stuck behind a lost packet, a full socket, or their share of `maxInFlight`. */
  readonly burst: number;
  /** For how long a connection must have been unused to be closed, in milliseconds. */
  readonly idle: number;
}

export interface PoolOptions extends ConnectionOptions {
  readonly pool: PoolSettings;
  readonly health: HealthSettings;
  readonly group?: HealthGroup | undefined;
  /** Most requests that were asked and are not answered; those that were given up count too. */
  readonly maxInFlight: number;
  /** Most bytes of such requests. */
  readonly maxBytesInFlight: number;
  /** Is told that requests are refused from now on, and why, or that they are sent again. */
  readonly marked?: (error: Error | undefined) => void;
}

/** The language of each new connection. */
export type Speak = (connection: Connection) => Protocol;

/** From so many requests under way on a connection on another one helps. */
const busy = 256;
/** Connections beyond `max` are closed when they were not used for so long, in milliseconds. */
const burstIdle = 1000;

/**
 * The connections to one server. All that is asked in one turn of the event loop goes over one connection, in order: the one with the
 * fewest requests under way among those that are in the best state. Laws:
 *
 * - More than `maxInFlight` or `maxBytesInFlight` fails at once. There are never more than `max + burst` connections.
 * - One connection is opened at a time, but for the first ones. While its health says so, none but probes.
 * - What was not sent when a connection was lost goes over another one; with none it fails.
 */
export class ConnectionPool implements ConnectionOwner, HealthOwner {
  readonly #options: PoolOptions;
  readonly #speak: Speak;
  readonly #Kind: typeof Connection;
  readonly #health: Health;
  readonly #traffic = new Traffic();
  #connections: readonly Connection[] = [];
  /** Where all goes that is asked in the running turn, once it is chosen. */
  #current: Connection | undefined;
  #held: Error | undefined;
  #closed: Error | undefined;
  #sockets = 0;
  #allVanished: (() => void) | undefined;
  #sweeping: Timer | undefined;
  #opened = 0;
  #failed = 0;
  #ended = 0;
  #overloaded = 0;
  #refused = 0;

  /** `Kind` is for tests that need a connection with a fault. */
  constructor(options: PoolOptions, speak: Speak, Kind: typeof Connection = Connection) {
    this.#options = options;
    this.#speak = speak;
    this.#Kind = Kind;
    this.#health = new Health(options.name, options.health, options.runtime, this, options.group);
  }

  /** Opens the first connections. */
  start(): void {
    while (this.#connections.length < this.#options.pool.initial) this.#open();
  }

  /** Asks for an exchange. `held`: also while requests are held. */
  send(exchange: Exchange, held = false): void {
    const traffic = this.#traffic;
    const { size } = exchange;
    if (
      traffic.requests >= this.#options.maxInFlight ||
      traffic.bytes + size > this.#options.maxBytesInFlight
    ) {
      this.#overload(exchange);
      return;
    }
    const connection = this.#current ?? this.#choose(exchange, held);
    if (connection === undefined) return;
    traffic.requests++;
    traffic.bytes += size;
    connection.send(exchange);
  }

  /** Until it is called with undefined, requests fail at once with the error, and those of the waiting ones that are `chosen`. */
  hold(error: Error | undefined, chosen: (exchange: Exchange) => boolean): void {
    this.#held = error;
    this.#current = undefined;
    if (error === undefined) return;
    for (const connection of this.#connections) connection.failWaiting(error, chosen);
  }

  statistics(): PoolStatistics {
    const open = this.#connections.filter((each) => each.open).length;
    return {
      down: this.#health.down,
      marks: this.#health.marks,
      probes: this.#health.probes,
      open,
      connecting: this.#connections.length - open,
      opened: this.#opened,
      failed: this.#failed,
      closed: this.#ended,
      inFlight: this.#traffic.requests,
      bytesInFlight: this.#traffic.bytes,
      waiting: this.#connections.reduce((sum, each) => sum + each.waiting, 0),
      timedOut: this.#traffic.timedOut,
      overloaded: this.#overloaded,
      refused: this.#refused,
    };
  }

  /** Settles everything and closes all connections; what is asked later fails. Fulfilled once all sockets are gone. */
  async close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = closed(this.#options.name);
      this.#sweeping?.cancel();
      this.#health.close();
      for (const connection of this.#connections) this.#closeOne(connection, this.#closed);
    }
    if (this.#sockets === 0) return;
    const before = this.#allVanished;
    await new Promise<void>((resolve) => {
      this.#allVanished = () => {
        before?.();
        resolve();
      };
    });
  }

  turned(): void {
    this.#current = undefined;
  }

  opened(): void {
    this.#opened++;
    if (this.#health.connected()) this.start();
    this.#sweepLater();
  }

  answered(): void {
    this.#health.answered();
  }

  unanswered(sentAt: number): void {
    // What was sent before a probe was answered says nothing of the time since.
    if (sentAt < this.#health.clearedAt) return;
    const { name, timeout } = this.#options;
    this.#health.failedSoftly(new CisternError('CISTERN_TIMEOUT', { store: name, milliseconds: timeout }));
  }

  unsent(askedAt: number): void {
    // A connection may take its time, unless something else went wrong before.
    if (this.#health.suspected) this.unanswered(askedAt);
  }

  lost(connection: Connection, { error, connecting, hard, felt, unsent }: Loss): void {
    this.#remove(connection);
    if (connecting) {
      this.#failed++;
      this.#health.connectFailed(error, hard, this.#serves);
    } else {
      this.#ended++;
      if (felt) this.#health.failedSoftly(error);
      if (!this.#serves) this.#health.unserved();
    }
    if (unsent.length > 0) this.#sendElsewhere(unsent, error, connecting);
  }

  vanished(): void {
    if (--this.#sockets === 0) this.#allVanished?.();
  }

  probe(): void {
    if (this.#connections.some((each) => !each.open)) return;
    const { max, burst } = this.#options.pool;
    const worst = this.#connections.reduce<Connection | undefined>(
      (found, each) => (found === undefined || loadOf(each) > loadOf(found) ? each : found),
      undefined,
    );
    // Its requests have been given up long since.
    if (worst !== undefined && this.#connections.length >= max + burst) {
      this.#closeOne(worst, this.#health.reason ?? closed(this.#options.name));
    }
    this.#open();
  }

  marked(error: Error | undefined): void {
    this.#current = undefined;
    this.#options.marked?.(error);
  }

  get #serves(): boolean {
    return this.#connections.some((each) => each.open && !each.overdue);
  }

  /** The connection for the rest of this turn; undefined when the exchange has failed. */
  #choose(exchange: Exchange, held: boolean): Connection | undefined {
    const refusal = this.#closed ?? this.#health.refusal ?? (held ? undefined : this.#held);
    const chosen = refusal === undefined ? this.#leastLoaded() : undefined;
    if (chosen === undefined) {
      this.#refused++;
      exchange.failed(refusal ?? this.#health.reason!, false);
    } else if (!held || this.#held === undefined) this.#current = chosen;
    return chosen;
  }

  /** Opens another one where that is allowed and helps. Undefined: there is none, and none may be opened. */
  #leastLoaded(): Connection | undefined {
    let best: Connection | undefined;
    let connecting = false;
    for (const each of this.#connections) {
      if (!each.open) connecting = true;
      if (best === undefined || loadOf(each) < loadOf(best)) best = each;
    }
    if (best === undefined) return this.#health.mayConnect() ? this.#open() : undefined;
    if (connecting || !this.#helps(best) || !this.#health.mayConnect()) return best;
    const opened = this.#open();
    return loadOf(opened) < loadOf(best) ? opened : best;
  }

  /** Whether another connection would help when this one is the least loaded. */
  #helps(best: Connection): boolean {
    const { pool, maxInFlight } = this.#options;
    const count = this.#connections.length;
    if (count < pool.initial) return true;
    if (count < pool.max) return best.stuck || best.inFlight >= busy;
    const most = pool.max + pool.burst;
    return count < most && (best.stuck || best.inFlight >= maxInFlight / most);
  }

  #open(): Connection {
    this.#sockets++;
    const connection = new this.#Kind(this.#options, this.#speak, this, this.#traffic);
    this.#connections = [...this.#connections, connection];
    return connection;
  }

  #remove(connection: Connection): void {
    this.#current = undefined;
    this.#connections = this.#connections.filter((each) => each !== connection);
  }

  #closeOne(connection: Connection, error: Error): void {
    this.#remove(connection);
    if (connection.open) this.#ended++;
    connection.close(error);
    if (!this.#serves) this.#health.unserved();
  }

  #sendElsewhere(unsent: readonly Exchange[], error: Error, connecting: boolean): void {
    // A failed attempt to connect is not followed by the next one for the same requests.
    const usable = this.#health.refusal === undefined && (!connecting || this.#connections.length > 0);
    const other = usable ? this.#leastLoaded() : undefined;
    if (other === undefined) for (const exchange of unsent) exchange.failed(error, false);
    else {
      other.takeOver(unsent);
      this.#current = other;
    }
  }

  #sweepLater(): void {
    const { pool, runtime } = this.#options;
    const count = this.#connections.length;
    this.#sweeping?.cancel();
    this.#sweeping = undefined;
    if (count <= pool.initial || this.#closed !== undefined) return;
    this.#sweeping = runtime.after(
      count > pool.max ? Math.min(burstIdle, pool.idle) : pool.idle,
      this.#sweep,
      false,
    );
  }

  /** Closes what was not used for long. */
  readonly #sweep = (): void => {
    const { pool, runtime } = this.#options;
    const now = runtime.clock.read();
    const error = closed(this.#options.name);
    for (const each of this.#connections) {
      const count = this.#connections.length;
      const allowed = count > pool.max ? Math.min(burstIdle, pool.idle) : pool.idle;
      if (count > pool.initial && each.open && each.inFlight === 0 && now - each.usedAt >= allowed) {
        this.#closeOne(each, error);
      }
    }
    this.#sweepLater();
  };

  #overload(exchange: Exchange): void {
    this.#overloaded++;
    const { name, maxInFlight, maxBytesInFlight } = this.#options;
    const details =
      this.#traffic.requests >= maxInFlight
        ? { what: 'requests', limit: maxInFlight, option: 'maxInFlight' }
        : { what: 'bytes', limit: maxBytesInFlight, option: 'maxBytesInFlight' };
    exchange.failed(
      this.#closed ?? new CisternError('CISTERN_OVERLOADED', { store: name, ...details }),
      false,
    );
  }
}

/** Less is better: first by state, then by the requests under way. */
function loadOf(connection: Connection): number {
  const state = connection.overdue ? 3 : connection.open ? (connection.stuck ? 1 : 0) : 2;
  return state * 2 ** 32 + connection.inFlight;
}
