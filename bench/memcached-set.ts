import { remoteContest } from './harness/remote-contest.ts';
import type { Benchmark } from './harness/side-by-side.ts';

export const benchmark: Benchmark = {
  title: 'set of 1 KB over loopback TCP by 256 callers, CPU of the client per operation',
  run: (options) =>
    remoteContest({ bench: 'memcached-set', work: 'set', callers: 256, valueBytes: 1024 }, options),
};
