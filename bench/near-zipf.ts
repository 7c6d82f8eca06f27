import type { Contest } from './harness/contest.ts';
import { nearContenders } from './harness/near-contenders.ts';
import { type Benchmark, sideBySide } from './harness/side-by-side.ts';

const contest: Contest = {
  bench: 'near-zipf',
  unit: 'ns',
  workload: import.meta.resolve('./workloads/near.ts'),
  cases: ['zipf, strings', 'zipf, integers'],
  contenders: nearContenders,
  baseline: 'cistern',
  parameters: {},
  effort: { rounds: 40, milliseconds: 120 },
};

export const benchmark: Benchmark = {
  title:
    'read-through of a Zipf(0.99) load over a million keys, a tenth of it writes, near tier of 100,000 entries, CPU per request',
  run: (options) => sideBySide(contest, options),
};
