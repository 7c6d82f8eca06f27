import { describe, test } from 'vitest';
import { fakeRuntime } from '../../testing/fake-runtime.ts';
import { storeContract } from '../../testing/store-contract.ts';
import { memory } from './memory.ts';

storeContract(
  { describe, test },
  {
    name: 'memory',
    make: async () => {
      const runtime = fakeRuntime({ seed: 1 });
      return {
        store: memory({ runtime }),
        clock: runtime.clock,
        advance: async (milliseconds) => await runtime.advance(milliseconds),
        dispose: async () => undefined,
      };
    },
  },
);
