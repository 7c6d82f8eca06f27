import { cistern, type Cistern, type CisternOptions } from '../../src/index.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing.ts';

export const path = '/var/near.snapshot';

/** A process and, after a restart, the next one on the same disk: its monotonic clock begins anew, and the wall clock goes on. */
export class Restart {
  readonly runtime: FakeRuntime;
  readonly shop: Cistern;

  constructor(options: Partial<CisternOptions> = {}, runtime: FakeRuntime = fakeRuntime({ seed: 1 })) {
    this.runtime = runtime;
    this.shop = cistern({ name: 'shop', runtime, ...options });
  }

  /** The next process, so many milliseconds later on the wall clock; earlier, if that goes backwards. */
  next(options: Partial<CisternOptions> = {}, later = 0): Restart {
    const runtime = fakeRuntime({ seed: 2, start: 50, wall: this.runtime.clock.wall() + later });
    for (const [name, content] of this.runtime.disk) runtime.disk.set(name, content);
    return new Restart(options, runtime);
  }

  /** Saves, and starts the next process, which restores when it has defined its caches. */
  async save(): Promise<void> {
    await this.runtime.until(this.shop.saveNear(path));
  }
}
