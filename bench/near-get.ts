import type { Contest } from './harness/contest.ts';
import { nearContenders } from './harness/near-contenders.ts';
import { type Benchmark, sideBySide } from './harness/side-by-side.ts';

const contest: Contest = {
  bench: 'near-get',
  unit: 'ns',
  workload: import.meta.resolve('./workloads/near.ts'),
  cases: ['get, resident strings', 'get, fresh strings', 'get, integers'],
  contenders: nearContenders,
  baseline: 'cistern',
  parameters: {},
  effort: { rounds: 40, milliseconds: 120 },
};

export const benchmark: Benchmark = {
  title: 'a hit in the near tier at 100,000 entries, CPU per get',
  run: (options) => sideBySide(contest, options),
};
