import { run } from '../wrong-answers.ts';
import type { Outcome } from './result.ts';
import type { Benchmark, RunOptions } from './side-by-side.ts';
import { textTable } from './table.ts';

/** `bench/wrong-answers.ts` among the others: it counts, so there are no rounds, and any wrong answer is a failure. */
export const benchmark: Benchmark = {
  title: 'answers that reached another request, under cancels, timeouts, cuts, odd chunks and SIGSTOP',
  arguments: {
    responses: { type: 'string' },
    mutant: { type: 'boolean' },
    keys: { type: 'string' },
    seed: { type: 'string' },
  },
  async run(options): Promise<Outcome> {
    const mutant = options.given['mutant'] === true;
    const short = options.quick || mutant;
    const seed = number(options, 'seed');
    const results = await run({
      // A client that loses its place gets few answers that are right enough to be taken.
      responses: number(options, 'responses') ?? (mutant ? 5000 : options.quick ? 200_000 : 5_000_000),
      mutant,
      keys: number(options, 'keys') ?? 0,
      ...(seed !== undefined && { seed }),
      // What is needed to run the same again must not be lost.
      progress: (text) => (/^(seed|first)/.test(text) ? console.log(text) : options.progress(text)),
    });
    const wrong = results.filter(({ name, median }) => /wrong$|beyond/.test(name) && median !== 0);
    const faults = wrong.map(({ name, median }) => `${name}: ${median}`).join(', ');
    return {
      bench: 'wrong-answers',
      unit: 'count',
      rounds: 1,
      // A client that is made wrong on purpose is no result to keep.
      quick: short,
      skipped: [],
      versions: {},
      results,
      table: textTable(
        ['', 'count'],
        results.map(({ name, median }) => [name, median.toLocaleString('en-US')]),
      ),
      details: { mutant },
      ...(mutant && wrong.length === 0 && { failure: 'the client that drops slots was not caught' }),
      ...(!mutant && wrong.length > 0 && { failure: faults }),
    };
  },
};

function number(options: RunOptions, name: string): number | undefined {
  const given = options.given[name];
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!(Number.isInteger(value) && value >= 0))
    throw new RangeError(`--${name} is "${String(given)}": give a whole number`);
  return value;
}
