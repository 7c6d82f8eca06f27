import { KeySpace } from '../simulator/key-space.ts';
import { readArguments, readingFlags, readingHelp, readingOptions, share } from './command-arguments.ts';
import { type Command, InputError } from './command.ts';
import { Progress } from './progress.ts';
import { censusOf, censusJson, censusText } from './size-census.ts';
import { adviceJson, adviceOf, adviceText } from './size-advice.ts';
import { readTrace } from './trace-file.ts';

const help = `cistern size <file...> [options]

Tells from your own requests how large a cache should be: the working set, the
hit ratio at several sizes, where more memory stops paying, and which part of the
keys makes them too many. A file may be packed with gzip; '-' is the standard input.
Of memcached's list of items (lru_crawler metadump all) it tells what is stored
and not asked for.

  --hit-ratio SHARE  the hit ratio that you want, for example 90%
                     (default: where the curve has its knee)
${readingHelp}
  --json             one line of JSON per file
`;

const flags = { ...readingFlags, 'hit-ratio': { type: 'string' }, json: { type: 'boolean' } } as const;

export const command: Command = { help, run };

async function run(args: readonly string[]): Promise<number> {
  const { files, values } = readArguments(args, flags);
  const wanted = share(values, 'hit-ratio');
  const options = readingOptions(values);
  let code = 0;
  for (const [index, file] of files.entries()) {
    const progress = new Progress();
    const keySpace = new KeySpace();
    try {
      const label = (key: string): number => keySpace.label(key);
      const read = await readTrace(file, { ...options, label, times: true }, progress);
      progress.show(undefined, `looking at ${read.trace.name}`);
      const dimensions = keySpace.dimensions(read.trace.labels!, read.trace.readsOf, read.trace.rate);
      const json = values['json'] === true;
      let report: string;
      if (read.format.census === true) {
        const census = censusOf(read, dimensions);
        report = json ? censusJson(census) : censusText(census);
      } else {
        const advice = adviceOf(read, dimensions, wanted);
        report = json ? adviceJson(advice) : adviceText(advice);
      }
      progress.clear();
      for (const note of read.notes) process.stderr.write(`${read.trace.name}: ${note}\n`);
      process.stdout.write(`${index === 0 || json ? '' : '\n'}${report}\n`);
    } catch (error) {
      progress.clear();
      if (!(error instanceof InputError) || files.length === 1) throw error;
      process.stderr.write(`cistern: ${error.message}\n`);
      code = 1;
    }
  }
  return code;
}
