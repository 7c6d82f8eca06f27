import { type AsyncContext, asyncContext } from '../core/runtime.ts';
import type { KeyPart } from '../core/key.ts';
import type { Outcome } from './outcome.ts';

/** What a request scope knows of one key. */
export interface ScopeRead {
  /** The answer, once there is one. */
  outcome?: Outcome;
  /** A read under way without a signal or deadline of its own, which others may wait for. */
  shared?: Promise<Outcome> | undefined;
}

type ScopeReads = Map<object, Map<KeyPart, ScopeRead>>;

/** A `request` or the write of a `mutate`. What it leaves running when it is over is outside of it. */
interface Span {
  over: boolean;
}

interface Scope extends Span {
  readonly reads: ScopeReads;
}

/** What the calls inside `request` and `mutate` know of where they run. */
class Context {
  readonly scope: Scope | undefined;
  readonly write: Span | undefined;

  constructor(scope: Scope | undefined, write: Span | undefined) {
    this.scope = scope;
    this.write = write;
  }

  /** Inside a request scope: what was read already, per cache. */
  get reads(): ScopeReads | undefined {
    return this.scope === undefined || this.scope.over ? undefined : this.scope.reads;
  }

  /** Inside the write of a `mutate`. */
  get writing(): boolean {
    return this.write !== undefined && !this.write.over;
  }
}

/** Request scopes and writes, followed through asynchronous calls. Costs a hit nothing while there are none. */
export class CallContext {
  readonly #context: AsyncContext<Context> = asyncContext();
  #open = 0;

  /** The context of the running call; `undefined` outside all scopes. */
  current(): Context | undefined {
    return this.#open === 0 ? undefined : this.#context.get();
  }

  /** Runs `body` in a request scope; one inside another is the same scope. */
  async request<R>(body: () => R | Promise<R>): Promise<R> {
    const outer = this.current();
    if (outer?.reads !== undefined) return await body();
    const scope: Scope = { over: false, reads: new Map() };
    return await this.#run(new Context(scope, outer?.write), scope, body);
  }

  /** Runs `body` as a write. */
  async write<R>(body: () => R | Promise<R>): Promise<R> {
    const span: Span = { over: false };
    return await this.#run(new Context(this.current()?.scope, span), span, body);
  }

  /** An invalidation inside the scope: the next read is made anew. Without a key: of everything that the cache has read. */
  forget(cache: object, key?: KeyPart): void {
    const reads = this.current()?.reads;
    if (reads === undefined) return;
    if (key === undefined) reads.delete(cache);
    else reads.get(cache)?.delete(key);
  }

  async #run<R>(context: Context, span: Span, body: () => R | Promise<R>): Promise<R> {
    this.#open++;
    try {
      return await this.#context.run(context, body);
    } finally {
      this.#open--;
      span.over = true;
    }
  }
}
