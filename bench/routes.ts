import { type Benchmark, sideBySide } from './harness/side-by-side.ts';
import { routeNames } from './competitors/cistern-routes.ts';

const adapter = import.meta.resolve('./competitors/cistern-routes.ts');

/** What each route adds to an operation of a store in this process. */
export const benchmark: Benchmark = {
  title: 'what each route costs: operations of a memory store by 256 callers, CPU per operation',
  run: (options) =>
    sideBySide(
      {
        bench: 'routes',
        unit: 'ns',
        workload: import.meta.resolve('./workloads/routes.ts'),
        cases: ['get, hit', 'set'],
        contenders: routeNames.map((name) => ({
          name,
          packages: ['cistern'],
          adapter,
          parameters: { route: name },
        })),
        baseline: routeNames[0]!,
        parameters: {},
      },
      options,
    ),
};
