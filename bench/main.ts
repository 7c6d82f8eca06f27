import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { jsonLine, root, writeResult } from './harness/result.ts';
import type { Benchmark } from './harness/side-by-side.ts';

/** Every benchmark by its name; each is loaded only when it is asked for. What they measure is the built package, as users run it: `npm run bench` builds it first. */
const benchmarks: Record<string, () => Promise<{ readonly benchmark: Benchmark }>> = {
  'client-layers': () => import('./client-layers.ts'),
  'get-or-load': () => import('./get-or-load.ts'),
  'memcached-get': () => import('./memcached-get.ts'),
  'memcached-set': () => import('./memcached-set.ts'),
  'memcached-multi-get': () => import('./memcached-multi-get.ts'),
  'near-estimate': () => import('./near-estimate.ts'),
  'near-get': () => import('./near-get.ts'),
  'near-memory': () => import('./near-memory.ts'),
  'near-set': () => import('./near-set.ts'),
  'near-zipf': () => import('./near-zipf.ts'),
  proxy: () => import('./proxy.ts'),
  routes: () => import('./routes.ts'),
  simulator: () => import('./simulator.ts'),
  stampede: () => import('./stampede.ts'),
  'wrong-answers': () => import('./harness/wrong-answers.ts'),
};

/** An error to be read, not to be traced. */
class PlainError extends Error {}

const usage = 'npm run bench -- <name> [--json] [--rounds N] [--quick]';

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = 1;
  console.error(error instanceof PlainError ? error.message : error);
}

async function main(args: readonly string[]): Promise<void> {
  const [name, ...others] = args;
  const names = Object.keys(benchmarks).join(', ');
  if (name === undefined) {
    console.log(`${usage}\n\nNames: ${names}`);
    return;
  }
  if (name.startsWith('-')) throw new PlainError(`The name comes first: ${usage}\nNames: ${names}`);
  const find = benchmarks[name];
  if (find === undefined) throw new PlainError(`There is no benchmark "${name}". Names: ${names}`);
  const { benchmark } = await find();
  const { json, quick, rounds: given, ...own } = readOptions(others, benchmark.arguments);
  const rounds = given === undefined ? undefined : Number(given);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1 && rounds <= 1000)) {
    throw new PlainError(`--rounds is "${String(given)}": give a whole number from 1 to 1000`);
  }
  console.log(`${name}: ${benchmark.title}`);
  const outcome = await benchmark.run({ rounds, quick: quick === true, given: own, progress });
  progress('');
  console.log(`\n${outcome.table}\n`);
  for (const note of outcome.skipped) console.log(`Skipped: ${note}`);
  console.log(`Written to ${relative(root, writeResult(outcome))}`);
  if (json === true) console.log(jsonLine(outcome));
  if (outcome.failure !== undefined) throw new PlainError(outcome.failure);
}

function readOptions(
  args: readonly string[],
  own: Benchmark['arguments'],
): Record<string, string | boolean | undefined> {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean' },
        quick: { type: 'boolean' },
        rounds: { type: 'string' },
        ...own,
      },
    }).values;
  } catch (error) {
    throw new PlainError(`${(error as Error).message}\n${usage}`);
  }
}

/** One line that tells what is going on, on a terminal only. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
