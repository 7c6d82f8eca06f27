import { fileURLToPath } from 'node:url';
import { staleBounds } from './cached.ts';
import { Console } from './machine/console.ts';
import { Shutdown } from './machine/shutdown.ts';
import { type Options, readOptions, usage, UsageError } from './options.ts';
import { compare } from './report/compare.ts';
import { ratioOf } from './report/figures.ts';
import { tableOf } from './report/table.ts';
import { openShops } from './shops.ts';

/** Everything that the shop keeps between runs. */
const folder = fileURLToPath(new URL('../../.cistern/shop', import.meta.url));

const shutdown = new Shutdown();
process.exitCode = await main(process.argv.slice(2));
await shutdown.end();
// Nothing is left to do; whatever would keep the process must not.
process.exit();

async function main(parameters: readonly string[]): Promise<number> {
  let options: Options | undefined;
  try {
    options = readOptions(parameters);
    if (options === undefined) {
      process.stdout.write(usage);
      return 0;
    }
    let code = 0;
    shutdown.onSignal((signal) => {
      // To stop a shop that serves until it is stopped is no failure; to break off a measurement is one.
      if (options?.once) code = signal === 'SIGINT' ? 130 : 143;
    });
    await run(options).catch((error: unknown) => {
      if (!shutdown.signal.aborted) throw error;
    });
    return code;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message} 'npm start -- --help' tells what there is.\n`);
      return 2;
    }
    process.stderr.write(`${explain(error)}\n`);
    return 1;
  }
}

async function run(options: Options): Promise<void> {
  // With --json, stdout is for the figures alone.
  const console = new Console(options.json ? process.stderr : process.stdout, shutdown);
  const shops = await openShops(folder, options, console, shutdown);
  const { without, cached } = await compare(shops, options, console, shutdown.signal);
  if (options.json) {
    const figures = { without, with: cached, ratio: ratioOf(without, cached) };
    process.stdout.write(`${JSON.stringify(figures, short)}\n`);
    return;
  }
  console.say(`\n${tableOf(without, cached)}
Stale answers: pages that show an older price than one that was confirmed before they were asked for. The home page may
lag behind by ${staleBounds.home / 1000} s; products and searches may not.
`);
  if (options.once) return;
  console.say(`The shop is open:        ${shops.cached.url}
and without Cistern:     ${shops.direct.url}

Try, and see the time it takes:
  curl -w '\\n%{time_total} s\\n' ${shops.cached.url}/
  curl -w '\\n%{time_total} s\\n' ${shops.direct.url}/
  curl ${shops.cached.url}/products/1
  curl -X PUT -d '{"cents": 1999}' ${shops.cached.url}/products/1/price
  curl '${shops.cached.url}/search?category=7&sort=cheapest&page=2'

Ctrl-C stops everything.`);
  await shutdown.begun();
  console.say('\nStopping.');
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  if ((code === 'EACCES' || code === 'EPERM') && path?.startsWith(folder)) {
    return `${folder} belongs to another user (an earlier start as root, perhaps). Remove it: sudo rm -r ${folder}`;
  }
  return error.message;
}

/** Numbers with three decimals: more is noise. */
function short(_name: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}
