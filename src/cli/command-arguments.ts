import { parseArgs } from 'node:util';
import { type Bytes, bytes } from '../core/bytes.ts';
import { wrongOption } from '../core/error.ts';
import type { ColumnRole, FormatOptions, TraceFormat } from '../simulator/trace-format.ts';
import { formatByName } from '../simulator/trace-formats.ts';
import { UsageError } from './command.ts';

type Flags = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>;
export type FlagValues = Readonly<Record<string, string | boolean | undefined>>;

/** The files (or other words) and flags of a command. Unknown flags, and flags without their value, are refused; without a word `none` is told. */
export function readArguments(
  args: readonly string[],
  flags: Flags,
  none = "Give a file, or '-' for the standard input.",
): { readonly files: readonly string[]; readonly values: FlagValues } {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: { ...flags }, allowPositionals: true });
  } catch (error) {
    // Node's own words, without its advice on how to escape.
    throw new UsageError((error as Error).message.split('. ')[0]!.replace(/\.?$/, '.'));
  }
  if (parsed.positionals.length === 0) throw new UsageError(none);
  return { files: parsed.positionals, values: parsed.values };
}

/** What is said about how a trace is read. */
export interface ReadingOptions {
  readonly format: TraceFormat | undefined;
  readonly columns: FormatOptions['columns'];
  readonly memory: number;
  readonly rate: number;
}

/** The flags of every command that reads traces, and what they mean. */
export const readingFlags = {
  format: { type: 'string' },
  columns: { type: 'string' },
  memory: { type: 'string' },
  sample: { type: 'string' },
} as const;

export const readingHelp = `  --format NAME      how to read the file, instead of guessing it:
                     plain, keys, csv, memcached-watch, memcached-metadump,
                     redis-monitor, access-log
  --columns LIST     for CSV, which column means what, by name or by number:
                     key=url,size=bytes,time=ts,operation=op or key=2,size=3
  --memory SIZE      the most memory for a trace; beyond it, a sample of its keys
                     is taken by their hash (default 1gb)
  --sample SHARE     take this share of the keys from the start, for example 10%`;

export function readingOptions(values: FlagValues): ReadingOptions {
  const columns = text(values, 'columns');
  return {
    format: values['format'] === undefined ? undefined : formatByName(text(values, 'format')!),
    columns: columns === undefined ? undefined : parseColumns(columns),
    memory: bytes('memory', (text(values, 'memory') ?? '1gb') as Bytes, 1024 ** 2, 64 * 1024 ** 3),
    rate: share(values, 'sample') ?? 1,
  };
}

/** The text of a flag. */
export function text(values: FlagValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** The parts of a list with commas, blanks around them removed. */
export function list(values: FlagValues, name: string): readonly string[] | undefined {
  const parts = text(values, name)
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts?.length === 0) throw wrongOption(name, '', 'a list with commas');
  return parts;
}

/** `90%`, `90` or `0.9` as 0.9. */
export function share(values: FlagValues, name: string): number | undefined {
  const given = text(values, name);
  if (given === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(given);
  const number = match === null ? Number.NaN : Number(match[1]);
  const value = match?.[2] === '%' || number > 1 ? number / 100 : number;
  if (!(value > 0 && value <= 1))
    throw wrongOption(name, given, "above 0% and at most 100%, for example '10%'");
  return Number(value.toPrecision(12));
}

/** A number above 0. */
export function positive(values: FlagValues, name: string): number | undefined {
  const given = text(values, name);
  if (given === undefined) return undefined;
  const number = Number(given);
  if (!(number > 0 && number < Number.POSITIVE_INFINITY)) throw wrongOption(name, given, 'a number above 0');
  return number;
}

function parseColumns(given: string): NonNullable<FormatOptions['columns']> {
  const columns: Partial<Record<ColumnRole, string>> = {};
  for (const pair of given.split(',')) {
    const [role, name] = pair.split('=', 2).map((part) => part.trim());
    if ((role !== 'key' && role !== 'size' && role !== 'time' && role !== 'operation') || !name)
      throw wrongOption('columns', given, 'a list of key=, size=, time= and operation=, each with a column');
    columns[role] = name;
  }
  return columns;
}
