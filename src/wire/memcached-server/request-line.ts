/** The commands of both protocols, and what a parser makes of lines that are none. */
export type Command =
  | 'mg'
  | 'ms'
  | 'md'
  | 'ma'
  | 'me'
  | 'mn'
  | 'get'
  | 'gets'
  | 'gat'
  | 'gats'
  /** Behind the keys of one `get` with several: there is nothing to do but to answer `END`. */
  | 'end'
  | 'set'
  | 'add'
  | 'replace'
  | 'append'
  | 'prepend'
  | 'cas'
  | 'incr'
  | 'decr'
  | 'delete'
  | 'touch'
  | 'flush_all'
  | 'version'
  | 'verbosity'
  | 'stats'
  | 'quit'
  /** Nothing to do: `text` is the answer. */
  | 'error';

/** How a value is stored; `ms` and the classic commands have the same five. */
export type StoreMode = 'set' | 'add' | 'replace' | 'append' | 'prepend';

/**
 * What a request line says besides its key. It does not change once it is read: equal lines share one object. Times are
 * in seconds as they were written: 0 is never, above 30 days a Unix time, below 0 over at once.
 */
export class RequestLine {
  readonly command: Command;
  /** No answer is wanted when all went well (`q`), or none at all (`noreply`). */
  quiet = false;
  /** Bytes of the value that follows the line, CR LF behind it not counted; -1: none follows. Behind an `error` they are skipped. */
  bytes = -1;
  mode: StoreMode = 'set';
  /** 32 bits. */
  clientFlags = 0;
  /** `T`, or the time of a classic command. */
  timeToLive: number | undefined = undefined;
  /** `C`, or the CAS of `cas`: decimal, at most 64 bits, without zeros in front. */
  compare: string | undefined = undefined;
  /** `D`; negative to take away. */
  delta = 1n;
  /** `J`. */
  initial = 0n;
  /** `N`. */
  vivify: number | undefined = undefined;
  /** `R`. */
  recache: number | undefined = undefined;
  /** The letters of a meta command's flags in their order: it tells what is answered, and how. */
  letters = '';
  /** With the letter: `O123`; `''`: none. */
  opaque = '';
  /** The key is written in base64. */
  base64 = false;
  /** `v`. */
  wantsValue = false;
  /** `I`. */
  stale = false;
  /** The last key of its line: `END` follows its answer. */
  last = false;
  /** Of an `error`: the answer, without CR LF; `''`: none. Of `stats`: what was asked for. */
  text = '';
  /** Nobody can know where the next request begins: once this is answered, the connection must be closed. */
  closes = false;

  constructor(command: Command) {
    this.command = command;
  }

  /** Its first word is a key. */
  get keyed(): boolean {
    return !keyless.includes(this.command);
  }
}

const keyless: readonly Command[] = [
  'mn',
  'end',
  'flush_all',
  'version',
  'verbosity',
  'stats',
  'quit',
  'error',
];

/** The answer to a line that is no request. */
export function errorLine(text: string): RequestLine {
  const line = new RequestLine('error');
  line.text = text;
  return line;
}

/** The same where the stream is lost. */
export function lastErrorLine(text: string): RequestLine {
  const line = errorLine(text);
  line.closes = true;
  return line;
}

/** The longest key of a client, in bytes; of a base64 key it is the text that counts. */
export const longestClientKey = 250;

/** The words of memcached 1.6.18. */
export const complaints = {
  unknown: 'ERROR',
  format: 'CLIENT_ERROR bad command line format',
  deleteFormat: 'CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]',
  token: 'CLIENT_ERROR bad token in command line format',
  duplicate: 'CLIENT_ERROR duplicate flag',
  flag: 'CLIENT_ERROR invalid flag',
  flagOrDuplicate: 'CLIENT_ERROR invalid or duplicate flag',
  manyGetFlags: 'CLIENT_ERROR options flags are too long',
  manyFlags: 'CLIENT_ERROR options flags too long',
  modeLength: 'CLIENT_ERROR incorrect length for M token',
  storeMode: 'CLIENT_ERROR invalid mode for ms M token',
  countMode: 'CLIENT_ERROR invalid mode for ma M token',
  opaque: 'CLIENT_ERROR opaque token too long',
  base64: 'CLIENT_ERROR error decoding key',
  delta: 'CLIENT_ERROR invalid numeric delta value',
  initial: 'CLIENT_ERROR invalid numeric initial value',
  time: 'CLIENT_ERROR invalid exptime argument',
  classicDelta: 'CLIENT_ERROR invalid numeric delta argument',
  value: 'CLIENT_ERROR bad data chunk',
  notANumber: 'CLIENT_ERROR cannot increment or decrement non-numeric value',
  tooLarge: 'SERVER_ERROR object too large for cache',
  noMemory: 'SERVER_ERROR out of memory storing object',
} as const;
