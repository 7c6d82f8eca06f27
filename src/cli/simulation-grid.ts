import { amountOf, type CacheSize } from '../simulator/cache-size.ts';
import { PolicyMaker, type SimulatedPolicy } from '../simulator/simulated-policy.ts';
import { simulate } from '../simulator/simulation.ts';
import { InputError } from './command.ts';
import { byteText, count } from './number-text.ts';
import type { Progress } from './progress.ts';
import type { ReadTrace } from './trace-file.ts';

/** What is to be simulated of each trace. */
export interface SimulationPlan {
  readonly policies: readonly SimulatedPolicy[];
  readonly sizes: readonly CacheSize[];
  readonly ttl: number | undefined;
  readonly requestsPerSecond: number | undefined;
  readonly valueSize: number | undefined;
  readonly seed: number;
}

/** A size as it is for one trace. */
export interface GridSize {
  /** As it was asked for. */
  readonly text: string;
  readonly unit: 'entries' | 'bytes';
  readonly amount: number;
}

export interface GridResult {
  readonly policy: SimulatedPolicy;
  readonly size: GridSize;
  readonly hitRatio: number;
  readonly byteHitRatio: number | undefined;
  readonly nsPerRequest: number;
}

export interface SimulatedTrace {
  readonly read: ReadTrace;
  readonly policies: readonly SimulatedPolicy[];
  readonly sizes: readonly GridSize[];
  /** Policy by policy, each in the order of the sizes. */
  readonly results: readonly GridResult[];
  readonly notes: readonly string[];
  /** The size of all values, where the trace tells none and sizes in bytes are asked for. */
  readonly assumedValueSize: number | undefined;
}

/** What a value is taken to weigh when nobody says. */
const usualValueSize = 1024;

/** Runs every policy at every size over a trace. Throws `InputError` when the trace lacks what the plan needs. */
export function runSimulations(read: ReadTrace, plan: SimulationPlan, progress: Progress): SimulatedTrace {
  const { trace } = read;
  const sizes = plan.sizes.map((size): GridSize => ({
    text: size.text,
    unit: size.unit,
    amount: amountOf(size, trace.total.keys),
  }));
  if (plan.ttl !== undefined && plan.requestsPerSecond === undefined && trace.times === undefined)
    throw new InputError(
      `${trace.name} has no times, which --ttl needs: tell how many requests come in a second, for example --requests-per-second 1000`,
    );
  const notes = [...read.notes];
  const assumes = trace.sizes === undefined && sizes.some((size) => size.unit === 'bytes');
  const valueSize = plan.valueSize ?? usualValueSize;
  if (assumes && plan.valueSize === undefined)
    notes.push(
      `it does not tell the sizes of its values: for sizes in bytes each is taken as ${byteText(valueSize)} (--value-size)`,
    );
  if (read.format.census === true)
    notes.push('it lists what is stored, each entry once, and so no hit ratio can be told: see cistern size');
  if (trace.times !== undefined && plan.ttl !== undefined && trace.total.milliseconds === 0)
    notes.push('all its requests have the same time');
  const maker = new PolicyMaker(trace);
  const results: GridResult[] = [];
  let tooLarge = 0;
  for (const policy of plan.policies) {
    for (const size of sizes) {
      const done = results.length / (plan.policies.length * sizes.length);
      progress.show(done, `simulating ${trace.name}: ${policy}, ${size.text}`);
      const assumed = size.unit === 'bytes' && trace.sizes === undefined;
      const result = simulate(trace, maker, {
        policy,
        capacity: assumed ? Math.max(1, Math.floor(size.amount / valueSize)) : size.amount,
        unit: assumed ? 'entries' : size.unit,
        ...(plan.ttl !== undefined && { ttl: plan.ttl }),
        ...(plan.requestsPerSecond !== undefined && { requestsPerSecond: plan.requestsPerSecond }),
        seed: plan.seed,
        now: () => performance.now(),
      });
      tooLarge = Math.max(tooLarge, result.tooLarge);
      results.push({ policy, size, ...result });
    }
  }
  if (tooLarge > 0)
    notes.push(
      `up to ${count(tooLarge)} reads are for values that do not fit into the smallest size at all: they are misses`,
    );
  const assumedValueSize = assumes ? valueSize : undefined;
  return { read, policies: plan.policies, sizes, results, notes, assumedValueSize };
}
