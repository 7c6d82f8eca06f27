import { CisternError } from '../../core/error.ts';
import type { Runtime, Timer } from '../../core/runtime.ts';
import { longestLife, type Operation } from '../../core/store.ts';
import type { JournalLine } from './journal-line.ts';
import { bytesOf, invalidationKind, type LostWrite, mayLand } from './lost-write.ts';

/** The server that a journal repairs. Nothing of it rejects or throws. */
export interface Mender {
  /**
   * Removes entries, by the names that their keys have now. For each of them: whether the server has confirmed it, and the name was still the
   * right one after it was asked.
   */
  remove(lost: readonly LostWrite[]): Promise<readonly boolean[]>;
  /** Makes all that the server keeps unreachable. False: not confirmed. Absent: there is no way. */
  readonly renew?: () => Promise<boolean>;
  /** Until it is called with undefined, every operation on the server fails at once with this error. */
  hold(error: Error | undefined): void;
}

/** What a server's part tells the journal. */
export interface JournalRoom {
  readonly runtime: Runtime;
  /** Something is to be written down; the promise, if there is one, is fulfilled when it is. */
  write(line: JournalLine): Promise<void> | undefined;
  /** The number of records has changed, by so many bytes. */
  grown(records: number, bytes: number): void;
  told(state: 'lost' | 'repaired' | 'fenced', server: string, lost?: LostWrite, error?: Error): void;
}

/** Repairs under way at once. */
const together = 128;
/** Between rounds in which nothing succeeded, in milliseconds: doubled each time, shortened by up to half by chance. */
const shortestPause = 100;
const longestPause = 10_000;
/**
 * How long a lost value may land after the server has confirmed that the key is removed, in milliseconds: the old connection's bytes may
 * still lie in the buffers of a server that was stopped and goes on. Then the key is removed once more.
 */
const landing = 10_000;

interface Record {
  readonly lost: LostWrite;
  /** When it was lost: monotonic time. */
  readonly at: number;
  /** A value may still land, of this loss or of an earlier one of the key. */
  readonly lands: boolean;
  /** Removed once; to be removed again at this time because a value may have landed since. 0: not yet removed. */
  readonly again: number;
}

/**
 * What one server is owed. Laws:
 *
 * - A key with a record is closed: reads of it fail until its entry is removed, so this process is never answered what it failed to
 *   invalidate, however the server comes back. Other keys are served meanwhile.
 * - Repair is `delete`: it commutes with everything that other processes do, and costs one load at worst.
 * - The newest loss of a key counts, and only a removal that was asked after it settles it.
 * - When there are too many, nothing is dropped: the server is held, and gets a new incarnation before it serves this process again.
 */
export class ServerJournal {
  readonly server: string;
  readonly #room: JournalRoom;
  readonly #records = new Map<string, Record>();
  #mender: Mender | undefined;
  #bytes = 0;
  /** A new incarnation is wanted; `again`: what was lost while it was being asked for did not fit either. */
  #fence: 'none' | 'wanted' | 'again' = 'none';
  #fenceWritten: Promise<void> | undefined;
  #asking = false;
  #running = false;
  /** Whether removals may start: not before the file is read. */
  #open = false;
  #failures = 0;
  #timer: Timer | undefined;
  #flushed: PromiseWithResolvers<void> | undefined;

  constructor(server: string, room: JournalRoom) {
    this.server = server;
    this.#room = room;
  }

  /** How many keys have a record: 0 almost always, so that a read costs a look at one field. */
  get size(): number {
    return this.#records.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the server waits for a new incarnation. */
  get fencing(): boolean {
    return this.#fence !== 'none';
  }

  /** When the oldest of the records was lost, in Unix milliseconds. */
  get oldest(): number | undefined {
    let oldest: number | undefined;
    for (const { lost } of this.#records.values()) {
      if (oldest === undefined || lost.since < oldest) oldest = lost.since;
    }
    return oldest;
  }

  /** Whether this key must not be read at present. */
  closes(key: string): boolean {
    return this.#records.get(key)?.again === 0;
  }

  /** An operation failed. The promise, if there is one: the caller is answered when it is settled. */
  failed(operation: Operation, applied: 'no' | 'unknown', error: Error): Promise<void> | undefined {
    const kind = invalidationKind(operation);
    if (kind === undefined) return undefined;
    const { key, routingKey, copy } = operation;
    const since = this.#room.runtime.clock.wall();
    const lost: LostWrite = { key, routingKey, copy, kind, applied, since };
    // A new incarnation that is not asked for yet covers this too.
    const covered = this.fencing && !this.#asking;
    if (!covered) this.#keep(lost);
    this.#room.told('lost', this.server, lost, error);
    if (covered) return this.#fenceWritten;
    const written = this.#room.write({ says: 'lost', server: this.server, lost });
    this.#later(this.#jittered(shortestPause));
    // It may not have fitted, and is covered by what was written instead.
    return this.fencing ? this.#fenceWritten : written;
  }

  /** The server answers again, or can be asked for the first time. */
  up(): void {
    this.#failures = 0;
    this.#start();
  }

  /** From the file: what an earlier process has left, so many milliseconds ago. Newer things are known already. */
  restore(lost: LostWrite, age: number): void {
    if (!this.#records.has(lost.key)) this.#keep(lost, age);
  }

  /** The file is read. */
  open(): void {
    this.#open = true;
    this.#start();
  }

  /** The server's store is made, in place of the one before it. */
  serve(mender: Mender): void {
    this.#mender = mender;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (mender.renew === undefined) this.#fence = 'none';
    else if (this.fencing) this.#hold();
  }

  /** A store is closed. What is owed waits for the next one, if that has not come already: the server may have left and come back, or moved. */
  leave(mender: Mender): void {
    if (this.#mender === mender) this.stop();
  }

  /** There is no room for its records, or nobody knows which there should be. */
  wantFence(): void {
    this.#forgetAll();
    if (this.#asking) this.#fence = 'again';
    else if (this.#fence === 'none') {
      this.#fence = 'wanted';
      this.#fenceWritten = this.#room.write({ says: 'fence', server: this.server });
      this.#hold();
      this.#later(this.#jittered(shortestPause));
    }
  }

  /** There is no room and no fence: the oldest is given up. */
  dropOldest(): void {
    for (const [key, record] of this.#records) {
      this.#forget(key, record);
      return;
    }
  }

  /** Whether a new incarnation can be had. */
  get fences(): boolean {
    return this.#mender === undefined || this.#mender.renew !== undefined;
  }

  /** What the file must say of this server. */
  *lines(): Iterable<JournalLine> {
    const { server } = this;
    if (this.fencing) yield { says: 'fence', server };
    for (const { lost } of this.#records.values()) yield { says: 'lost', server, lost };
  }

  /** Repairs now. Fulfilled when nothing is left, or nothing more succeeds. */
  flush(): Promise<void> {
    if (this.#idle() || this.#mender === undefined || !this.#open) return Promise.resolve();
    const { promise } = (this.#flushed ??= Promise.withResolvers());
    // It settles at once where what is left must wait.
    this.#start();
    return promise;
  }

  stop(): void {
    this.#mender = undefined;
    this.#timer?.cancel();
    this.#settleFlush();
  }

  #keep(lost: LostWrite, age = 0): void {
    const before = this.#records.get(lost.key);
    if (before !== undefined) this.#forget(lost.key, before);
    const lands = mayLand(lost) || before?.lands === true;
    const at = this.#room.runtime.clock.read() - age;
    this.#records.set(lost.key, { lost, at, lands, again: 0 });
    this.#resize(1, bytesOf(lost));
  }

  #forget(key: string, { lost }: Record): void {
    this.#records.delete(key);
    this.#resize(-1, -bytesOf(lost));
  }

  #forgetAll(): void {
    const { size } = this.#records;
    this.#records.clear();
    this.#resize(-size, -this.#bytes);
  }

  #resize(records: number, bytes: number): void {
    this.#bytes += bytes;
    this.#room.grown(records, bytes);
  }

  #hold(): void {
    this.#mender?.hold(
      new CisternError('CISTERN_UNAVAILABLE', {
        store: this.server,
        problem:
          'more invalidations were lost than the journal has room for, and it must have a new incarnation first',
      }),
    );
  }

  #idle(): boolean {
    return this.#records.size === 0 && !this.fencing;
  }

  #later(pause: number): void {
    if (this.#timer !== undefined || this.#running || !this.#open || this.#mender === undefined) return;
    this.#timer = this.#room.runtime.after(pause, () => this.#start(), false);
  }

  #start(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#running && this.#open && this.#mender !== undefined && !this.#idle()) void this.#run();
    else if (!this.#running) this.#settleFlush();
  }

  async #run(): Promise<void> {
    this.#running = true;
    let succeeded = true;
    let tried = true;
    while (succeeded && tried && this.#mender !== undefined) {
      if (this.fencing) succeeded = await this.#renew(this.#mender);
      else {
        const due = this.#due();
        tried = due.length > 0;
        if (tried) succeeded = await this.#remove(this.#mender, due);
      }
      if (succeeded) this.#failures = 0;
    }
    this.#running = false;
    if (!succeeded || this.#onlyLanding()) this.#settleFlush();
    if (this.#idle()) return;
    this.#later(succeeded ? this.#untilNext() : this.#pause());
  }

  /** All repairs of one round. False: none has succeeded. */
  async #remove(mender: Mender, due: readonly Record[]): Promise<boolean> {
    const removed = await mender.remove(due.map((each) => each.lost));
    const now = this.#room.runtime.clock.read();
    let some = false;
    for (const [index, record] of due.entries()) {
      const { key } = record.lost;
      if (removed[index] === true) some = true;
      // A newer loss of the same key: what was removed now was not asked after it.
      if (this.#records.get(key) !== record) continue;
      if (removed[index] !== true) {
        // To the end, so that what fails for a reason of its own keeps nobody waiting.
        this.#records.delete(key);
        this.#records.set(key, record);
        continue;
      }
      if (record.lands && record.again === 0) {
        this.#records.set(key, { ...record, again: now + landing });
        continue;
      }
      this.#forget(key, record);
      void this.#room.write({ says: 'repaired', server: this.server, key });
      this.#room.told('repaired', this.server, record.lost);
    }
    return some;
  }

  async #renew(mender: Mender): Promise<boolean> {
    if (mender.renew === undefined) return false;
    // What has been lost so far is covered by what is asked now.
    this.#forgetAll();
    this.#asking = true;
    const renewed = await mender.renew();
    this.#asking = false;
    if (!renewed) return false;
    this.#room.told('fenced', this.server);
    if (this.#fence === 'again') {
      // The file still says that a new incarnation is wanted.
      this.#forgetAll();
      this.#fence = 'wanted';
    } else {
      this.#fence = 'none';
      void this.#room.write({ says: 'fenced', server: this.server });
      mender.hold(undefined);
    }
    return true;
  }

  /** What can be removed now, and no entry can live so long that it must be: the latter is forgotten. */
  #due(): readonly Record[] {
    const now = this.#room.runtime.clock.read();
    const dead = now - longestLife;
    const due: Record[] = [];
    for (const [key, record] of this.#records) {
      if (record.at < dead) this.#forget(key, record);
      else if (record.again <= now && due.push(record) === together) break;
    }
    return due;
  }

  #onlyLanding(): boolean {
    for (const { again } of this.#records.values()) if (again === 0) return false;
    return true;
  }

  #untilNext(): number {
    const now = this.#room.runtime.clock.read();
    let next = landing;
    for (const { again } of this.#records.values()) next = Math.min(next, Math.max(1, again - now));
    return next;
  }

  #pause(): number {
    return this.#jittered(Math.min(longestPause, shortestPause * 2 ** this.#failures++));
  }

  #jittered(span: number): number {
    return span * (0.5 + this.#room.runtime.random() / 2);
  }

  #settleFlush(): void {
    this.#flushed?.resolve();
    this.#flushed = undefined;
  }
}
