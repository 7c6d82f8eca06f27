import type { LineTokens } from './line-tokens.ts';
import {
  type Command,
  complaints,
  errorLine,
  lastErrorLine,
  longestClientKey,
  RequestLine,
  type StoreMode,
} from './request-line.ts';

const commands = [
  'set',
  'add',
  'replace',
  'append',
  'prepend',
  'cas',
  'incr',
  'decr',
  'touch',
  'delete',
  'flush_all',
  'verbosity',
  'stats',
  'version',
  'quit',
] as const;

/**
 * The lines of the classic text protocol, but those of the `get` family, whose keys are the parser's business. Token 0 is the
 * command, token 1 the key where there is one.
 *
 * Source: memcached's `doc/protocol.txt`, and 1.6.18 on the wire for what is wrong.
 */
export function readClassicLine(word: string, tokens: LineTokens): RequestLine {
  const { count } = tokens;
  const command = commands.find((each) => each === word);
  switch (command) {
    case 'set':
    case 'add':
    case 'replace':
    case 'append':
    case 'prepend':
    case 'cas':
      return readStore(command, tokens);
    case 'incr':
    case 'decr': {
      if (count !== 3 && count !== 4) return errorLine(complaints.unknown);
      const delta = tokens.large(2);
      if (delta === undefined) return complaint(tokens, complaints.classicDelta);
      const line = keyed(command, tokens);
      line.delta = command === 'incr' ? delta : -delta;
      return line;
    }
    case 'touch': {
      if (count !== 3 && count !== 4) return errorLine(complaints.unknown);
      const line = keyed(command, tokens);
      line.timeToLive = tokens.time(2);
      return Number.isNaN(line.timeToLive) ? complaint(tokens, complaints.time) : line;
    }
    case 'delete':
      if (count < 2 || count > 4) return errorLine(complaints.unknown);
      return readDelete(tokens);
    case 'flush_all': {
      if (count > 3) return errorLine(complaints.unknown);
      const line = keyless(command, tokens);
      const time = count - (line.quiet ? 1 : 0) > 1 ? tokens.time(1) : undefined;
      if (Number.isNaN(time)) return complaint(tokens, complaints.time);
      line.timeToLive = time;
      return line;
    }
    case 'verbosity': {
      if (count !== 2 && count !== 3) return errorLine(complaints.unknown);
      const line = keyless(command, tokens);
      return Number.isNaN(tokens.flags(1)) ? complaint(tokens, complaints.format) : line;
    }
    case 'stats': {
      const line = new RequestLine('stats');
      if (count > 1) line.text = tokens.text(1);
      return line;
    }
    case 'version':
      return new RequestLine('version');
    case 'quit': {
      const line = new RequestLine('quit');
      line.closes = true;
      return line;
    }
    default:
      return errorLine(complaints.unknown);
  }
}

/**
 * A line in front of a value. Where its size can be read the value is skipped when the line is wrong; where it cannot, the
 * stream is lost: what follows may be a value, and memcached would take it for commands.
 */
function readStore(command: StoreMode | 'cas', tokens: LineTokens): RequestLine {
  const compares = command === 'cas';
  const wanted = compares ? 6 : 5;
  const { count } = tokens;
  if (count < wanted || count > wanted + 1) return lastErrorLine(complaints.unknown);
  const bytes = tokens.size(4);
  if (Number.isNaN(bytes)) return lastErrorLine(complaints.format);
  const line = new RequestLine(command);
  line.bytes = bytes;
  line.mode = compares ? 'set' : command;
  line.clientFlags = tokens.flags(2);
  line.timeToLive = tokens.time(3);
  line.quiet = tokens.saysNoReply();
  if (compares) {
    const compare = tokens.large(5);
    if (compare === undefined) return skipping(tokens, bytes);
    line.compare = String(compare);
  }
  const wrong =
    Number.isNaN(line.clientFlags) || Number.isNaN(line.timeToLive) || tokens.length(1) > longestClientKey;
  return wrong ? skipping(tokens, bytes) : line;
}

function skipping(tokens: LineTokens, bytes: number): RequestLine {
  const line = complaint(tokens, complaints.format);
  line.bytes = bytes;
  return line;
}

function keyed(command: Command, tokens: LineTokens): RequestLine {
  if (tokens.length(1) > longestClientKey) return complaint(tokens, complaints.format);
  return keyless(command, tokens);
}

function keyless(command: Command, tokens: LineTokens): RequestLine {
  const line = new RequestLine(command);
  line.quiet = tokens.saysNoReply();
  return line;
}

/** Who wants no answer gets none to a wrong line either. */
function complaint(tokens: LineTokens, text: string): RequestLine {
  return errorLine(tokens.saysNoReply() ? '' : text);
}

/** `delete <key> [0] [noreply]`: the time of old clients must be 0. */
function readDelete(tokens: LineTokens): RequestLine {
  const quiet = tokens.saysNoReply(2);
  const rest = tokens.count - 2 - (quiet ? 1 : 0);
  const wrong = rest > 1 || (rest === 1 && tokens.text(2) !== '0');
  const line =
    wrong || tokens.length(1) > longestClientKey
      ? errorLine(quiet ? '' : wrong ? complaints.deleteFormat : complaints.format)
      : new RequestLine('delete');
  line.quiet = quiet;
  return line;
}
