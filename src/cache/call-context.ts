import { type AsyncContext, asyncContext } from '../core/runtime.ts';
import type { KeyPart } from '../core/key.ts';
import type { Outcome } from './outcome.ts';

/** What the calls inside `request` and `mutate` know of where they run. */
interface Context {
  /** Inside a request scope: what was read already, per cache. */
  readonly request: Map<object, Map<KeyPart, Promise<Outcome>>> | undefined;
  /** Inside the write of a `mutate`. */
  readonly writing: boolean;
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
    if (outer?.request !== undefined) return await body();
    return await this.#run({ request: new Map(), writing: outer?.writing ?? false }, body);
  }

  /** Runs `body` as a write. */
  async write<R>(body: () => R | Promise<R>): Promise<R> {
    return await this.#run({ request: this.current()?.request, writing: true }, body);
  }

  /** An invalidation inside the scope: the next read is made anew. */
  forget(cache: object, key: KeyPart): void {
    this.current()?.request?.get(cache)?.delete(key);
  }

  async #run<R>(context: Context, body: () => R | Promise<R>): Promise<R> {
    this.#open++;
    try {
      return await this.#context.run(context, body);
    } finally {
      this.#open--;
    }
  }
}
