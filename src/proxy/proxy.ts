import type { Acceptor, Runtime, ServedEvents, ServedSocket, Timer } from '../core/runtime.ts';
import { isLending } from '../core/lending.ts';
import type { Store } from '../core/store.ts';
import { guardedPart } from '../routes/guarded-part.ts';
import type { RequestLine } from '../wire/memcached-server/request-line.ts';
import { AnswerWriter } from './answer.ts';
import { CasNumbers } from './cas-numbers.ts';
import type { Circumstances } from './operation-of.ts';
import { KeepingStore } from './keeping-store.ts';
import { placeName, type ProxyOptions, type ProxySettings, settingsOf } from './proxy-options.ts';
import { Session } from './session.ts';
import type { SessionHost } from './session-host.ts';
import { ProxyStatistics } from './statistics.ts';
import { clearAll } from './store-traits.ts';

/** What is told to clients that ask: the protocol is that of this version. */
const version = '1.6.18-cistern';

/** A store that is served to clients of memcached. */
export interface Proxy {
  /** Where it listens, with the ports that were taken: in the order of `listen`. */
  readonly addresses: readonly string[];
  readonly statistics: ProxyStatistics;
  /** Takes no more connections and requests, answers what is under way, and ends. The store stays open: it belongs to its maker. May be called twice. */
  close(): Promise<void>;
}

/**
 * Serves a store, whatever it is composed of, over memcached's protocols, meta and classic text, to clients in any language. Rejects
 * with `CISTERN_OPTION` for wrong options, and when it cannot listen.
 */
export async function serveProxy(store: Store, options: ProxyOptions): Promise<Proxy> {
  const proxy = new RunningProxy(store, settingsOf(options));
  await proxy.listen();
  return proxy;
}

class RunningProxy implements Proxy, SessionHost {
  readonly store: Store;
  readonly lends: boolean;
  readonly keepingStore: Store;
  readonly runtime: Runtime;
  readonly statistics = new ProxyStatistics();
  readonly answers: AnswerWriter;
  readonly circumstances: Circumstances & { deadline: number };
  readonly maxValueBytes: number;
  readonly maxPipelined: number;
  readonly flushAllowed: boolean;
  addresses: readonly string[] = [];
  /** As it was given: its leaves are what can be cleared. */
  readonly #given: Store;
  readonly #settings: ProxySettings;
  readonly #sessions = new Set<Session>();
  readonly #since: number;
  #acceptors: readonly Acceptor[] = [];
  #underWay = 0;
  #bytesUnderWay = 0;
  #due: Session[] = [];
  #turning = false;
  readonly #waiting = new Set<Session>();
  #sweep: Timer | undefined;
  #closing: Promise<void> | undefined;
  #allLeft: (() => void) | undefined;

  constructor(store: Store, settings: ProxySettings) {
    this.store = guardedPart(store);
    this.lends = isLending(store);
    this.keepingStore = this.lends ? new KeepingStore(this.store) : this.store;
    this.#given = store;
    this.#settings = settings;
    this.runtime = settings.runtime;
    this.maxValueBytes = settings.maxValueBytes;
    this.maxPipelined = settings.maxPipelined;
    this.flushAllowed = settings.flush;
    const numbers = new CasNumbers(this.runtime);
    this.answers = new AnswerWriter(this.statistics, (key, cas) => numbers.number(key, cas));
    const { clock } = this.runtime;
    this.circumstances = {
      deadline: 0,
      wall: () => clock.wall(),
      cas: (key, number) => numbers.cas(key, number),
    };
    this.#since = clock.read();
  }

  async listen(): Promise<void> {
    const acceptors: Acceptor[] = [];
    try {
      for (const place of this.#settings.places)
        acceptors.push(await this.runtime.serve(place, (socket) => this.#accept(socket)));
    } catch (error) {
      await Promise.all(acceptors.map((acceptor) => acceptor.close()));
      throw error;
    }
    this.#acceptors = acceptors;
    this.addresses = acceptors.map(({ place }) => placeName(place));
    if (this.#settings.idleTimeout !== undefined) this.#sweepLater(this.#settings.idleTimeout);
  }

  get full(): boolean {
    return (
      this.#underWay >= this.#settings.maxUnderWay || this.#bytesUnderWay >= this.#settings.maxBytesUnderWay
    );
  }

  now(): number {
    const { clock } = this.runtime;
    return clock.tick || clock.read();
  }

  startRead(): number {
    const now = this.now();
    this.circumstances.deadline = now + this.#settings.timeout;
    return now;
  }

  started(line: RequestLine, bytes: number): void {
    this.#underWay++;
    this.#bytesUnderWay += bytes;
    const { statistics } = this;
    switch (line.command) {
      case 'mg':
        statistics.cmd_meta++;
        statistics.cmd_get++;
        break;
      case 'get':
      case 'gets':
        statistics.cmd_get++;
        break;
      case 'gat':
      case 'gats':
      case 'touch':
        statistics.cmd_touch++;
        break;
      case 'ms':
        statistics.cmd_meta++;
        statistics.cmd_set++;
        break;
      case 'md':
      case 'ma':
      case 'me':
      case 'mn':
        statistics.cmd_meta++;
        break;
      case 'flush_all':
        statistics.cmd_flush++;
        break;
      default:
        if (line.bytes >= 0 && line.command !== 'error') statistics.cmd_set++;
    }
  }

  settled(bytes: number): void {
    this.#underWay--;
    this.#bytesUnderWay -= bytes;
    if (this.#waiting.size > 0) this.#turnLater();
  }

  schedule(session: Session): void {
    this.#due.push(session);
    this.#turnLater();
  }

  waits(session: Session): void {
    this.#waiting.add(session);
  }

  left(session: Session): void {
    this.#waiting.delete(session);
    if (!this.#sessions.delete(session)) return;
    this.statistics.curr_connections--;
    if (this.#sessions.size === 0) this.#allLeft?.();
  }

  clear(): Promise<string | undefined> {
    return clearAll(this.#given);
  }

  plainAnswer(line: RequestLine): string | undefined {
    switch (line.command) {
      case 'mn':
        return 'MN';
      case 'end':
        return 'END';
      case 'version':
        return `VERSION ${version}`;
      case 'verbosity':
        return line.quiet ? '' : 'OK';
      case 'quit':
        return '';
      case 'stats':
        return this.#describe(line.text);
      default:
        return undefined;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#sweep?.cancel();
    const closed = Promise.all(this.#acceptors.map((acceptor) => acceptor.close()));
    if (this.#sessions.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#allLeft = resolve;
      for (const session of this.#sessions) session.finish();
      const patience = this.runtime.after(
        this.#settings.drainTimeout,
        () => {
          for (const session of this.#sessions) session.destroy();
        },
        true,
      );
      await promise;
      patience.cancel();
    }
    await closed;
  }

  #accept(socket: ServedSocket): ServedEvents {
    const { statistics } = this;
    statistics.total_connections++;
    if (this.#sessions.size >= this.#settings.maxConnections || this.#closing !== undefined) {
      statistics.rejected_connections++;
      socket.write(['ERROR Too many open connections\r\n']);
      socket.end();
      return unheard(socket);
    }
    const session = new Session(this, socket);
    this.#sessions.add(session);
    statistics.curr_connections++;
    return session;
  }

  #turnLater(): void {
    if (this.#turning) return;
    this.#turning = true;
    this.runtime.defer(this.#turn);
  }

  readonly #turn = (): void => {
    this.#turning = false;
    const due = this.#due;
    this.#due = [];
    for (const session of due) session.flush();
    // One after the other, and who has to wait again is last in the row.
    const waiting = Array.from(this.#waiting);
    for (const session of waiting) {
      if (this.full) break;
      this.#waiting.delete(session);
      session.resume();
    }
  };

  #sweepLater(timeout: number): void {
    this.#sweep = this.runtime.after(
      Math.max(10, timeout / 4),
      () => {
        const oldest = this.runtime.clock.read() - timeout;
        for (const session of this.#sessions) {
          if (session.idle && session.lastActive < oldest) session.finish();
        }
        this.#sweepLater(timeout);
      },
      false,
    );
  }

  #describe(what: string): string {
    if (what === 'reset') {
      this.statistics.reset();
      return 'RESET';
    }
    if (what !== '') return 'ERROR';
    const { clock } = this.runtime;
    const lines = [
      `STAT uptime ${Math.floor((clock.read() - this.#since) / 1000)}`,
      `STAT time ${Math.floor(clock.wall() / 1000)}`,
      `STAT version ${version}`,
      `STAT max_connections ${this.#settings.maxConnections}`,
      `STAT curr_under_way ${this.#underWay - 1}`,
      ...Object.entries(this.statistics).map(([name, value]) => `STAT ${name} ${value}`),
      'END',
    ];
    return lines.join('\r\n');
  }
}

/** Nobody listens to a connection that was refused. */
function unheard(socket: ServedSocket): ServedEvents {
  return { data() {}, drained() {}, ended: () => socket.destroy(), closed() {} };
}
