import { wrongOption } from '../../core/error.ts';
import { guessDelimiter, readRow } from '../csv-row.ts';
import {
  type ColumnRole,
  type FormatOptions,
  type LineParser,
  type Operation,
  read,
  remove,
  type TraceFormat,
  type TraceSink,
  unknownSize,
  unknownTime,
  write,
} from '../trace-format.ts';

/** Names that columns go by, in the order of preference. */
const usualNames: Readonly<Record<ColumnRole, readonly string[]>> = {
  key: ['key', 'cache_key', 'obj_id', 'object', 'object_id', 'id', 'url', 'path', 'uri', 'lbn', 'block'],
  size: ['size', 'value_size', 'obj_size', 'object_size', 'bytes', 'length'],
  time: ['time', 'timestamp', 'ts', 'clock_time', 'datetime', 'date'],
  operation: ['operation', 'op', 'op_type', 'command', 'cmd', 'method', 'type'],
};

const roles = Object.keys(usualNames) as ColumnRole[];

const writeWords = new Set([
  'set',
  'add',
  'replace',
  'cas',
  'append',
  'prepend',
  'put',
  'post',
  'write',
  'store',
  'w',
]);
const removeWords = new Set(['delete', 'del', 'remove', 'unlink', 'invalidate', 'purge', 'd']);
const readWords = new Set(['get', 'gets', 'read', 'fetch', 'head', 'mget', 'r', '']);

/**
 * CSV with a line of names, or with columns by number. Times are seconds, milliseconds (from 10^11 on), or dates that JavaScript reads. An operation
 * that is none of the usual words is no request.
 */
class Csv implements LineParser {
  readonly #given: NonNullable<FormatOptions['columns']>;
  #columns: Partial<Record<ColumnRole, number>> | undefined;
  #delimiter = ',';
  #width = 0;

  constructor(options: FormatOptions) {
    this.#given = options.columns ?? {};
    const byNumber = roles.every(
      (role) => this.#given[role] === undefined || /^[1-9]\d{0,3}$/.test(this.#given[role]),
    );
    if (this.#given.key === undefined || !byNumber) return;
    this.#columns = {};
    for (const role of roles)
      if (this.#given[role] !== undefined) this.#columns[role] = Number(this.#given[role]) - 1;
  }

  line(text: string, sink: TraceSink): string | undefined {
    if (this.#width === 0) this.#delimiter = guessDelimiter([text]);
    const row = readRow(text, this.#delimiter);
    if (row === undefined) return 'has quotes that do not close';
    if (this.#width === 0) {
      this.#width = row.length;
      if (this.#columns === undefined) {
        this.#columns = columnsOf(row, this.#given);
        return undefined;
      }
    }
    if (row.length !== this.#width) return `has ${row.length} fields, not ${this.#width}`;
    const { key: keyAt, size: sizeAt, time: timeAt, operation: operationAt } = this.#columns!;
    const key = row[keyAt!];
    if (key === undefined || key === '') return 'has no key';
    const size = sizeAt === undefined ? unknownSize : sizeOf(row[sizeAt]);
    if (size === undefined) return `has the size '${row[sizeAt!]}', which is no number of bytes`;
    const time = timeAt === undefined ? unknownTime : timeOf(row[timeAt]);
    if (timeAt !== undefined && Number.isNaN(time))
      return `has the time '${row[timeAt]}', which cannot be read`;
    const operation = operationAt === undefined ? read : operationOf(row[operationAt] ?? '');
    if (operation === undefined) sink.ignored();
    else sink.request(key, operation, size, time);
    return undefined;
  }
}

function columnsOf(
  names: readonly string[],
  given: NonNullable<FormatOptions['columns']>,
): Partial<Record<ColumnRole, number>> {
  const plainNames = names.map((name) => name.trim().toLowerCase());
  const columns: Partial<Record<ColumnRole, number>> = {};
  for (const role of roles) {
    const wanted = given[role];
    const at =
      wanted === undefined
        ? usualNames[role].map((name) => plainNames.indexOf(name)).find((index) => index >= 0)
        : plainNames.indexOf(wanted.toLowerCase());
    if (at === -1)
      throw wrongOption('columns', `${role}=${wanted}`, `one of the columns: ${names.join(', ')}`);
    if (at !== undefined) columns[role] = at;
  }
  if (columns.key === undefined)
    throw wrongOption(
      'columns',
      names.join(','),
      "told, as none of these columns is named 'key': give key=NAME",
    );
  return columns;
}

function sizeOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === '-') return unknownSize;
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function timeOf(text: string | undefined): number {
  if (text === undefined || text === '') return Number.NaN;
  const number = Number(text);
  if (Number.isNaN(number)) return Date.parse(text);
  return number >= 1e11 ? number : number * 1000;
}

function operationOf(text: string): Operation | undefined {
  const word = text.toLowerCase();
  if (readWords.has(word)) return read;
  if (writeWords.has(word)) return write;
  return removeWords.has(word) ? remove : undefined;
}

export const csv: TraceFormat = {
  name: 'csv',
  title: 'CSV with named columns (key, perhaps size, time, operation)',
  example: 'time,key,size',
  likeness(lines) {
    const [first, second] = lines;
    if (first === undefined) return 0;
    const delimiter = guessDelimiter(lines);
    const names = readRow(first, delimiter)?.map((name) => name.trim().toLowerCase()) ?? [];
    const named =
      usualNames.key.some((name) => names.includes(name)) && names.every((name) => /[a-z]/.test(name));
    return named && (second === undefined || readRow(second, delimiter)?.length === names.length) ? 1 : 0;
  },
  parser: (options) => new Csv(options),
};
