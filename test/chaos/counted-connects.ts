import { realRuntime, type Runtime, type Target } from '../../src/core/runtime.ts';

/** The machine's own runtime, with a list of every attempt to connect. */
export class CountedConnects {
  readonly attempts: { readonly at: number; readonly port: number }[] = [];
  readonly runtime: Runtime;

  constructor() {
    this.runtime = {
      clock: realRuntime.clock,
      files: realRuntime.files,
      after: realRuntime.after.bind(realRuntime),
      defer: realRuntime.defer.bind(realRuntime),
      random: realRuntime.random.bind(realRuntime),
      randomId: realRuntime.randomId.bind(realRuntime),
      serve: realRuntime.serve.bind(realRuntime),
      resolve: realRuntime.resolve.bind(realRuntime),
      resolveSrv: realRuntime.resolveSrv.bind(realRuntime),
      connect: (target, events) => {
        this.attempts.push({ at: performance.now(), port: portOf(target) });
        return realRuntime.connect(target, events);
      },
    };
  }

  between(from: number, to: number, port: number): number {
    return this.attempts.filter((each) => each.port === port && each.at >= from && each.at < to).length;
  }
}

function portOf(target: Target): number {
  return 'port' in target ? target.port : 0;
}

/**
 * How many attempts to connect the health of a server allows in a time: one when its connection is lost, then probes whose pauses double
 * from the first to the longest, each shortened by half at most.
 */
export function mostConnects(milliseconds: number, firstPause: number, longestPause: number): number {
  let connects = 1;
  let pause = firstPause;
  let at = pause / 2;
  while (at < milliseconds) {
    connects++;
    pause = Math.min(longestPause, 2 * pause);
    at += pause / 2;
  }
  return connects;
}
