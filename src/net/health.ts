import { CisternError } from '../core/error.ts';
import { tell } from '../core/events.ts';
import type { Runtime, Timer } from '../core/runtime.ts';
import type { HealthGroup, HealthMember } from './health-group.ts';

export interface HealthSettings {
  /** So many soft failures in a row mark the server down. */
  readonly failures: number;
  /** The pause before the first probe, in milliseconds; it doubles up to the longest. Each is shortened by up to half, by chance. */
  readonly firstPause: number;
  readonly longestPause: number;
}

/** The pool that is told what its server's health asks for. */
export interface HealthOwner {
  /** It is time for a probe: one connection is to be opened, unless one is being opened. */
  probe(): void;
  /** `refusal` has changed. `error`: why the server was marked down; undefined: it was cleared. */
  marked(error: Error | undefined): void;
}

/**
 * What is known of one server. Laws:
 *
 * - A few soft failures in a row (turns of requests without an answer in time, connections lost with requests on them or before they could
 *   serve) mark it down; a hard failure (refused, unreachable) does at once. An answer in time begins the row anew.
 * - A connection that could not be opened while others serve marks nothing; but then, too, only probes open connections.
 * - While it is marked every request is refused at once, and connections are opened one at a time, after pauses that double and
 *   are cut by chance so that processes do not come in step. Only a probe whose greeting was answered clears the mark.
 * - A server that fails again soon after it was cleared is probed no more often than before.
 *
 * Source: mcrouter's `TkoTracker` (soft and hard TKO, probes).
 */
export class Health implements HealthMember {
  readonly #store: string;
  readonly #settings: HealthSettings;
  readonly #runtime: Runtime;
  readonly #owner: HealthOwner;
  readonly #group: HealthGroup | undefined;
  /** Why requests are refused; undefined: they are not. */
  refusal: Error | undefined;
  #soft = 0;
  /** Only probes open connections. */
  #doubted = false;
  #mark: Error | undefined;
  #markedAt = 0;
  #obeyed = true;
  #level = 0;
  /** When a probe was last answered. */
  clearedAt: number = Number.NEGATIVE_INFINITY;
  /** What last went wrong. */
  #cause: Error | undefined;
  /** Where marks are not obeyed: no connection is opened before. */
  #retryAt = 0;
  #timer: Timer | undefined;
  /** The timer runs. */
  #pausing = false;
  #closed = false;
  marks = 0;
  probes = 0;

  constructor(
    store: string,
    settings: HealthSettings,
    runtime: Runtime,
    owner: HealthOwner,
    group: HealthGroup | undefined,
  ) {
    this.#store = store;
    this.#settings = settings;
    this.#runtime = runtime;
    this.#owner = owner;
    this.#group = group;
    group?.join(this);
  }

  /** Marked down, obeyed or not. */
  get down(): boolean {
    return this.#mark !== undefined;
  }

  /** Something went wrong, and nothing was answered since. */
  get suspected(): boolean {
    return this.#soft > 0;
  }

  /** Whether a connection may be opened because a request needs one. */
  mayConnect(): boolean {
    return !this.#doubted || (this.down && !this.#obeyed && this.#runtime.clock.read() >= this.#retryAt);
  }

  /** Requests were answered in time. */
  answered(): void {
    this.#soft = 0;
  }

  /** A turn of requests was not answered in time, or a connection was lost with requests on it. */
  failedSoftly(error: Error): void {
    this.#cause = error;
    if (++this.#soft < this.#settings.failures) return;
    this.#doubt();
    this.#markDown();
  }

  /** A connection could not be opened; `serving`: others serve all the while. */
  connectFailed(error: Error, hard: boolean, serving: boolean): void {
    this.#cause = error;
    if (this.#doubted) {
      // Of several that were opened at the same time, the first counts.
      if (this.#pausing) this.#postpone();
      else this.#schedule();
    } else if (hard || serving) this.#doubt();
    else {
      this.failedSoftly(error);
      return;
    }
    if (!serving) this.#markDown();
  }

  /** No connection serves any more: if none may be opened, the server is down. */
  unserved(): void {
    if (this.#doubted) this.#markDown();
  }

  /** The greeting of a connection was answered. Returns whether only probes could open one before. */
  connected(): boolean {
    if (!this.#doubted) return false;
    this.#doubted = false;
    this.#soft = 0;
    this.clearedAt = this.#runtime.clock.read();
    this.#timer?.cancel();
    if (this.#mark === undefined) return true;
    this.#mark = this.refusal = undefined;
    tell('server-up', { store: this.#store, milliseconds: this.clearedAt - this.#markedAt });
    this.#owner.marked(undefined);
    this.#group?.changed();
    return true;
  }

  /** Told by the group. */
  obeyed(obeyed: boolean): void {
    this.#obeyed = obeyed;
    this.refusal = obeyed ? this.#mark : undefined;
  }

  /** What is told when nothing serves and nothing may be opened. */
  get reason(): Error | undefined {
    return this.#mark;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#group?.leave(this);
  }

  #doubt(): void {
    if (this.#doubted) return;
    this.#doubted = true;
    const again = this.#runtime.clock.read() - this.clearedAt < this.#settings.longestPause;
    if (!again) this.#level = 0;
    this.#schedule();
  }

  #markDown(): void {
    const error = this.#cause!;
    if (this.#mark !== undefined || this.#closed) return;
    this.marks++;
    this.#markedAt = this.#runtime.clock.read();
    this.#mark = new CisternError('CISTERN_DOWN', { store: this.#store, problem: problemIn(error) }, error);
    if (this.#obeyed) this.refusal = this.#mark;
    tell('server-down', { store: this.#store, error });
    this.#owner.marked(this.#mark);
    this.#group?.changed();
  }

  #schedule(): void {
    if (this.#closed) return;
    const { firstPause, longestPause } = this.#settings;
    this.#postpone();
    this.#timer?.cancel();
    this.#pausing = true;
    const pause = Math.min(longestPause, firstPause * 2 ** this.#level++);
    this.#timer = this.#runtime.after(pause * this.#chance(), this.#probe, false);
  }

  #postpone(): void {
    this.#retryAt = this.#runtime.clock.read() + this.#settings.firstPause * this.#chance();
  }

  /** Half of each pause is fixed. */
  #chance(): number {
    return (1 + this.#runtime.random()) / 2;
  }

  readonly #probe = (): void => {
    this.#pausing = false;
    this.probes++;
    this.#owner.probe();
  };
}

/** In the words that follow the name of the server. */
function problemIn(error: Error): string {
  const { code, details } = error as { readonly code?: string; readonly details?: Details };
  if (code === 'CISTERN_TIMEOUT') return `it did not answer within ${details!.milliseconds} ms`;
  if (code === 'CISTERN_PROTOCOL') return `it sent what the protocol does not allow: ${details!.problem}`;
  return details?.problem ?? error.message;
}

interface Details {
  readonly problem?: string;
  readonly milliseconds?: number;
}
