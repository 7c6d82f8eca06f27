import { CisternError } from '../../src/core/error.ts';
import type { FailedReply, Operation, Reply, Store } from '../../src/core/store.ts';
import type { FakeRuntime } from '../../src/testing/fake-runtime.ts';

/** How a network treats what is sent over it. Times in milliseconds. */
export interface Weather {
  /** How long a message takes at most, each way. */
  readonly delay: number;
  /** The share of operations that get lost, half of them on the way back, or take longer than anybody waits. */
  readonly loss: number;
}

/** No message takes a time between: so that they meet in few moments, which a simulation gets through soon. */
const step = 4;

/**
 * One process's way to a pool. Messages overtake each other, as on several connections; what is late is carried out all the same; a
 * delete that failed is repeated until it is confirmed, as by a journal. Every CAS bears the pool's name, so that one of another pool
 * is noticed.
 */
export class SlowWire implements Store {
  readonly name: string;
  readonly parts: readonly Store[];
  weather: Weather;
  readonly #store: Store;
  readonly #runtime: FakeRuntime;
  readonly #random: () => number;
  /** What was asked that should not be. */
  readonly wrong: string[] = [];
  /** Keys whose delete is still to be repeated. */
  readonly #journal = new Set<string>();

  constructor(store: Store, runtime: FakeRuntime, random: () => number, weather: Weather) {
    this.name = store.name;
    this.parts = [store];
    this.weather = weather;
    this.#store = store;
    this.#runtime = runtime;
    this.#random = random;
  }

  get unrepaired(): number {
    return this.#journal.size;
  }

  async execute(asked: Operation): Promise<Reply> {
    const { cas } = asked as { readonly cas?: string };
    const own = cas?.startsWith(`${this.name}/`);
    if (own === false) this.wrong.push(`${this.name} was asked for a ${asked.kind} by the CAS ${cas}`);
    const operation =
      own === true ? ({ ...asked, cas: cas!.slice(this.name.length + 1) } as Operation) : asked;
    const reply = await this.#executed(operation);
    return 'cas' in reply && reply.cas !== '' ? { ...reply, cas: `${this.name}/${reply.cas}` } : reply;
  }

  async #executed(operation: Operation): Promise<Reply> {
    const reply = await this.#sent(operation);
    if (reply.kind === 'failed' && operation.kind === 'delete') {
      this.#journal.add(operation.key);
      this.#repair(operation.key);
    }
    return reply;
  }

  async close(): Promise<void> {}

  #repair(key: string): void {
    this.#runtime.after(40 + this.#random() * 160, () => {
      void this.#sent({ kind: 'delete', key, deadline: this.#runtime.clock.read() + 100 }).then((reply) => {
        if (reply.kind === 'failed') this.#repair(key);
        else this.#journal.delete(key);
      });
    });
  }

  async #sent(operation: Operation): Promise<Reply> {
    const { delay, loss } = this.weather;
    const fate = this.#random() < loss ? this.#random() : 1;
    if (fate < 0.4) return failed('no');
    const left = operation.deadline - this.#runtime.clock.read();
    const late = new Promise<Reply>((resolve) => {
      if (fate < 1) this.#runtime.after(Math.max(0, left), () => resolve(failed('unknown')));
    });
    const answer = this.#carriedOut(operation, delay, fate > 0.7 && fate < 1 ? 2 * left : 0);
    if (fate === 1) return await answer;
    return fate < 0.7 ? await late : await Promise.race([answer, late]);
  }

  async #carriedOut(operation: Operation, delay: number, longer: number): Promise<Reply> {
    await this.#pass(delay, longer);
    const reply = await this.#store.execute({ ...operation, deadline: Number.MAX_VALUE } as Operation);
    await this.#pass(delay, 0);
    return reply;
  }

  async #pass(most: number, longer: number): Promise<void> {
    const time = Math.floor((this.#random() * most) / step) * step + longer;
    if (time > 0) await new Promise<void>((resolve) => void this.#runtime.after(time, resolve));
  }
}

function failed(applied: FailedReply['applied']): FailedReply {
  const error = new CisternError('CISTERN_UNAVAILABLE', { store: 'wire', problem: 'cut by the test' });
  return { kind: 'failed', error, applied };
}
