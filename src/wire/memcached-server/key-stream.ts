import { type Command, longestClientKey, RequestLine } from './request-line.ts';

const space = 32;
const newline = 10;
const carriageReturn = 13;

/**
 * The keys of one `get`, `gets`, `gat` or `gats`, read from as many pieces as they come in: such a line may be of any length,
 * and none of it is kept but the key that is being read.
 */
export class KeyStream {
  readonly line: RequestLine;
  /** The line has ended. */
  done = false;
  /** A key is too long; the rest of the line is of no use. */
  wrong = false;
  readonly #part: Buffer = Buffer.allocUnsafeSlow(longestClientKey + 1);
  #length = 0;

  constructor(command: Command, timeToLive: number | undefined) {
    this.line = new RequestLine(command);
    this.line.timeToLive = timeToLive;
  }

  /** Reads on to the next key; returns the position behind it. `key` tells it, if there is one. */
  read(bytes: Buffer, start: number, limit: number): number {
    this.#key = undefined;
    let at = start;
    if (this.#length === 0) while (at < limit && bytes[at] === space) at++;
    const from = at;
    while (at < limit && bytes[at] !== space && bytes[at] !== newline) at++;
    if (at === limit) {
      this.#keep(bytes, from, at);
      return at;
    }
    this.done = bytes[at] === newline;
    if (this.#length === 0) this.#end(bytes, from, at);
    else {
      this.#keep(bytes, from, at);
      if (!this.wrong) this.#end(this.#part, 0, this.#length);
      this.#length = 0;
    }
    return at + 1;
  }

  /** What the last `read` came to: a key as Latin-1, or undefined when there was none before the end of the piece or line. */
  get key(): string | undefined {
    return this.#key;
  }

  #key: string | undefined;

  #keep(bytes: Buffer, from: number, to: number): void {
    if (this.#length + to - from > this.#part.length) {
      this.wrong = true;
      return;
    }
    bytes.copy(this.#part, this.#length, from, to);
    this.#length += to - from;
  }

  #end(bytes: Buffer, from: number, to: number): void {
    const end = this.done && to > from && bytes[to - 1] === carriageReturn ? to - 1 : to;
    if (end - from > longestClientKey) this.wrong = true;
    else if (end > from) this.#key = bytes.toString('latin1', from, end);
  }
}
