import { CisternError, wrongOption } from '../core/error.ts';
import { realRuntime, type Runtime } from '../core/runtime.ts';
import type { FailedReply, Operation, Reply, Store } from '../core/store.ts';
import { failure } from './failure.ts';
import { guardedPart } from './guarded-part.ts';
import { checkedCount, checkedName, checkedOptions, checkedPart } from './route-options.ts';
import { Route } from './route.ts';
import { TokenBucket } from './token-bucket.ts';

/** The kinds that a limit may refuse. The others are invalidations, or give a right back: refused, they would leave what is old. */
type LimitedKind = 'get' | 'set' | 'count';

export interface LimitedOptions {
  /** Most operations under way at once. Default: no limit. */
  readonly outstanding?: number;
  /** Most operations per second, on average. Default: no limit. */
  readonly perSecond?: number;
  /** How many of them may come at once, after a pause. Default: as many as in one second. */
  readonly burst?: number;
  /** Which kinds are counted and may be refused. Default: all three. */
  readonly operations?: readonly LimitedKind[];
  /** Default `limited`. */
  readonly name?: string;
  /** Default: the machine's own. */
  readonly runtime?: Runtime;
}

const limitedKinds: readonly LimitedKind[] = ['get', 'set', 'count'];
const most = 1_000_000_000;

/**
 * No more than so many operations at once, and per second. One above a limit fails at once with `CISTERN_OVERLOADED`, and nothing
 * was sent (`applied: 'no'`): to a reader that is a miss. Deletes, touches and releases are let through, always: an
 * invalidation that is refused would leave an old value. Limits are per process.
 *
 * Nothing waits in a queue: a cache that is waited for is worse than none. The store's promise is handed on.
 */
export function limited(store: Store, options: LimitedOptions): Store {
  checkedOptions(options, ['outstanding', 'perSecond', 'burst', 'operations', 'name', 'runtime']);
  const part = checkedPart('store', store);
  const { outstanding, perSecond, burst, operations = limitedKinds } = options;
  if (outstanding === undefined && perSecond === undefined)
    throw wrongOption(
      'outstanding',
      undefined,
      "a number, or 'perSecond' is one: without either there is no limit",
    );
  if (burst !== undefined && perSecond === undefined)
    throw wrongOption('burst', burst, "left out where 'perSecond' is not given");
  if (!Array.isArray(operations) || !operations.every((kind) => limitedKinds.includes(kind as LimitedKind)))
    throw wrongOption('operations', operations, `some of ${limitedKinds.join(', ')}`);
  return new LimitedStore(part, {
    name: checkedName(options.name, 'limited'),
    outstanding: outstanding === undefined ? Infinity : checkedCount('outstanding', outstanding, 1, most),
    perSecond: perSecond === undefined ? undefined : checkedRate('perSecond', perSecond),
    burst: burst === undefined ? undefined : checkedCount('burst', burst, 1, most),
    operations: operations as readonly LimitedKind[],
    runtime: options.runtime ?? realRuntime,
  });
}

function checkedRate(option: string, value: number): number {
  if (!(value > 0 && value <= most)) throw wrongOption(option, value, `a number above 0, at most ${most}`);
  return value;
}

interface Limits {
  readonly name: string;
  readonly outstanding: number;
  readonly perSecond: number | undefined;
  readonly burst: number | undefined;
  readonly operations: readonly LimitedKind[];
  readonly runtime: Runtime;
}

class LimitedStore extends Route {
  readonly #store: Store;
  readonly #outstanding: number;
  readonly #bucket: TokenBucket | undefined;
  readonly #kinds: ReadonlySet<string>;
  /** One for all: the stack of an error would cost more than the operation. */
  readonly #tooMany: Promise<FailedReply>;
  readonly #tooFast: Promise<FailedReply>;
  #underWay = 0;

  constructor(store: Store, { name, outstanding, perSecond, burst, operations, runtime }: Limits) {
    super(name, [store]);
    this.#store = guardedPart(store);
    this.#outstanding = outstanding;
    this.#kinds = new Set(operations);
    if (perSecond !== undefined)
      this.#bucket = new TokenBucket(perSecond, burst ?? Math.max(1, perSecond), runtime.clock);
    const refused = (what: string, limit: number, option: string): Promise<FailedReply> =>
      Promise.resolve(failure(new CisternError('CISTERN_OVERLOADED', { store: name, what, limit, option })));
    this.#tooMany = refused('operations', outstanding, 'outstanding');
    this.#tooFast = refused('operations per second', perSecond ?? 0, 'perSecond');
  }

  protected ask(operation: Operation): Promise<Reply> {
    if (!this.#kinds.has(operation.kind)) return this.#store.execute(operation);
    if (this.#underWay >= this.#outstanding) return this.#tooMany;
    if (this.#bucket?.take() === false) return this.#tooFast;
    const answer = this.#store.execute(operation);
    if (this.#outstanding !== Infinity) {
      this.#underWay++;
      void answer.then(this.#done);
    }
    return answer;
  }

  readonly #done = (): void => {
    this.#underWay--;
  };
}
