import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { findMemcached } from '../../src/testing/memcached-server.ts';
import { inOwnNetwork, openNetwork, ownNetwork } from './fault.ts';
import { figureTable } from './figures.ts';
import { jsonLine, writeRun } from './run-file.ts';
import type { Outcome } from './scenario.ts';
import { scenarios } from './scenarios.ts';

/** An error to be read, not to be traced. */
class PlainError extends Error {}

const names = Object.keys(scenarios).join(', ');

const help = `npm run chaos -- <name> [--quick] [--json] [--seed N]

Runs one scenario against real memcached processes, which it starts and ends, and
says what it did and counted. Exit code 1 when a figure is missed.

Names: ${names}

  --quick   a few seconds instead of one or two minutes, with looser times
  --json    the last line is the result as JSON
  --seed N  what is drawn: keys, the server that fails (default 1)

What each of them does, and what it showed: docs/chaos.md.
`;

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  // Whoever was started ends with this process.
  process.once(signal, () => process.exit(code));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = error instanceof PlainError ? 2 : 1;
  console.error(error instanceof PlainError ? error.message : error);
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(args);
  const [name, ...others] = positionals;
  if (values.help === true || name === undefined) {
    console.log(help);
    return values.help === true ? 0 : 2;
  }
  const load = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined;
  if (load === undefined) throw new PlainError(`There is no scenario '${name}'. Names: ${names}`);
  if (others.length > 0) throw new PlainError(`One scenario at a time: '${others.join(' ')}' is too much.`);
  const seed = Number(values.seed ?? 1);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new PlainError(`--seed is '${values.seed}', but must be a whole number from 0.`);
  if (findMemcached() === undefined)
    throw new PlainError(
      'memcached is not on the PATH. Install it (Debian, Ubuntu: apt-get install memcached).',
    );
  const scenario = await load();
  if (scenario.ownNetwork === true && !inOwnNetwork() && networkIsAllowed()) return again(args);
  if (inOwnNetwork()) openNetwork();
  const quick = values.quick === true;
  console.log(`${name}: ${scenario.title} (seed ${seed})`);
  const began = performance.now();
  const outcome = await scenario.run({ quick, seed, say: (line) => console.log(line) });
  report(outcome, performance.now() - began);
  console.log(`Written to ${writeRun(outcome, quick, seed)}`);
  if (values.json === true) console.log(jsonLine(outcome));
  return outcome.figures.every(({ met }) => met) ? 0 : 1;
}

function report(outcome: Outcome, took: number): void {
  const { operations, errors, wrong, stale } = outcome;
  console.log(`\n${figureTable(outcome.figures)}\n`);
  console.log(
    `${operations} operations, ${errors} errors, ${wrong} wrong, ${stale} stale, in ${(took / 1000).toFixed(1)} s`,
  );
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean' },
        quick: { type: 'boolean' },
        seed: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new PlainError(`${(error as Error).message}\n\n${help}`);
  }
}

/** Whether this user may have a network namespace of its own, and change the rules in it. */
function networkIsAllowed(): boolean {
  const { command, arguments: before } = ownNetwork;
  return spawnSync(command, [...before, 'ip', 'link', 'set', 'lo', 'up']).status === 0;
}

/** The same once more, in a network namespace of its own. */
function again(args: readonly string[]): number {
  const { command, arguments: before, environment } = ownNetwork;
  const run = spawnSync(command, [...before, process.execPath, import.meta.filename, ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  return run.status ?? 1;
}
