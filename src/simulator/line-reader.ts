import type { LineParser, TraceSink } from './trace-format.ts';

/** A line that could not be read. */
export interface MalformedLine {
  /** From 1. */
  readonly line: number;
  /** What is wrong, to be read behind "line 7". */
  readonly problem: string;
  /** The beginning of the line. */
  readonly text: string;
}

/** Malformed lines that are kept to be shown; the others are counted. */
const mostShown = 5;

/** A line that is longer than this is no line of a trace: it is not gathered any further. */
const longestLine = 1 << 20;

/** Cuts text that comes in pieces into lines, and has them read. */
export class LineReader {
  /** Lines so far, blank ones too. */
  lines = 0;
  malformed = 0;
  readonly firstMalformed: MalformedLine[] = [];
  readonly #parser: LineParser;
  readonly #sink: TraceSink;
  #rest = '';
  #tooLong = false;

  constructor(parser: LineParser, sink: TraceSink) {
    this.#parser = parser;
    this.#sink = sink;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#read(line);
    if (this.#rest.length > longestLine) {
      this.#tooLong = true;
      this.#rest = this.#rest.slice(0, 100);
    }
  }

  end(): void {
    if (this.#rest !== '') this.#read(this.#rest);
    this.#rest = '';
    this.#parser.end?.(this.#sink);
  }

  #read(text: string): void {
    this.lines++;
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    if (line === '') return;
    const problem = this.#tooLong
      ? `is longer than ${longestLine} characters`
      : this.#parser.line(line, this.#sink);
    this.#tooLong = false;
    if (problem === undefined) return;
    this.malformed++;
    if (this.firstMalformed.length < mostShown)
      this.firstMalformed.push({ line: this.lines, problem, text: line.slice(0, 80) });
  }
}
