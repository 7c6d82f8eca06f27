import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { jsonLine, root, writeResult } from './harness/result.ts';
import type { Benchmark } from './harness/side-by-side.ts';

/** Every benchmark by its name; each is loaded only when it is asked for. What they measure is the built package, as users run it: `npm run bench` builds it first. */
const benchmarks: Record<string, () => Promise<{ readonly benchmark: Benchmark }>> = {
  'get-or-load': () => import('./get-or-load.ts'),
  'memcached-get': () => import('./memcached-get.ts'),
  'memcached-set': () => import('./memcached-set.ts'),
  'memcached-multi-get': () => import('./memcached-multi-get.ts'),
  stampede: () => import('./stampede.ts'),
};

class UsageError extends Error {}

const usage = 'npm run bench -- <name> [--json] [--rounds N] [--quick]';

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = 1;
  console.error(error instanceof UsageError ? error.message : error);
}

async function main(args: readonly string[]): Promise<void> {
  const [name, ...others] = args;
  const names = Object.keys(benchmarks).join(', ');
  if (name === undefined) {
    console.log(`${usage}\n\nNames: ${names}`);
    return;
  }
  if (name.startsWith('-')) throw new UsageError(`The name comes first: ${usage}\nNames: ${names}`);
  const find = benchmarks[name];
  if (find === undefined) throw new UsageError(`There is no benchmark "${name}". Names: ${names}`);
  const { values } = readOptions(others);
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1 && rounds <= 1000)) {
    throw new UsageError(`--rounds is "${values.rounds}": give a whole number from 1 to 1000`);
  }
  const { benchmark } = await find();
  console.log(`${name}: ${benchmark.title}`);
  const outcome = await benchmark.run({ rounds, quick: values.quick, progress });
  progress('');
  console.log(`\n${outcome.table}\n`);
  for (const note of outcome.skipped) console.log(`Skipped: ${note}`);
  console.log(`Written to ${relative(root, writeResult(outcome))}`);
  if (values.json) console.log(jsonLine(outcome));
}

function readOptions(args: readonly string[]): {
  values: { json: boolean; quick: boolean; rounds?: string };
} {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${usage}`);
  }
}

/** One line that tells what is going on, on a terminal only. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
