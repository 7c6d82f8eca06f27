import { CisternError } from '../core/error.ts';
import { realRuntime, type Runtime } from '../core/runtime.ts';
import type { Operation, Reply, Store } from '../core/store.ts';
import { guardedPart } from './guarded-part.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { checkedName, checkedOptions, checkedPart } from './route-options.ts';
import { Route } from './route.ts';

export interface MeasuredOptions {
  /** Default `measured`. */
  readonly name?: string;
  /** Default: the machine's own. */
  readonly runtime?: Runtime;
}

/** How long operations took, in milliseconds: percentiles to within 7 %, `mean` and `most` exactly. All 0 where there are none. */
export interface LatencyStatistics {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly most: number;
}

/** What became of the operations of one kind. */
export interface OperationStatistics extends LatencyStatistics {
  readonly count: number;
  /** By the kind of the reply: only those that have occurred. */
  readonly replies: Readonly<Partial<Record<Reply['kind'], LatencyStatistics & { readonly count: number }>>>;
}

export interface StoreStatistics {
  /** Asked and not answered yet. */
  readonly underWay: number;
  /** By kind: only those that have occurred. */
  readonly operations: Readonly<Partial<Record<Operation['kind'], OperationStatistics>>>;
  /** The failures by the code of their error; `other` for errors that are not Cistern's. */
  readonly failures: Readonly<Record<string, number>>;
}

/** A store with counters. */
export interface MeasuredStore extends Store {
  /** Since the store was made. */
  stats(): StoreStatistics;
}

/**
 * Counts what a store is asked and answers, and how long it takes. The store's promise is handed on; the counting hooks into it
 * beside the caller. About a kilobyte of memory for each kind of operation with each kind of reply that occurs.
 */
export function measured(store: Store, options: MeasuredOptions = {}): MeasuredStore {
  checkedOptions(options, ['name', 'runtime']);
  const part = checkedPart('store', store);
  return new Measured(part, checkedName(options.name, 'measured'), options.runtime ?? realRuntime);
}

const kinds: readonly Operation['kind'][] = ['get', 'set', 'delete', 'touch', 'count', 'release'];
const replyKinds: readonly Reply['kind'][] = [
  'hit',
  'miss',
  'stored',
  'notStored',
  'conflict',
  'notFound',
  'failed',
];

const kindNumber: ReadonlyMap<string, number> = new Map(kinds.map((kind, index) => [kind, index]));
const replyNumber: ReadonlyMap<string, number> = new Map(replyKinds.map((kind, index) => [kind, index]));

class Measured extends Route implements MeasuredStore {
  readonly #store: Store;
  readonly #runtime: Runtime;
  /** By kind of operation and kind of reply. */
  readonly #latencies: (LatencyHistogram | undefined)[] = Array.from({
    length: kinds.length * replyKinds.length,
  });
  readonly #failures = new Map<string, number>();
  #underWay = 0;

  constructor(store: Store, name: string, runtime: Runtime) {
    super(name, [store]);
    this.#store = guardedPart(store);
    this.#runtime = runtime;
  }

  protected ask(operation: Operation): Promise<Reply> {
    const kind = kindNumber.get(operation.kind);
    if (kind === undefined) return this.#store.execute(operation);
    const asked = this.#runtime.clock.read();
    const answer = this.#store.execute(operation);
    this.#underWay++;
    void answer.then((reply) => this.#answered(kind, asked, reply));
    return answer;
  }

  stats(): StoreStatistics {
    const operations: Partial<Record<Operation['kind'], OperationStatistics>> = {};
    for (const [number, kind] of kinds.entries()) {
      const found = this.#statsOf(number);
      if (found !== undefined) operations[kind] = found;
    }
    return { underWay: this.#underWay, operations, failures: Object.fromEntries(this.#failures) };
  }

  #answered(kind: number, asked: number, reply: Reply): void {
    this.#underWay--;
    const index = kind * replyKinds.length + replyNumber.get(reply.kind)!;
    (this.#latencies[index] ??= new LatencyHistogram()).add(this.#runtime.clock.read() - asked);
    if (reply.kind !== 'failed') return;
    const code = reply.error instanceof CisternError ? reply.error.code : 'other';
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
  }

  #statsOf(kind: number): OperationStatistics | undefined {
    const all = new LatencyHistogram();
    const replies: Partial<Record<Reply['kind'], LatencyStatistics & { readonly count: number }>> = {};
    for (const [number, reply] of replyKinds.entries()) {
      const histogram = this.#latencies[kind * replyKinds.length + number];
      if (histogram === undefined) continue;
      all.merge(histogram);
      replies[reply] = { count: histogram.count, ...latencyOf(histogram) };
    }
    return all.count === 0 ? undefined : { count: all.count, ...latencyOf(all), replies };
  }
}

function latencyOf(histogram: LatencyHistogram): LatencyStatistics {
  return {
    mean: histogram.mean,
    p50: histogram.quantile(0.5),
    p90: histogram.quantile(0.9),
    p99: histogram.quantile(0.99),
    p999: histogram.quantile(0.999),
    most: histogram.most,
  };
}
