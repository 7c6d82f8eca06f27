/**
 * Every error of Cistern: one class, one table of codes. Each message names what was wrong, its value, the allowed
 * range where there is one, and what to do. A miss is never an error, and a failing cache never fails a read that the
 * loader can answer.
 */

interface OptionDetails {
  readonly option: string;
  readonly value: unknown;
  readonly allowed: string;
}

interface Details {
  readonly CISTERN_OPTION: OptionDetails;
  readonly CISTERN_KEY: { readonly cache?: string; readonly key: unknown; readonly problem: string };
  readonly CISTERN_UNSTORABLE: { readonly cache: string; readonly path: string; readonly problem: string };
  readonly CISTERN_TOO_LARGE: {
    readonly what: string;
    readonly bytes: number;
    readonly limit: number;
    readonly option: string;
  };
  readonly CISTERN_CODEC: { readonly problem: string };
  readonly CISTERN_TIMEOUT: { readonly store: string; readonly milliseconds: number };
  readonly CISTERN_UNAVAILABLE: { readonly store: string; readonly problem: string };
  readonly CISTERN_DOWN: { readonly store: string; readonly problem: string };
  readonly CISTERN_PROTOCOL: { readonly store: string; readonly problem: string };
  readonly CISTERN_SERVER: { readonly store: string; readonly line: string };
  readonly CISTERN_OVERLOADED: {
    readonly store: string;
    readonly what: string;
    readonly limit: number;
    readonly option: string;
  };
  readonly CISTERN_DEADLINE: { readonly cache: string; readonly milliseconds: number };
  readonly CISTERN_LOAD_TIMEOUT: { readonly cache: string; readonly milliseconds: number };
  readonly CISTERN_LOAD_FAILED: { readonly cache: string; readonly problem: string };
  readonly CISTERN_LOAD_LIMIT: {
    readonly cache: string;
    readonly option: string;
    readonly limit: number;
    readonly problem: string;
  };
  readonly CISTERN_ABSENT: { readonly cache: string; readonly key: string };
  readonly CISTERN_IN_WRITE: { readonly cache: string };
  readonly CISTERN_SNAPSHOT: { readonly path: string; readonly problem: string };
  readonly CISTERN_JOURNAL: { readonly path: string; readonly problem: string };
  readonly CISTERN_MEMBERS: { readonly list: string; readonly others: readonly string[] };
  readonly CISTERN_CLOSED: { readonly what: string };
}

export type ErrorCode = keyof Details;

type Row<D> = { readonly retryable: boolean; readonly message: (details: D) => string };

const table: { readonly [C in ErrorCode]: Row<Details[C]> } = {
  CISTERN_OPTION: {
    retryable: false,
    message: ({ option, value, allowed }) =>
      `Option '${option}' is ${show(value)}, but must be ${allowed}. Correct it where the object is made.`,
  },
  CISTERN_KEY: {
    retryable: false,
    message: ({ cache, key, problem }) =>
      `Key ${show(key)}${cache === undefined ? '' : ` of cache '${cache}'`} ${problem}. ` +
      `A key is a tuple of strings, finite numbers, bigints and booleans.`,
  },
  CISTERN_UNSTORABLE: {
    retryable: false,
    message: ({ cache, path, problem }) =>
      `A value of cache '${cache}' cannot be stored: ${path} ${problem}. Store plain data ` +
      `(objects, arrays, primitives, Date, Map, Set, Buffer, typed arrays) instead.`,
  },
  CISTERN_TOO_LARGE: {
    retryable: false,
    message: ({ what, bytes, limit, option }) =>
      `${what} takes ${bytes} bytes, but at most ${limit} are allowed ('${option}'). Store less in one entry, or raise the limit.`,
  },
  CISTERN_CODEC: {
    retryable: false,
    message: ({ problem }) =>
      `A stored entry cannot be decoded: ${problem}. It counts as a miss; raise 'version' if its format changed.`,
  },
  CISTERN_TIMEOUT: {
    retryable: true,
    message: ({ store, milliseconds }) =>
      `${store} did not answer within ${milliseconds} ms. Check the server and the network, or raise 'timeout'.`,
  },
  CISTERN_UNAVAILABLE: {
    retryable: true,
    message: ({ store, problem }) =>
      `${store} cannot be reached: ${problem}. Check that the server runs and its address is right.`,
  },
  CISTERN_DOWN: {
    retryable: true,
    message: ({ store, problem }) =>
      `${store} is marked down: ${problem}. Requests fail at once until a probe is answered; check that the server runs.`,
  },
  CISTERN_PROTOCOL: {
    retryable: true,
    message: ({ store, problem }) =>
      `${store} sent what the protocol does not allow: ${problem}. The connection was closed; check that the port is a memcached's.`,
  },
  CISTERN_SERVER: {
    retryable: true,
    message: ({ store, line }) =>
      `${store} answered '${line}'. See the server's log and its limits (-m, -I, -c).`,
  },
  CISTERN_OVERLOADED: {
    retryable: true,
    message: ({ store, what, limit, option }) =>
      `${store} has ${limit} ${what} under way already ('${option}'). Send less at once, or raise the limit.`,
  },
  CISTERN_DEADLINE: {
    retryable: true,
    message: ({ cache, milliseconds }) =>
      `Cache '${cache}' had no answer within the caller's deadline of ${milliseconds} ms. Raise 'deadline', or speed up the loader.`,
  },
  CISTERN_LOAD_TIMEOUT: {
    retryable: true,
    message: ({ cache, milliseconds }) =>
      `The loader of cache '${cache}' did not settle within ${milliseconds} ms. Raise 'loadTimeout', or let the loader obey its signal.`,
  },
  CISTERN_LOAD_FAILED: {
    retryable: true,
    message: ({ cache, problem }) =>
      `The loader of cache '${cache}' ${problem}. Let it throw an Error, answer a value, or answer notFound.`,
  },
  CISTERN_LOAD_LIMIT: {
    retryable: true,
    message: ({ cache, option, limit, problem }) =>
      `Cache '${cache}' ${problem} ('${option}' is ${limit}). Raise the limit if the source can take more, or try again later.`,
  },
  CISTERN_ABSENT: {
    retryable: false,
    message: ({ cache, key }) =>
      `loadMany of cache '${cache}' gave no value for ${key}. Answer one for every id, or let 'absent' be 'notFound'.`,
  },
  CISTERN_IN_WRITE: {
    retryable: false,
    message: ({ cache }) =>
      `Cache '${cache}' was read inside mutate(), where a cached value may be older than the write. ` +
      `Read the source there, or set 'cachedReadsInWrite'.`,
  },
  CISTERN_SNAPSHOT: {
    retryable: false,
    message: ({ path, problem }) =>
      `The snapshot ${show(path)} ${problem}. The cache goes on without it, and the file is as it was; check the path, or save a new one.`,
  },
  CISTERN_JOURNAL: {
    retryable: false,
    message: ({ path, problem }) =>
      `The journal ${show(path)} ${problem}. Give each process a path of its own, where it may write.`,
  },
  CISTERN_MEMBERS: {
    retryable: true,
    message: ({ list, others }) =>
      `Other processes use other servers than the list '${list}' tells: ${others.map(showOne).join(', ')}. Give all the same; until ` +
      `then, keys that are on different servers in the two are kept for seconds only.`,
  },
  CISTERN_CLOSED: {
    retryable: false,
    message: ({ what }) => `${what} was used after close(). Close it when nothing uses it any more.`,
  },
};

/** How a value is shown in a message: short, on one line, and never throwing. */
function show(value: unknown): string {
  if (!Array.isArray(value)) return showOne(value);
  return `[${value.slice(0, 8).map(showOne).join(', ')}${value.length > 8 ? ', ...' : ''}]`;
}

function showOne(value: unknown): string {
  if (typeof value === 'string') return `'${short(value)}'`;
  if (typeof value === 'bigint') return `${short(String(value))}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return short(String(value));
}

function short(text: string): string {
  const cut = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return cut.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The one error class. `code` is stable; `retryable` says whether the same call may succeed later. */
export class CisternError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'CisternError';
  readonly code: C;
  readonly retryable: boolean;
  readonly details: Details[C];

  constructor(code: C, details: Details[C], cause?: unknown) {
    super(table[code].message(details), cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = table[code].retryable;
    this.details = details;
  }
}

/** The usual error of a constructor: names the option, what it is, and what is allowed. */
export function wrongOption(option: string, value: unknown, allowed: string): CisternError<'CISTERN_OPTION'> {
  return new CisternError('CISTERN_OPTION', { option, value, allowed });
}

/** What was thrown, as an Error: people do throw strings and undefined. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(show(thrown), { cause: thrown });
}
