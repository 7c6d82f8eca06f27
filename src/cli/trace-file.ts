import { createReadStream, statSync } from 'node:fs';
import { basename } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LineReader } from '../simulator/line-reader.ts';
import { type BuiltTrace, TraceBuilder, type TraceBuilderOptions } from '../simulator/trace-builder.ts';
import type { TraceFormat } from '../simulator/trace-format.ts';
import { guessFormat, traceFormats } from '../simulator/trace-formats.ts';
import type { ReadingOptions } from './command-arguments.ts';
import { InputError } from './command.ts';
import { count } from './number-text.ts';
import type { Progress } from './progress.ts';

/** A file that was read. */
export interface ReadTrace {
  /** As it was given. */
  readonly path: string;
  readonly trace: BuiltTrace;
  readonly format: TraceFormat;
  readonly lines: number;
  /** Lines that could not be read. */
  readonly malformed: number;
  /** What whoever reads the results must know, one line each. */
  readonly notes: readonly string[];
}

/** As much of a file as its format is guessed from. */
const headLength = 1 << 16;

/** Reads a trace, compressed with gzip or not; `-` is the standard input. Throws `InputError` when there is nothing in it. */
export async function readTrace(
  path: string,
  options: ReadingOptions & Pick<TraceBuilderOptions, 'times' | 'label'>,
  progress: Progress,
): Promise<ReadTrace> {
  const said = path === '-' ? 'The standard input' : path;
  const name = path === '-' ? 'stdin' : basename(path).replace(/(?<=.)(\.trace)?(\.gz)?$/, '');
  const { rate, memory, times, label } = options;
  const builder = new TraceBuilder({ rate, memory, ...(times && { times }), ...(label && { label }) });
  let { format } = options;
  let reader: LineReader | undefined;
  let head = '';
  const begin = (): LineReader => {
    const lines = head.split('\n').map((line) => line.replace(/\r$/, ''));
    // The last line may be cut.
    format ??= guessFormat(lines.length > 1 ? lines.slice(0, -1).slice(0, 200) : lines);
    if (format === undefined) throw new InputError(unknownFormat(said, lines));
    reader = new LineReader(
      format.parser(options.columns === undefined ? {} : { columns: options.columns }),
      builder,
    );
    reader.push(head.replace(/^\u00ef\u00bb\u00bf/, ''));
    head = '';
    return reader;
  };
  try {
    for await (const { text, done } of pieces(path)) {
      if (reader !== undefined) reader.push(text);
      else if ((head += text).length >= headLength) begin();
      progress.show(done, `reading ${name}: ${count(builder.seen)} requests`);
    }
  } catch (error) {
    if (error instanceof InputError || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new InputError(`${said} cannot be read: ${reason(error as NodeJS.ErrnoException)}`);
  }
  const whole = reader ?? begin();
  whole.end();
  const trace = builder.build(name);
  if (trace.total.reads === 0) throw new InputError(nothingRead(said, format!, whole, trace));
  if (trace.requests.length === 0)
    throw new InputError(`${said} has no key that is in the sample: take a larger one (--sample, --memory).`);
  return {
    path,
    trace,
    format: format!,
    lines: whole.lines,
    malformed: whole.malformed,
    notes: notesOn(trace, whole),
  };
}

async function* pieces(path: string): AsyncGenerator<{ text: string; done: number | undefined }> {
  const size = path === '-' ? undefined : statSync(path).size;
  const file: Readable = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 18 });
  let read = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      read += chunk.length;
      yield chunk;
    }
  };
  const chunks = counted();
  const first = await chunks.next();
  if (first.done === true) return;
  const whole = async function* (): AsyncGenerator<Buffer> {
    yield first.value;
    yield* chunks;
  };
  const compressed = compressionOf(first.value);
  if (compressed !== undefined && compressed !== 'gzip')
    throw new InputError(
      `${path === '-' ? 'The standard input' : path} is compressed with ${compressed}: unpack it first, for example with ${compressed} -dc`,
    );
  const content: AsyncIterable<Buffer> = compressed === 'gzip' ? unzipped(whole()) : whole();
  for await (const chunk of content)
    yield { text: chunk.toString('latin1'), done: size === undefined ? undefined : Math.min(1, read / size) };
}

function unzipped(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  // Whoever iterates over the output is told of the errors of both.
  return pipeline(Readable.from(chunks, { objectMode: false }), createGunzip(), () => {});
}

function compressionOf(start: Buffer): 'gzip' | 'zstd' | 'xz' | 'bzip2' | undefined {
  const magic = start.subarray(0, 4).toString('hex');
  if (magic.startsWith('1f8b')) return 'gzip';
  if (magic === '28b52ffd') return 'zstd';
  if (magic === 'fd377a58') return 'xz';
  return magic.startsWith('425a68') ? 'bzip2' : undefined;
}

function reason(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file.';
  if (error.code === 'EISDIR') return 'it is a folder.';
  if (error.code === 'EACCES') return 'it may not be read.';
  if (error.code?.startsWith('Z_')) return `its gzip data is damaged or cut (${error.message}).`;
  return error.message;
}

function unknownFormat(name: string, lines: readonly string[]): string {
  const first = lines.find((line) => line !== '');
  if (first === undefined) return `${name} is empty.`;
  const formats = traceFormats.map(
    (format) => `  ${format.name.padEnd(20)}${format.title}\n${' '.repeat(22)}${format.example}`,
  );
  return `${name} looks like no trace that is known. It begins with:\n  ${shown(first)}\nKnown are, and can be named with --format:\n${formats.join('\n')}`;
}

function nothingRead(name: string, format: TraceFormat, reader: LineReader, trace: BuiltTrace): string {
  if (reader.lines === 0) return `${name} is empty.`;
  if (trace.total.writes + trace.total.removals > 0)
    return `${name} has ${count(trace.total.writes)} writes and ${count(trace.total.removals)} removals, but no reads.`;
  const [first] = reader.firstMalformed;
  const problem = first === undefined ? '' : ` Line ${first.line} ${first.problem}: ${shown(first.text)}`;
  return `${name} has no line that asks for anything, read as ${format.name}.${problem}\nExpected is ${format.title}, for example:\n  ${format.example}`;
}

function notesOn({ rate, total }: BuiltTrace, reader: LineReader): string[] {
  const notes: string[] = [...total.warnings];
  if (reader.malformed > 0) {
    const one = reader.malformed === 1;
    const shownLines = reader.firstMalformed.map(
      ({ line, problem, text }) => `\n  line ${line} ${problem}: ${shown(text)}`,
    );
    const more =
      reader.malformed > shownLines.length
        ? `\n  and ${count(reader.malformed - shownLines.length)} more`
        : '';
    notes.push(
      `${count(reader.malformed)} of ${count(reader.lines)} lines could not be read and ${one ? 'is' : 'are'} left out:${shownLines.join('')}${more}`,
    );
  }
  if (total.ignoredLines > 0)
    notes.push(
      `${count(total.ignoredLines)} ${total.ignoredLines === 1 ? 'line is' : 'lines are'} no request that a cache answers`,
    );
  if (rate < 1)
    notes.push(
      `a sample of ${Number((rate * 100).toPrecision(3))}% of the keys: hit ratios are estimates, usually within two points (--memory, --sample)`,
    );
  if (total.unsizedShare > 0 && total.unsizedShare < 1)
    notes.push(
      `${Math.ceil(total.unsizedShare * 1000) / 10}% of the keys have no size: the mean of the others is taken`,
    );
  return notes;
}

/** Text of a file as it can be printed: one character per byte on the way in, UTF-8 on the way out. */
export function shown(text: string): string {
  const decoded = Buffer.from(text, 'latin1').toString('utf8');
  return decoded.replace(/\p{Cc}/gu, (unit) => `\\x${unit.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
