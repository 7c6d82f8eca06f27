import { tell } from '../../core/events.ts';
import type { Runtime, Timer } from '../../core/runtime.ts';
import type { LocalTime } from './local-time.ts';
import type { Stage, TimeTable } from './time-table.ts';

/** The longest time without a look at the wall clock, which may be set at any time. */
const longestLook = 60_000;

/** Tells when this process comes into another stage. The operations look at the clock themselves: nothing depends on it. */
export class StageWatch {
  readonly #name: string;
  readonly #table: TimeTable;
  readonly #time: LocalTime;
  readonly #runtime: Runtime;
  #stage: Stage;
  #timer: Timer | undefined;

  constructor(name: string, table: TimeTable, time: LocalTime, runtime: Runtime) {
    this.#name = name;
    this.#table = table;
    this.#time = time;
    this.#runtime = runtime;
    this.#stage = table.stageAt(time.now());
    this.#wait();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #wait(): void {
    const now = this.#time.now();
    const next = this.#table.nextAfter(now);
    if (next === undefined) return;
    this.#timer = this.#runtime.after(Math.min(next.at - now, longestLook), this.#look, false);
  }

  readonly #look = (): void => {
    const stage = this.#table.stageAt(this.#time.now());
    if (stage !== this.#stage) {
      const before = this.#stage;
      this.#stage = stage;
      tell('migration-stage', { store: this.#name, stage, before });
    }
    this.#wait();
  };
}
