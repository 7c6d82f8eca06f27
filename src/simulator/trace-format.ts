/** What a request of a trace does. Reads are what a hit ratio counts; the others change what is in the cache. */
export const read = 0;
/** The key gets a value: it comes in if it is not inside, and lives anew. */
export const write = 1;
/** The key is taken out. */
export const remove = 2;
export type Operation = typeof read | typeof write | typeof remove;

/** What is not known about a request. */
export const unknownSize = -1;
export const unknownTime: number = Number.NaN;

/** Where the requests of a trace go, in their order. Nothing is allocated per request but its key. */
export interface TraceSink {
  /** Size in bytes or `unknownSize`; time in milliseconds since any moment, or `unknownTime`. */
  request(key: string, operation: Operation, size: number, time: number): void;
  /** A line that is as it should be, but asks for nothing: counted. */
  ignored(): void;
  /** Something that whoever reads the results must know, said once for each text. */
  warn(text: string): void;
}

/** Reads the lines of one file; may keep something from line to line. */
export interface LineParser {
  /** Gives what the line says to the sink. Answers what is wrong with the line, `undefined` if nothing is. */
  line(text: string, sink: TraceSink): string | undefined;
  /** There are no more lines. */
  end?(sink: TraceSink): void;
}

export interface FormatOptions {
  /** For CSV: which column means what, by name or by number from 1. */
  readonly columns?: Readonly<Partial<Record<ColumnRole, string>>>;
}

export type ColumnRole = 'key' | 'size' | 'time' | 'operation';

/**
 * A kind of file that requests can be read from, line by line. Its text has one character per byte (Latin-1), so that whatever
 * bytes a key consists of, different keys stay different.
 */
export interface TraceFormat {
  readonly name: string;
  /** What the file is, for people. */
  readonly title: string;
  /** A line of it, for messages. */
  readonly example: string;
  /** True where the file lists each entry once, as it is stored, instead of the requests: it can tell sizes and no hit ratio. */
  readonly census?: true;
  /** How much of a file's first lines (without blank ones) looks like this format, 0 to 1. */
  likeness(lines: readonly string[]): number;
  parser(options: FormatOptions): LineParser;
}

/** The share of the lines that match. */
export function shareOf(lines: readonly string[], pattern: RegExp): number {
  return lines.filter((line) => pattern.test(line)).length / lines.length;
}
