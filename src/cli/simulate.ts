import { writeFileSync } from 'node:fs';
import { join as joinPath, parse as parsePath } from 'node:path';
import { type Bytes, bytes } from '../core/bytes.ts';
import { type Duration, milliseconds } from '../core/duration.ts';
import { wrongOption } from '../core/error.ts';
import { type CacheSize, parseCacheSize } from '../simulator/cache-size.ts';
import { type SimulatedPolicy, simulatedPolicies } from '../simulator/simulated-policy.ts';
import {
  list,
  positive,
  readArguments,
  readingFlags,
  readingHelp,
  readingOptions,
  text,
} from './command-arguments.ts';
import { type Command, InputError, UsageError } from './command.ts';
import { Progress } from './progress.ts';
import { runSimulations, type SimulatedTrace } from './simulation-grid.ts';
import { chartOf, csvOf, jsonOf, tableOf } from './simulation-report.ts';
import { readTrace } from './trace-file.ts';

const defaultPolicies = 'lru,s3-fifo,arc,w-tinylfu,belady';
const defaultSizes = '0.1%,0.5%,1%,5%,10%';
/** More points, where a curve is to be drawn. */
const defaultChartSizes = '0.1%,0.2%,0.5%,1%,2%,5%,10%,20%,50%';

const help = `cistern simulate <file...> [options]

Runs your own requests through eviction policies and cache sizes, and tells the
hit ratio of each. A file may be packed with gzip; '-' is the standard input.

  --policies LIST    of ${simulatedPolicies.slice(0, 6).join(', ')},
                     ${simulatedPolicies.slice(6).join(', ')}; all for every one
                     (default ${defaultPolicies})
                     belady knows the future: no policy can do better
  --sizes LIST       shares of the keys (1%), entries (5000) or bytes (64mb)
                     (default ${defaultSizes})
  --ttl DURATION     entries live so long (5m, 2h, ...), by the times in the trace
  --requests-per-second N
                     the times of a trace that has none
  --value-size SIZE  of each value, for sizes in bytes where the trace tells none
                     (default 1kb)
  --seed N           of all chance (default 1)
${readingHelp}
  --json             one line of JSON per trace
  --csv              one line of CSV per policy and size
  --svg FILE         draw hit ratio over size, one line per policy
`;

const flags = {
  ...readingFlags,
  policies: { type: 'string' },
  sizes: { type: 'string' },
  ttl: { type: 'string' },
  'requests-per-second': { type: 'string' },
  'value-size': { type: 'string' },
  seed: { type: 'string' },
  json: { type: 'boolean' },
  csv: { type: 'boolean' },
  svg: { type: 'string' },
} as const;

export const command: Command = { help, run };

async function run(args: readonly string[]): Promise<number> {
  const { files, values } = readArguments(args, flags);
  if (values['json'] === true && values['csv'] === true)
    throw new UsageError('Give --json or --csv, not both.');
  const svg = text(values, 'svg');
  const ttl = text(values, 'ttl');
  const plan = {
    policies: parsePolicies(list(values, 'policies') ?? defaultPolicies.split(',')),
    sizes: (list(values, 'sizes') ?? (svg === undefined ? defaultSizes : defaultChartSizes).split(',')).map(
      (each): CacheSize => parseCacheSize('sizes', each),
    ),
    ttl: ttl === undefined ? undefined : milliseconds('ttl', ttl as Duration),
    requestsPerSecond: positive(values, 'requests-per-second'),
    valueSize: valueSize(text(values, 'value-size')),
    seed: seedOf(text(values, 'seed')),
  };
  const reading = {
    ...readingOptions(values),
    times: plan.ttl !== undefined && plan.requestsPerSecond === undefined,
  };
  let code = 0;
  for (const [index, file] of files.entries()) {
    const progress = new Progress();
    try {
      const read = await readTrace(file, reading, progress);
      const simulated = runSimulations(read, plan, progress);
      progress.clear();
      for (const note of simulated.notes) process.stderr.write(`${read.trace.name}: ${note}\n`);
      process.stdout.write(output(simulated, values, index));
      if (svg !== undefined) writeChart(svg, simulated, files.length > 1);
    } catch (error) {
      progress.clear();
      // The other files are not to blame.
      if (!(error instanceof InputError) || files.length === 1) throw error;
      process.stderr.write(`cistern: ${error.message}\n`);
      code = 1;
    }
  }
  return code;
}

function output(simulated: SimulatedTrace, values: Readonly<Record<string, unknown>>, index: number): string {
  if (values['json'] === true) return `${jsonOf(simulated)}\n`;
  if (values['csv'] === true) return csvOf(simulated, index === 0);
  return `${index === 0 ? '' : '\n'}${tableOf(simulated)}\n`;
}

/** With several traces, each has a file of its own. */
function writeChart(path: string, simulated: SimulatedTrace, several: boolean): void {
  const { dir, name, ext } = parsePath(path);
  const target = several ? joinPath(dir, `${name}-${simulated.read.trace.name}${ext}`) : path;
  try {
    writeFileSync(target, chartOf(simulated));
  } catch (error) {
    throw new InputError(`${target} cannot be written: ${(error as Error).message}`);
  }
}

function parsePolicies(names: readonly string[]): readonly SimulatedPolicy[] {
  if (names.length === 1 && names[0] === 'all') return simulatedPolicies;
  return [...new Set(names)].map((name) => {
    const policy = simulatedPolicies.find((each) => each === name.toLowerCase());
    if (policy === undefined)
      throw wrongOption('policies', name, `all, or some of ${simulatedPolicies.join(', ')}`);
    return policy;
  });
}

function valueSize(given: string | undefined): number | undefined {
  return given === undefined ? undefined : bytes('value-size', given as Bytes, 1, 2 ** 31 - 1);
}

function seedOf(given: string | undefined): number {
  const seed = Number(given ?? 1);
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32))
    throw wrongOption('seed', given, 'a whole number from 0 to 4294967295');
  return seed | 0;
}
