import type { Contest } from './harness/contest.ts';
import { nearContenders } from './harness/near-contenders.ts';
import { type Benchmark, sideBySide } from './harness/side-by-side.ts';

const contest: Contest = {
  bench: 'near-set',
  unit: 'ns',
  workload: import.meta.resolve('./workloads/near.ts'),
  cases: ['set, strings', 'set, integers'],
  contenders: nearContenders,
  baseline: 'cistern',
  parameters: {},
  effort: { rounds: 40, milliseconds: 120 },
};

export const benchmark: Benchmark = {
  title: 'a new key in a full near tier of 100,000 entries, CPU per set',
  run: (options) => sideBySide(contest, options),
};
