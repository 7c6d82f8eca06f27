import { type Duration, milliseconds } from '../core/duration.ts';
import { CisternError, wrongOption } from '../core/error.ts';
import { realRuntime, type Runtime, type Timer } from '../core/runtime.ts';
import type { FailedReply, Operation, Reply, Store } from '../core/store.ts';
import { failure } from './failure.ts';
import { guardedPart } from './guarded-part.ts';
import { checkedChoice, checkedName, checkedOptions, checkedPart, checkedShare } from './route-options.ts';
import { Route } from './route.ts';

/** How often something happens to an operation, as shares of 0 to 1. What is not named does not happen. */
export interface Faults {
  /** Fails at once, unsent. */
  readonly fail?: number;
  /** Is never carried out, and fails when nobody waits any more. */
  readonly drop?: number;
  /** Is carried out, but its answer is lost: it fails when nobody waits any more, and may have been applied. */
  readonly lose?: number;
  /** Reaches the store after a while of up to `delayBy`. */
  readonly delay?: number;
  /** Default 100 ms. */
  readonly delayBy?: Duration;
}

/**
 * `normal`: only the faults. `down`: every operation fails at once. `silent`: none is carried out or answered in time, as by a stopped process. `stale`:
 * deletes, touches and plain writes are answered as if they had been carried out, and are not; the rest is, so old values are served.
 */
export type ChaosMode = 'normal' | 'down' | 'silent' | 'stale';

export interface ChaoticOptions {
  /** For every kind of operation that has none of its own in `operations`. */
  readonly faults?: Faults;
  /** By kind of operation. */
  readonly operations?: Readonly<Partial<Record<Operation['kind'], Faults>>>;
  /** When an operation that gets no answer fails; at its deadline if that is sooner. Default 50 ms. */
  readonly timeout?: Duration;
  /** Default `normal`. */
  readonly mode?: ChaosMode;
  /** Default `chaotic`. */
  readonly name?: string;
  /** Draws what happens, and keeps the time. Default: the machine's own; for runs that can be repeated one with a seed. */
  readonly runtime?: Runtime;
}

/** A store with faults, which a test may change while it runs. */
export interface ChaoticStore extends Store {
  /** May be set at any time. */
  mode: ChaosMode;
  /** Replaces all faults. Throws `CISTERN_OPTION` for wrong ones. */
  suffer(faults: Faults, operations?: ChaoticOptions['operations']): void;
}

const modes: readonly ChaosMode[] = ['normal', 'down', 'silent', 'stale'];
const kinds: readonly Operation['kind'][] = ['get', 'set', 'delete', 'touch', 'count', 'release'];

/** For tests: fails, drops, delays and loses, by chance, per kind of operation; or is down, silent or stale altogether. */
export function chaotic(store: Store, options: ChaoticOptions = {}): ChaoticStore {
  checkedOptions(options, ['faults', 'operations', 'timeout', 'mode', 'name', 'runtime']);
  const part = checkedPart('store', store);
  const mode = checkedChoice('mode', options.mode ?? 'normal', modes);
  const timeout = milliseconds('timeout', options.timeout ?? 50);
  const chaos = new Chaotic(part, {
    name: checkedName(options.name, 'chaotic'),
    mode,
    timeout,
    runtime: options.runtime ?? realRuntime,
  });
  chaos.suffer(options.faults ?? {}, options.operations);
  return chaos;
}

interface Weather {
  readonly fail: number;
  readonly drop: number;
  readonly lose: number;
  readonly delay: number;
  readonly delayBy: number;
}

interface Settings {
  readonly name: string;
  readonly mode: ChaosMode;
  readonly timeout: number;
  readonly runtime: Runtime;
}

class Chaotic extends Route implements ChaoticStore {
  mode: ChaosMode;
  readonly #store: Store;
  readonly #settings: Settings;
  #usual!: Weather;
  #byKind = new Map<string, Weather>();
  #closed = false;
  readonly #pauses = new Map<Timer, () => void>();

  constructor(store: Store, settings: Settings) {
    super(settings.name, [store]);
    this.mode = settings.mode;
    this.#store = guardedPart(store);
    this.#settings = settings;
  }

  suffer(faults: Faults, operations: ChaoticOptions['operations'] = {}): void {
    const usual = weather(faults);
    const byKind = new Map<string, Weather>();
    for (const [kind, each] of Object.entries(operations)) {
      if (!(kinds as readonly string[]).includes(kind))
        throw wrongOption(`operations.${kind}`, each, `left out: operations are ${kinds.join(', ')}`);
      byKind.set(kind, weather(each));
    }
    this.#usual = usual;
    this.#byKind = byKind;
  }

  protected ask(operation: Operation): Promise<Reply> {
    const late = this.#late(operation);
    if (this.#closed || late) return this.#store.execute(operation);
    const { fail, drop, lose, delay, delayBy } = this.#byKind.get(operation.kind) ?? this.#usual;
    const { runtime } = this.#settings;
    // One draw for each, whether it counts or not: changing one share leaves the others' faults where they were.
    const failing = runtime.random();
    const dropping = runtime.random();
    const losing = runtime.random();
    const delaying = runtime.random();
    const lag = runtime.random() * delayBy;
    if (this.mode === 'down' || failing < fail) return Promise.resolve(this.#broken());
    if (this.mode === 'silent' || dropping < drop) return this.#unanswered(operation, 'no');
    if (this.mode === 'stale' && invalidates(operation)) return Promise.resolve(pretended);
    if (delaying < delay) return this.#delayed(operation, lag, losing < lose);
    return losing < lose ? this.#lost(operation) : this.#store.execute(operation);
  }

  protected override release(): void {
    this.#closed = true;
    for (const [timer, end] of this.#pauses) {
      timer.cancel();
      end();
    }
  }

  /** Malformed operations, too: the store says what is wrong. */
  #late(operation: Operation): boolean {
    return !(operation.deadline > this.#settings.runtime.clock.read());
  }

  async #delayed(operation: Operation, lag: number, losing: boolean): Promise<Reply> {
    await this.#pause(lag);
    return losing ? await this.#lost(operation) : await this.#store.execute(operation);
  }

  #lost(operation: Operation): Promise<Reply> {
    void this.#store.execute(operation);
    const writes = operation.kind !== 'get' || operation.touch !== undefined;
    return this.#unanswered(operation, writes ? 'unknown' : 'no');
  }

  async #unanswered({ deadline }: Operation, applied: FailedReply['applied']): Promise<Reply> {
    const { runtime, timeout } = this.#settings;
    const wait = Math.max(0, Math.min(timeout, deadline - runtime.clock.read()));
    await this.#pause(wait);
    if (this.#closed)
      return failure(new CisternError('CISTERN_CLOSED', { what: `The store '${this.name}'` }), applied);
    return failure(new CisternError('CISTERN_TIMEOUT', { store: this.name, milliseconds: wait }), applied);
  }

  #broken(): Reply {
    const problem = 'it was told to fail (chaotic)';
    return failure(new CisternError('CISTERN_UNAVAILABLE', { store: this.name, problem }));
  }

  #pause(wait: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#settings.runtime.after(
        wait,
        () => {
          this.#pauses.delete(timer);
          resolve();
        },
        true,
      );
      this.#pauses.set(timer, resolve);
    });
  }
}

function weather(faults: Faults): Weather {
  checkedOptions(faults, ['fail', 'drop', 'lose', 'delay', 'delayBy']);
  return {
    fail: checkedShare('fail', faults.fail ?? 0),
    drop: checkedShare('drop', faults.drop ?? 0),
    lose: checkedShare('lose', faults.lose ?? 0),
    delay: checkedShare('delay', faults.delay ?? 0),
    delayBy: milliseconds('delayBy', faults.delayBy ?? 100),
  };
}

/** What a server would say that had carried it out. */
const pretended: Reply = { kind: 'stored', cas: '' };

function invalidates(operation: Operation): boolean {
  if (operation.kind === 'delete' || operation.kind === 'touch') return true;
  return operation.kind === 'set' && operation.cas === undefined;
}
