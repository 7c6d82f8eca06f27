import type { Operation, Reply } from '../../src/core/store.ts';
import { type Migrating, migrating, type MigratingOptions } from '../../src/routes/migrating/migrating.ts';
import type { FakeRuntime } from '../../src/testing/fake-runtime.ts';
import { type Asked, ask, type Wire, world } from './wire.ts';

export const skew = 10_000;
export const hour = 3_600_000;

/** One process of a migration with a stage for each hour, its two pools behind wires, and short words for what is asked. */
export interface MigrationBench {
  readonly runtime: FakeRuntime;
  readonly from: Wire;
  readonly to: Wire;
  readonly store: Migrating;
  readonly ask: (operation: Asked) => Promise<Reply>;
  /** Asks a pool itself. */
  readonly askFrom: (operation: Asked) => Promise<Reply>;
  readonly askTo: (operation: Asked) => Promise<Reply>;
  /** Lets time pass until so many milliseconds after the beginning of `mirror`. */
  readonly at: (milliseconds: number) => Promise<void>;
}

/** When each stage begins, after that of `mirror`. */
export const begins = { mirror: 0, populate: hour, readTo: 2 * hour, onlyTo: 4 * hour } as const;

/** Begins so many milliseconds after the beginning of `mirror`: before it if less than 0. */
export function migrationAt(begin: number, options: Partial<MigratingOptions> = {}): MigrationBench {
  const { runtime, wires, stores } = world(2);
  const [from, to] = wires as readonly [Wire, Wire];
  const mirror = runtime.clock.wall() - begin;
  const store = migrating({
    from,
    to,
    skew,
    schedule: [
      { stage: 'mirror', at: mirror },
      { stage: 'populate', at: mirror + begins.populate, share: 1 },
      { stage: 'read-to', at: mirror + begins.readTo },
      { stage: 'only-to', at: mirror + begins.onlyTo },
    ],
    status: false,
    runtime,
    ...options,
  });
  return {
    runtime,
    from,
    to,
    store,
    ask: async (operation) => await ask(runtime, store, operation),
    askFrom: async (operation) => await ask(runtime, stores[0]!, operation),
    askTo: async (operation) => await ask(runtime, stores[1]!, operation),
    at: async (milliseconds) => await runtime.advance(mirror + milliseconds - runtime.clock.wall()),
  };
}

/** What a wire was asked since the last look, as `kind key` with the CAS if it has one. */
export function asked(wire: Wire): string[] {
  return wire.asked
    .splice(0)
    .map(
      (operation: Operation) => `${operation.kind} ${operation.key}${'cas' in operation ? ' by CAS' : ''}`,
    );
}
