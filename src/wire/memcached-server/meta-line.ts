import type { LineTokens } from './line-tokens.ts';
import {
  complaints,
  errorLine,
  lastErrorLine,
  longestClientKey,
  RequestLine,
  type StoreMode,
} from './request-line.ts';

export type MetaCommand = 'mg' | 'ms' | 'md' | 'ma' | 'me' | 'mn';

/** Tokens of a line, command and key among them. */
const mostTokens = 19;
/** With the letter. */
const longestOpaque = 32;

const storeModes: Readonly<Record<string, StoreMode>> = {
  E: 'add',
  A: 'append',
  P: 'prepend',
  R: 'replace',
  S: 'set',
};
/** +1 adds, -1 takes away. */
const countModes: Readonly<Record<string, bigint>> = { I: 1n, '+': 1n, D: -1n, '-': -1n };

/**
 * The lines of the meta protocol, with the flags of 1.6.18: each letter at most once, letters that a command has no use for are
 * taken and have no effect, those that the server does not know are errors. Token 0 is the command, token 1 the key.
 *
 * Source: memcached's `doc/protocol.txt`, "Meta Commands", and 1.6.18 on the wire for what is wrong.
 */
export function readMetaLine(command: MetaCommand, tokens: LineTokens): RequestLine {
  if (command === 'mn') return new RequestLine(command);
  const { count } = tokens;
  if (count < 2) return command === 'me' ? errorLine(complaints.format) : errorLine(complaints.unknown);
  if (command === 'ms') return readStore(tokens);
  if (tokens.length(1) > longestClientKey) return errorLine(complaints.format);
  const line = new RequestLine(command);
  if (command === 'me') {
    line.base64 = count > 2 && tokens.text(2) === 'b';
    return line;
  }
  if (count > mostTokens) {
    return errorLine(command === 'mg' ? complaints.manyGetFlags : complaints.manyFlags);
  }
  const problem = readFlags(line, tokens, 2);
  if (problem === undefined || problem === complaints.opaque) {
    if (problem !== undefined) return errorLine(problem);
    return line;
  }
  const own = command === 'mg' || problem === complaints.countMode;
  return errorLine(own ? problem : complaints.flagOrDuplicate);
}

/** Where the size can be read the value is skipped when the line is wrong; where it cannot, the stream is lost. */
function readStore(tokens: LineTokens): RequestLine {
  if (tokens.count < 3) return lastErrorLine(complaints.format);
  const bytes = tokens.size(2);
  if (Number.isNaN(bytes)) return lastErrorLine(complaints.format);
  const line = new RequestLine('ms');
  const problem =
    tokens.length(1) > longestClientKey
      ? complaints.format
      : tokens.count > mostTokens
        ? complaints.manyFlags
        : readFlags(line, tokens, 3);
  if (problem !== undefined) {
    const wrong = errorLine(problem);
    wrong.bytes = bytes;
    return wrong;
  }
  line.bytes = bytes;
  return line;
}

/** Reads the flags into the line; tells what is wrong with them. */
function readFlags(line: RequestLine, tokens: LineTokens, first: number): string | undefined {
  let seen = 0n;
  let problem: string | undefined;
  for (let token = first; token < tokens.count; token++) {
    const letter = tokens.byte(token, 0);
    const bit = 1n << BigInt(letter);
    if (letter >= 127 || (seen & bit) !== 0n) return complaints.duplicate;
    seen |= bit;
    const wrong = readFlag(line, tokens, token, String.fromCharCode(letter));
    if (wrong === complaints.flag) return wrong;
    problem = wrong ?? problem;
  }
  return problem;
}

function readFlag(line: RequestLine, tokens: LineTokens, token: number, letter: string): string | undefined {
  line.letters += letter;
  switch (letter) {
    case 'k':
    case 's':
    case 't':
    case 'c':
    case 'f':
    case 'h':
    case 'l':
    case 'u':
    // Hints for proxies, of no effect.
    case 'P':
    case 'L':
      return undefined;
    case 'v':
      line.wantsValue = true;
      return undefined;
    case 'q':
      line.quiet = true;
      return undefined;
    case 'b':
      line.base64 = true;
      return undefined;
    case 'I':
      line.stale = true;
      return undefined;
    case 'O':
      line.opaque = tokens.text(token);
      return line.opaque.length > longestOpaque ? complaints.opaque : undefined;
    case 'T':
      return Number.isNaN((line.timeToLive = tokens.time(token, 1))) ? complaints.token : undefined;
    case 'N':
      return Number.isNaN((line.vivify = tokens.time(token, 1))) ? complaints.token : undefined;
    case 'R':
      return Number.isNaN((line.recache = tokens.time(token, 1))) ? complaints.token : undefined;
    case 'F':
      return Number.isNaN((line.clientFlags = tokens.flags(token, 1))) ? complaints.format : undefined;
    case 'C': {
      const compare = tokens.large(token, 1);
      if (compare === undefined) return complaints.token;
      line.compare = String(compare);
      return undefined;
    }
    case 'D': {
      const delta = tokens.large(token, 1);
      if (delta === undefined) return complaints.delta;
      line.delta = line.delta < 0n ? -delta : delta;
      return undefined;
    }
    case 'J': {
      const initial = tokens.large(token, 1);
      if (initial === undefined) return complaints.initial;
      line.initial = initial;
      return undefined;
    }
    case 'M':
      return readMode(line, tokens, token);
    default:
      return complaints.flag;
  }
}

function readMode(line: RequestLine, tokens: LineTokens, token: number): string | undefined {
  if (tokens.length(token) !== 2) return complaints.modeLength;
  const letter = tokens.text(token, 1);
  if (line.command === 'ms') {
    const mode = storeModes[letter];
    if (mode === undefined) return complaints.storeMode;
    line.mode = mode;
  } else if (line.command === 'ma') {
    const sign = countModes[letter];
    if (sign === undefined) return complaints.countMode;
    line.delta *= sign;
  }
  return undefined;
}
