import { type Duration, milliseconds } from '../../core/duration.ts';
import { asError, CisternError } from '../../core/error.ts';
import { tell } from '../../core/events.ts';
import { realRuntime, type Runtime, type Timer } from '../../core/runtime.ts';
import { type Member, readMembers, sameMembers, type Server, type ServerList } from './server-list.ts';

export interface PollOptions {
  /** How often the list is read; each time up to a quarter sooner or later, so that processes do not read in step. Default 30 s. */
  readonly every?: Duration;
  /** After this time an attempt to read it counts as failed. Default 5 s. */
  readonly timeout?: Duration;
  /** For events. */
  readonly name?: string;
  readonly runtime?: Runtime;
}

/** At first, as long as nothing is known, attempts come sooner; the pause doubles up to `every`. */
const firstPause = 100;
/** However often somebody asks for it, a list is not read more often than this. */
const leastPause = 1000;

/**
 * Servers that a function tells: from your own configuration service, say. What it answers replaces the members; if it fails, answers
 * nothing, or takes too long, they stay as they were, and `cistern:servers` tells of it.
 */
export function polledServers(
  read: () => readonly Server[] | Promise<readonly Server[]>,
  options: PollOptions = {},
): ServerList {
  return new PolledServers(async () => readMembers('servers', await read()), options);
}

class PolledServers implements ServerList {
  readonly name: string;
  members: readonly Member[] = [];
  readonly #read: () => Promise<readonly Member[]>;
  readonly #every: number;
  readonly #timeout: number;
  readonly #runtime: Runtime;
  readonly #watchers = new Set<() => void>();
  /** Of the next look, or of the end of the one under way. */
  #timer: Timer | undefined;
  /** Grows with every look, so that what comes too late is known. */
  #looks = 0;
  #looking = false;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #pause = firstPause;

  constructor(read: () => Promise<readonly Member[]>, options: PollOptions) {
    this.name = options.name ?? 'servers';
    this.#read = read;
    this.#every = milliseconds('every', options.every ?? '30s');
    this.#timeout = milliseconds('timeout', options.timeout ?? '5s');
    this.#runtime = options.runtime ?? realRuntime;
  }

  watch(changed: () => void): () => void {
    // Each has an entry of its own, also when the same function watches twice.
    const watcher = (): void => changed();
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#look();
    return () => {
      if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return;
      this.#timer?.cancel();
      this.#looks++;
      this.#looking = false;
    };
  }

  look(): void {
    if (this.#looking || this.#watchers.size === 0) return;
    const wait = this.#lookedAt + leastPause - this.#runtime.clock.read();
    if (wait <= 0) this.#look();
    else this.#lookIn(wait);
  }

  #lookIn(wait: number): void {
    this.#timer?.cancel();
    this.#timer = this.#runtime.after(wait, () => this.#look(), false);
  }

  #look(): void {
    const look = ++this.#looks;
    this.#looking = true;
    this.#lookedAt = this.#runtime.clock.read();
    this.#timer?.cancel();
    this.#timer = this.#runtime.after(this.#timeout, () => this.#failed(look, this.#late()), false);
    this.#read().then(
      (members) => this.#found(look, members),
      (thrown: unknown) => this.#failed(look, asError(thrown)),
    );
  }

  #found(look: number, members: readonly Member[]): void {
    if (look !== this.#looks) return;
    this.#again(this.#every);
    if (sameMembers(members, this.members)) return;
    this.members = members;
    tell('servers', { list: this.name, servers: members.map(({ id }) => id) });
    for (const watcher of this.#watchers) watcher();
  }

  #failed(look: number, error: Error): void {
    if (look !== this.#looks) return;
    const known = this.members.length > 0;
    this.#again(known ? this.#every : this.#pause);
    this.#pause = Math.min(this.#every, 2 * this.#pause);
    tell('servers', { list: this.name, servers: this.members.map(({ id }) => id), error });
  }

  #late(): Error {
    const problem = `the list was not read within ${this.#timeout} ms`;
    return new CisternError('CISTERN_UNAVAILABLE', { store: this.name, problem });
  }

  #again(wait: number): void {
    // What still comes of this look is too late.
    this.#looks++;
    this.#looking = false;
    this.#lookIn(wait * (0.75 + this.#runtime.random() / 2));
  }
}
