import { readClassicLine } from './classic-line.ts';
import { LineTokens } from './line-tokens.ts';
import { readMetaLine } from './meta-line.ts';
import { complaints, errorLine, longestClientKey, RequestLine } from './request-line.ts';

const metaCommands = ['mg', 'ms', 'md', 'ma', 'me', 'mn'] as const;

/** The commands that take several keys in one line. */
export type GetCommand = 'get' | 'gets' | 'gat' | 'gats';
const getCommands = ['get', 'gets', 'gat', 'gats'] as const;

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
    const word = tokens.text(0);
    // What lines carry is the text of the program, not that of the request: such texts are compared by where they are.
    const command = metaCommands.find((each) => each === word);
    return command === undefined ? readClassicLine(word, tokens) : readMetaLine(command, tokens);
  }

  /**
   * The head of a `get` or one of its kin: undefined for every other line. `whole`: the line ends at `end`; then its keys are
   * looked at, as one that is too long spoils all of them, and a line of one key is a request like any other.
   */
  readGet(bytes: Buffer, start: number, end: number, whole: boolean): GetHead | RequestLine | undefined {
    const tokens = this.#tokens;
    tokens.read(bytes, start, end);
    if (tokens.count === 0 || tokens.length(0) > 4) return undefined;
    const word = tokens.text(0);
    const command = getCommands.find((each) => each === word);
    if (command === undefined) return undefined;
    const touches = command === 'gat' || command === 'gats';
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
