import { remoteContest } from './harness/remote-contest.ts';
import type { Benchmark } from './harness/side-by-side.ts';

export const benchmark: Benchmark = {
  title: '100 keys of 1 KB in one call over loopback TCP by 32 callers, CPU of the client per call',
  run: (options) =>
    remoteContest(
      {
        bench: 'memcached-multi-get',
        work: 'multi-get',
        callers: 32,
        valueBytes: 1024,
        variants: [
          {
            name: 'cistern getMany',
            packages: ['cistern'],
            adapter: import.meta.resolve('./competitors/cistern-get-many.ts'),
          },
        ],
      },
      options,
    ),
};
