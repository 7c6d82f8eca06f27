import { type Bytes, bytes } from '../../core/bytes.ts';
import { asError, CisternError, wrongOption } from '../../core/error.ts';
import { heard, tell } from '../../core/events.ts';
import { realRuntime, type Runtime } from '../../core/runtime.ts';
import { type Damage, type JournalContent, JournalFile } from './journal-file.ts';
import type { JournalLine } from './journal-line.ts';
import { checkedOptions } from '../route-options.ts';
import { longestLife } from '../../core/store.ts';
import type { LostWrite } from './lost-write.ts';
import { type JournalRoom, type Mender, ServerJournal } from './server-journal.ts';

export interface JournalOptions {
  /**
   * Keep it in this file too, so that what a process has lost is repaired by the next one that opens the file. A file for each process:
   * two cannot share one. Default: in memory alone.
   */
  readonly path?: string;
  /** Most keys with a record, of all servers together. Default 50,000. */
  readonly maxEntries?: number;
  /** About how much memory the records may take. Default 16 MB. The file takes about four times as much at most. */
  readonly maxBytes?: Bytes;
}

export interface JournalStatistics {
  /** Invalidations that were lost, since the start. */
  readonly lost: number;
  /** Records that were settled: the server has confirmed that the key is removed. */
  readonly repaired: number;
  /** How often a server was given a new incarnation because there was no room. */
  readonly fenced: number;
  /** Records given up because there was no room and the server has no fence. */
  readonly dropped: number;
  /** Records now. */
  readonly pending: number;
  /** About how much memory they take. */
  readonly bytes: number;
  /** How long the oldest has been waiting, in milliseconds; 0 when there is none. */
  readonly oldest: number;
  readonly servers: readonly ServerDebt[];
  /** `undefined` without a file. `writable` false: what is lost now is in memory alone. */
  readonly file: { readonly path: string; readonly bytes: number; readonly writable: boolean } | undefined;
}

/** What one server is owed. */
export interface ServerDebt {
  readonly server: string;
  readonly pending: number;
  readonly oldest: number;
  /** It is held until it has a new incarnation. */
  readonly fencing: boolean;
}

/** How long a caller may have to wait for the file, in milliseconds: a disk that hangs must not hang the application. */
const longestWait = 1000;

/**
 * The write-failure journal of one pool: every invalidation that a server did not confirm is a record, written down before its caller is
 * answered, and repaired until the server has confirmed it. One for all servers of a pool, one part for each of them.
 */
export class Journal {
  readonly #name: string;
  readonly #runtime: Runtime;
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #path: string | undefined;
  readonly #file: JournalFile | undefined;
  readonly #servers = new Map<string, ServerJournal>();
  readonly #counts = { lost: 0, repaired: 0, fenced: 0, dropped: 0 };
  #records = 0;
  #bytes = 0;
  #read = false;
  /** The file had lines that nobody can read: no server can be trusted. */
  #distrust = false;
  #closed: Promise<void> | undefined;
  /** The latest batch of the file, and the wait for it that has an end. */
  #awaited: { readonly written: Promise<void>; readonly promise: Promise<void> } | undefined;
  /** Fulfilled when it is known what every server is owed; until then none may serve. Never rejects. */
  readonly ready: Promise<void>;

  /** `name`: of the pool, for events. Throws `CISTERN_OPTION` for wrong options, `CISTERN_JOURNAL` when another process has the file. */
  constructor(name: string, options: JournalOptions = {}, runtime: Runtime = realRuntime) {
    checkedOptions(options, ['path', 'maxEntries', 'maxBytes']);
    const { path, maxEntries = 50_000, maxBytes = '16mb' } = options;
    if (path !== undefined && (typeof path !== 'string' || path === '')) {
      throw wrongOption('journal.path', path, 'the path of a file');
    }
    if (!Number.isInteger(maxEntries) || maxEntries < 1) {
      throw wrongOption('journal.maxEntries', maxEntries, 'a whole number from 1');
    }
    this.#name = name;
    this.#runtime = runtime;
    this.#maxEntries = maxEntries;
    this.#maxBytes = bytes('journal.maxBytes', maxBytes);
    this.#path = path;
    if (path === undefined) this.#read = true;
    else {
      try {
        this.#file = new JournalFile(path, runtime, this.#content());
      } catch (thrown) {
        const error = asError(thrown);
        throw new CisternError('CISTERN_JOURNAL', { path, problem: error.message }, error);
      }
    }
    this.ready = this.#file === undefined ? Promise.resolve() : this.#restore(this.#file);
  }

  /** The part of a server, by the name that it has in every process and after every restart. `mender`: its store, from now on. */
  join(server: string, mender: Mender): ServerJournal {
    const journal = this.#server(server);
    journal.serve(mender);
    if (this.#distrust) journal.wantFence();
    if (this.#read) journal.open();
    return journal;
  }

  /** Whether any server is owed anything, as far as is known. */
  get owes(): boolean {
    if (this.#records > 0) return true;
    for (const { fencing } of this.#servers.values()) if (fencing) return true;
    return false;
  }

  /** Whether it is known what every server is owed. */
  get read(): boolean {
    return this.#read;
  }

  statistics(): JournalStatistics {
    const now = this.#runtime.clock.wall();
    const age = (since: number | undefined): number => (since === undefined ? 0 : Math.max(0, now - since));
    const servers = [...this.#servers.values()].map((each) => ({
      server: each.server,
      pending: each.size,
      oldest: age(each.oldest),
      fencing: each.fencing,
    }));
    return {
      ...this.#counts,
      pending: this.#records,
      bytes: this.#bytes,
      oldest: Math.max(0, ...servers.map((each) => each.oldest)),
      servers,
      file:
        this.#file === undefined
          ? undefined
          : { path: this.#path!, bytes: this.#file.bytes, writable: this.#file.writable },
    };
  }

  /**
   * Repairs what can be repaired now, for so many milliseconds at most. True: nothing is owed any more. False also when a value may still
   * land and has to be looked after later.
   */
  async flush(milliseconds: number): Promise<boolean> {
    const late = Promise.withResolvers<void>();
    const timer = this.#runtime.after(milliseconds, late.resolve, true);
    await Promise.race([
      this.ready.then(() => Promise.all([...this.#servers.values()].map((each) => each.flush()))),
      late.promise,
    ]);
    timer.cancel();
    return !this.owes;
  }

  /** Nothing was done with it and nothing will be, because what it was made for could not be made. */
  abandon(): void {
    for (const each of this.#servers.values()) each.stop();
    this.#file?.abandon();
  }

  /** Ends all repairs; what is owed stays in the file, if there is one. May be called twice. */
  close(): Promise<void> {
    return (this.#closed ??= this.#end());
  }

  async #end(): Promise<void> {
    for (const each of this.#servers.values()) each.stop();
    const file = this.#file;
    if (file === undefined) return;
    // A disk that hangs must not hang whoever closes.
    const timer = this.#runtime.after(longestWait, () => file.abandon(), true);
    await file.close();
    timer.cancel();
  }

  #server(name: string): ServerJournal {
    let server = this.#servers.get(name);
    if (server === undefined) {
      server = new ServerJournal(name, this.#room());
      this.#servers.set(name, server);
    }
    return server;
  }

  #room(): JournalRoom {
    return {
      runtime: this.#runtime,
      write: (line) => this.#write(line),
      grown: (records, size) => {
        this.#records += records;
        this.#bytes += size;
        if (records > 0) this.#makeRoom();
      },
      told: (state, server, lost, error) => this.#told(state, server, lost, error),
    };
  }

  #write(line: JournalLine): Promise<void> | undefined {
    if (this.#file === undefined) return undefined;
    const written = this.#file.append(line);
    if (line.says !== 'lost' && line.says !== 'fence') return written;
    // What is written together is waited for together.
    if (written !== this.#awaited?.written) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = this.#runtime.after(longestWait, resolve, true);
      void written.then(() => {
        timer.cancel();
        resolve();
      });
      this.#awaited = { written, promise };
    }
    return this.#awaited.promise;
  }

  /** The server that is owed most gets a new incarnation: that settles all of it. */
  #makeRoom(): void {
    while (this.#records > this.#maxEntries || this.#bytes > this.#maxBytes) {
      let most: ServerJournal | undefined;
      for (const each of this.#servers.values())
        if (most === undefined || each.bytes > most.bytes) most = each;
      if (most === undefined || most.size === 0) return;
      if (most.fences) {
        this.#tell('overflowed', most.server);
        most.wantFence();
      } else {
        this.#counts.dropped++;
        most.dropOldest();
        this.#tell('dropped', most.server);
      }
    }
  }

  /** Reads the file, and lets the servers serve. */
  async #restore(file: JournalFile): Promise<void> {
    const found = new Map<string, { readonly lost: Map<string, LostWrite>; fence: boolean }>();
    let dead = 0;
    const take = (line: JournalLine): void => {
      if (line.says === 'header') return;
      let server = found.get(line.server);
      if (server === undefined) found.set(line.server, (server = { lost: new Map(), fence: false }));
      if (line.says === 'lost') {
        if (server.lost.delete(line.lost.key)) dead++;
        server.lost.set(line.lost.key, line.lost);
        return;
      }
      dead++;
      if (line.says === 'repaired') server.lost.delete(line.key);
      else {
        server.fence = line.says === 'fence';
        if (server.fence) server.lost.clear();
      }
    };
    let damage: Damage = { lines: 0, torn: false, foreign: false };
    let failure: Error | undefined;
    try {
      damage = await file.read(take);
    } catch (thrown) {
      failure = asError(thrown);
    }
    if (failure !== undefined || damage.lines > 0 || damage.torn) this.#tellDamage(damage, failure);
    for (const [name, { lost, fence }] of found) {
      const server = this.#server(name);
      if (fence) {
        server.wantFence();
        continue;
      }
      for (const each of lost.values()) {
        const age = this.#runtime.clock.wall() - each.since;
        // The clock of the machine may have been wrong, then or now: what seems to be long dead costs one more delete.
        server.restore(each, age >= 0 && age < longestLife ? age : 0);
      }
    }
    this.#distrust = failure !== undefined || damage.lines > 0;
    this.#read = true;
    for (const each of this.#servers.values()) {
      if (this.#distrust && each.fences) each.wantFence();
      each.open();
    }
    if (damage.foreign) file.abandon();
    else file.begin(this.#distrust || damage.torn || dead > 0);
  }

  #tellDamage(damage: Damage, failure: Error | undefined): void {
    const problem =
      failure === undefined
        ? damage.foreign
          ? 'is something else: it is left as it is, what is lost is in memory alone, and every server is given a new incarnation'
          : damage.lines > 0
            ? `has ${damage.lines} lines that cannot be read: every server is given a new incarnation, as nobody knows what they said`
            : 'ends in the middle of a line: the process died while it wrote; what was whole is repaired'
        : 'cannot be read: every server is given a new incarnation, as nobody knows what it said';
    this.#tell(
      'damaged',
      undefined,
      new CisternError('CISTERN_JOURNAL', { path: this.#path!, problem }, failure),
    );
  }

  #content(): JournalContent {
    const servers = this.#servers;
    const size = (): number => this.#records;
    return {
      *lines() {
        for (const each of servers.values()) yield* each.lines();
      },
      get size() {
        return size();
      },
      told: (state, error) => this.#tell(state, undefined, error),
    };
  }

  #told(state: 'lost' | 'repaired' | 'fenced', server: string, lost?: LostWrite, error?: Error): void {
    this.#counts[state]++;
    this.#tell(state, server, error, lost?.key);
  }

  #tell(
    state:
      | 'lost'
      | 'repaired'
      | 'fenced'
      | 'overflowed'
      | 'dropped'
      | 'damaged'
      | 'unwritable'
      | 'writable'
      | 'taken-over',
    server?: string,
    error?: Error,
    key?: string,
  ): void {
    if (!heard('journal')) return;
    tell('journal', {
      pool: this.#name,
      state,
      pending: this.#records,
      ...(server === undefined ? undefined : { server }),
      ...(key === undefined ? undefined : { key }),
      ...(error === undefined ? undefined : { error }),
    });
  }
}
