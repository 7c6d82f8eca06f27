import { readClassicLine } from './classic-line.ts';
import { LineTokens } from './line-tokens.ts';
import { type MetaCommand, readMetaLine } from './meta-line.ts';
import { complaints, errorLine, longestClientKey, RequestLine } from './request-line.ts';

const metaCommands = ['mg', 'ms', 'md', 'ma', 'me', 'mn'];

/** The commands that take several keys in one line. */
export type GetCommand = 'get' | 'gets' | 'gat' | 'gats';

/** What a `get` or one of its kin says in front of its keys. */
export interface GetHead {
  readonly command: GetCommand;
  readonly timeToLive: number | undefined;
  /** Where the keys begin. */
  readonly keys: number;
}

/** Reads whole lines that were not seen before. */
export class LineReader {
  readonly #tokens = new LineTokens();

  /** `end`: where the line end begins. A line that is none of several keys. */
  read(bytes: Buffer, start: number, end: number): RequestLine {
    const tokens = this.#tokens;
    tokens.read(bytes, start, end);
    // No command is shorter than two characters.
    if (tokens.count === 0 || tokens.length(0) < 2) return errorLine(complaints.unknown);
    const command = tokens.text(0);
    if (metaCommands.includes(command)) return readMetaLine(command as MetaCommand, tokens);
    return readClassicLine(command, tokens);
  }

  /**
   * The head of a `get` or one of its kin: undefined for every other line. `whole`: the line ends at `end`; then its keys are
   * looked at, as one that is too long spoils all of them, and a line of one key is a request like any other.
   */
  readGet(bytes: Buffer, start: number, end: number, whole: boolean): GetHead | RequestLine | undefined {
    const tokens = this.#tokens;
    tokens.read(bytes, start, end);
    if (tokens.count === 0 || tokens.length(0) > 4) return undefined;
    const command = tokens.text(0);
    const touches = command === 'gat' || command === 'gats';
    if (!touches && command !== 'get' && command !== 'gets') return undefined;
    const first = touches ? 2 : 1;
    if (tokens.count < 2) return errorLine(complaints.unknown);
    const timeToLive = touches ? tokens.time(1) : undefined;
    if (Number.isNaN(timeToLive)) return errorLine(complaints.time);
    const keys = tokens.count > first ? tokens.start(first) : end;
    if (whole && hasLongKey(bytes, keys, end)) return errorLine(complaints.format);
    if (whole && !touches && tokens.count === 2) {
      const line = new RequestLine(command);
      line.last = true;
      return line;
    }
    return { command, timeToLive, keys };
  }
}

function hasLongKey(bytes: Buffer, start: number, end: number): boolean {
  let from = start;
  for (let at = start; at <= end; at++) {
    if (at < end && bytes[at] !== 32) continue;
    if (at - from > longestClientKey) return true;
    from = at + 1;
  }
  return false;
}
