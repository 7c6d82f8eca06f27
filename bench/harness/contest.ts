import { type ChildProcess, fork } from 'node:child_process';
import { ratiosToBaseline, rotatedOrder, type Spread, spread } from './statistics.ts';

/** One library (or one way to use it) in a contest. */
export interface Contender {
  readonly name: string;
  /** Its npm packages, for the versions in the result. */
  readonly packages: readonly string[];
  /** URL of the module in `competitors/` that adapts it. */
  readonly adapter: string;
  /** Added to the contest's parameters for this contender. */
  readonly parameters?: Record<string, unknown>;
}

/** The same work done by several contenders, each in a process of its own, side by side in interleaved rounds. */
export interface Contest {
  readonly bench: string;
  /** What a number of the table means, per operation. */
  readonly unit: 'ns' | 'us';
  /** URL of the module in `workloads/` that does the work. */
  readonly workload: string;
  readonly cases: readonly string[];
  readonly contenders: readonly Contender[];
  /** The contender that all others are divided by. */
  readonly baseline: string;
  /** JSON, handed to the workload. */
  readonly parameters: Record<string, unknown>;
  /** Unless the command line says otherwise. Many short rounds where what is looked for is less than a machine's moods. Default 9 rounds of 500 ms. */
  readonly effort?: Effort;
}

export interface Effort {
  readonly rounds: number;
  /** Wall-clock time of one case of one contender in one round. */
  readonly milliseconds: number;
}

/** What one contender did in one case of one round. */
export interface Sample {
  readonly operations: number;
  /** User and system time of all threads of the process: garbage collection and compilation are in it. */
  readonly cpuMicroseconds: number;
  readonly wallMilliseconds: number;
  /** Of some of the callers, in milliseconds: a side-by-side figure, cut by whatever else the machine does. */
  readonly latency?: { readonly p50: number; readonly p99: number };
}

/** The child's side of a contest: a module that exports `open`. */
export interface Workload {
  open(adapter: unknown, parameters: Record<string, unknown>, contender: string): Promise<Runner>;
}

export interface Runner {
  /** Does the work for about this long. Rejects when an answer was wrong. */
  measure(caseName: string, milliseconds: number): Promise<Sample>;
  close(): Promise<void>;
}

export interface Start {
  readonly name: string;
  readonly workload: string;
  readonly adapter: string;
  readonly parameters: Record<string, unknown>;
}
export type Request =
  | { readonly kind: 'measure'; readonly case: string; readonly milliseconds: number }
  | { readonly kind: 'close' };
export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sample'; readonly sample: Sample }
  | { readonly kind: 'failed'; readonly error: string };

/** One line of a table: a contender in a case. */
export interface Row {
  readonly name: string;
  /** CPU per operation, in the contest's unit. */
  readonly cpu: Spread;
  /** CPU as a multiple of the baseline's in the same round: above 1 the baseline is cheaper. */
  readonly ratio: Spread;
  readonly operationsPerSecond: Spread;
  readonly latency?: { readonly p50: Spread; readonly p99: Spread };
  readonly rounds: readonly Sample[];
}

export interface CaseResult {
  readonly case: string;
  readonly rows: readonly Row[];
}

/** The child process of a contender. One request at a time. */
class Contestant {
  readonly name: string;
  readonly #child: ChildProcess;

  constructor(contest: Contest, contender: Contender) {
    this.name = contender.name;
    const start: Start = {
      name: contender.name,
      workload: contest.workload,
      adapter: contender.adapter,
      parameters: { ...contest.parameters, ...contender.parameters },
    };
    this.#child = fork(new URL('./contestant.ts', import.meta.url), [JSON.stringify(start)]);
  }

  async ready(): Promise<void> {
    await this.#next();
  }

  async measure(caseName: string, milliseconds: number): Promise<Sample> {
    const answer = this.#next();
    this.#send({ kind: 'measure', case: caseName, milliseconds });
    const message = await answer;
    if (message.kind !== 'sample') throw new Error(`${this.name}: expected a sample, got ${message.kind}`);
    return message.sample;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#send({ kind: 'close' });
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 2000);
    await exited;
    clearTimeout(timer);
  }

  #send(request: Request): void {
    // A process that is gone cannot be told anything; that it is gone is told by its exit.
    this.#child.send(request, () => {});
  }

  #next(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#child.off('message', message);
        this.#child.off('exit', exit);
      };
      const message = (answer: Answer): void => {
        settle();
        if (answer.kind === 'failed') reject(new Error(`${this.name}: ${answer.error}`));
        else resolve(answer);
      };
      const exit = (code: number | null, signal: string | null): void => {
        settle();
        reject(new Error(`${this.name}: its process ended (${signal ?? `exit code ${code}`})`));
      };
      this.#child.on('message', message);
      this.#child.on('exit', exit);
    });
  }
}

/**
 * Runs a contest: starts every contender, warms each case of each, then goes case by case, round by round through all of them in a
 * rotating order. A contender that fails or answers wrongly fails the whole contest.
 */
export async function runContest(
  contest: Contest,
  effort: Effort,
  progress: (text: string) => void,
): Promise<CaseResult[]> {
  const contestants: Contestant[] = [];
  try {
    for (const contender of contest.contenders) {
      progress(`starting ${contender.name}`);
      const contestant = new Contestant(contest, contender);
      contestants.push(contestant);
      await contestant.ready();
    }
    for (const contestant of contestants) {
      for (const each of contest.cases) {
        progress(`warming ${contestant.name}: ${each}`);
        await contestant.measure(each, 2 * effort.milliseconds);
      }
    }
    const samples = new Map<string, Sample[]>();
    for (const each of contest.cases) {
      for (let round = 0; round < effort.rounds; round++) {
        for (const index of rotatedOrder(contestants.length, round)) {
          const contestant = contestants[index]!;
          progress(`round ${round + 1} of ${effort.rounds}: ${contestant.name}, ${each}`);
          const sample = await contestant.measure(each, effort.milliseconds);
          const cell = cellName(contestant.name, each);
          samples.set(cell, [...(samples.get(cell) ?? []), sample]);
        }
      }
    }
    return contest.cases.map((each) => ({
      case: each,
      rows: contest.contenders.map((contender) => {
        const rounds = samples.get(cellName(contender.name, each))!;
        const baseline = samples.get(cellName(contest.baseline, each))!;
        return summary(contender.name, rounds, baseline, contest.unit);
      }),
    }));
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.close()));
  }
}

function cellName(contender: string, caseName: string): string {
  return `${contender}\n${caseName}`;
}

function summary(
  name: string,
  rounds: readonly Sample[],
  baseline: readonly Sample[],
  unit: 'ns' | 'us',
): Row {
  const perMicrosecond = unit === 'ns' ? 1000 : 1;
  const cpu = (samples: readonly Sample[]): number[] =>
    samples.map((sample) => (sample.cpuMicroseconds * perMicrosecond) / sample.operations);
  const latencies = rounds.flatMap((sample) => (sample.latency === undefined ? [] : [sample.latency]));
  return {
    name,
    cpu: spread(cpu(rounds)),
    ratio: spread(ratiosToBaseline(cpu(rounds), cpu(baseline))),
    operationsPerSecond: spread(rounds.map((sample) => (sample.operations * 1000) / sample.wallMilliseconds)),
    ...(latencies.length > 0 && {
      latency: {
        p50: spread(latencies.map((latency) => latency.p50)),
        p99: spread(latencies.map((latency) => latency.p99)),
      },
    }),
    rounds,
  };
}
