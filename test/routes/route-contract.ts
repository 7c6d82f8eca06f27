import { describe, test } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import type { FakeRuntime } from '../../src/testing/fake-runtime.ts';
import { storeContract } from '../../src/testing/store-contract.ts';
import { world } from './wire.ts';

/** The whole contract over a route of memory stores, on a simulated clock. */
export function routeContract(
  name: string,
  parts: number,
  make: (parts: readonly Store[], runtime: FakeRuntime) => Store,
  deviations: Readonly<Record<string, string>> = {},
): void {
  storeContract(
    { describe, test },
    {
      name,
      deviations,
      make: async () => {
        const { runtime, stores } = world(parts);
        return {
          store: make(stores, runtime),
          clock: runtime.clock,
          advance: async (milliseconds) => await runtime.advance(milliseconds),
          until: async (answer) => await runtime.until(answer),
          dispose: async () => undefined,
        };
      },
    },
  );
}
