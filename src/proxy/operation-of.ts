import type { GetOperation, Operation } from '../core/store.ts';
import type { RequestLine } from '../wire/memcached-server/request-line.ts';
import { leaseOf, lifeOf, millisecondsOf, recacheOf } from './time-to-live.ts';

/** What the proxy knows beside the request. */
export interface Circumstances {
  readonly deadline: number;
  /** Unix time in milliseconds: asked only where a time of the request is one. */
  readonly wall: () => number;
  /** The store's CAS, of a number from a client. */
  readonly cas: (key: string, number: string) => string;
}

/** The operation that a request asks for; undefined for those that are none, or more than one. `key` is the name in the store. */
export function operationOf(
  line: RequestLine,
  key: string,
  value: Uint8Array | undefined,
  circumstances: Circumstances,
): Operation | undefined {
  const { deadline, wall } = circumstances;
  switch (line.command) {
    case 'mg':
      return getOf(line, key, circumstances);
    case 'me':
    case 'get':
    case 'gets':
      return { kind: 'get', key, deadline };
    case 'gat':
    case 'gats':
      return { kind: 'get', key, deadline, touch: lifeOf(line.timeToLive, wall) };
    case 'ms':
    case 'set':
    case 'add':
    case 'replace':
    case 'append':
    case 'prepend':
    case 'cas':
      return storeOf(line, key, value!, circumstances);
    case 'md':
      return deleteOf(line, key, circumstances);
    case 'delete':
      return { kind: 'delete', key, deadline };
    case 'touch':
      return { kind: 'touch', key, deadline, life: lifeOf(line.timeToLive, wall) };
    case 'ma':
      if (line.timeToLive !== undefined) return undefined;
      return countOf(line, key, circumstances);
    case 'incr':
    case 'decr':
      return { kind: 'count', key, deadline, delta: line.delta };
    default:
      return undefined;
  }
}

/**
 * Flags are carried out from left to right: a time that is asked for in front of `T` is the old one, and `R` behind `T` looks at the new
 * one. A `get` that touches knows neither of them: that takes two operations.
 */
function getOf(line: RequestLine, key: string, { deadline, wall }: Circumstances): Operation | undefined {
  const { vivify, timeToLive, letters } = line;
  if (vivify === undefined && timeToLive === undefined && line.recache === undefined)
    return { kind: 'get', key, deadline };
  const recache = line.recache === undefined ? undefined : recacheOf(line.recache);
  if (timeToLive === undefined) {
    if (vivify === undefined) return withRecache({ kind: 'get', key, deadline }, recache);
    const lease = leaseOf(vivify, wall);
    return withRecache({ kind: 'get', key, deadline, lease }, recache);
  }
  if (tellsOldTime(letters) || recachesByNewTime(letters)) return undefined;
  const touch = lifeOf(timeToLive, wall);
  const lease = vivify === undefined ? undefined : { lease: leaseOf(vivify, wall) };
  return withRecache({ kind: 'get', key, deadline, touch, ...lease }, recache);
}

/** The same without its `T`, for the two operations. */
export function untouchedGetOf(
  line: RequestLine,
  key: string,
  { deadline, wall }: Circumstances,
): GetOperation {
  const lease = line.vivify === undefined ? undefined : { lease: leaseOf(line.vivify, wall) };
  const recache = line.recache === undefined ? undefined : recacheOf(line.recache);
  return withRecache({ kind: 'get', key, deadline, ...lease }, recache);
}

function tellsOldTime(letters: string): boolean {
  return /t.*T/.test(letters);
}

export function recachesByNewTime(letters: string): boolean {
  return /T.*R/.test(letters);
}

function withRecache(operation: GetOperation, recache: number | undefined): GetOperation {
  return recache === undefined ? operation : { ...operation, recache };
}

function storeOf(
  line: RequestLine,
  key: string,
  value: Uint8Array,
  { deadline, wall, cas }: Circumstances,
): Operation {
  const { mode, clientFlags: flags, compare } = line;
  const life = lifeOf(line.timeToLive, wall);
  // An `add` looks at no CAS: it needs a key that has none.
  if (compare === undefined || mode === 'add')
    return { kind: 'set', mode, key, deadline, value, flags, life };
  return { kind: 'set', mode, key, deadline, value, flags, life, cas: cas(key, compare) };
}

/** A mark that keeps the life of its entry has to be told that life: that takes two operations. */
function deleteOf(
  line: RequestLine,
  key: string,
  { deadline, wall, cas }: Circumstances,
): Operation | undefined {
  const condition = line.compare === undefined ? undefined : { cas: cas(key, line.compare) };
  if (!line.stale) return { kind: 'delete', key, deadline, ...condition };
  if (line.timeToLive === undefined) return undefined;
  const staleFor = millisecondsOf(line.timeToLive, wall);
  return staleFor === 0
    ? { kind: 'delete', key, deadline, ...condition }
    : { kind: 'delete', key, deadline, staleFor, ...condition };
}

export function countOf(line: RequestLine, key: string, { deadline, wall }: Circumstances): Operation {
  const { delta, initial: value, vivify } = line;
  if (vivify === undefined) return { kind: 'count', key, deadline, delta };
  return { kind: 'count', key, deadline, delta, initial: { value, life: lifeOf(vivify, wall) } };
}

/** What the contract has no word for; undefined for everything else. The text is the answer. */
export function unsupported(line: RequestLine): string | undefined {
  switch (line.command) {
    case 'mg':
      if (/[hl]/.test(line.letters))
        return 'CLIENT_ERROR flags h and l are not supported: this is a proxy, which does not know them';
      return tellsOldTime(line.letters) && recachesByNewTime(line.letters)
        ? 'CLIENT_ERROR flags t, T and R in this order are not supported by this proxy'
        : undefined;
    case 'ms':
      return line.stale && line.compare !== undefined
        ? 'CLIENT_ERROR flag I of ms is not supported by this proxy'
        : undefined;
    case 'ma':
      return line.compare === undefined
        ? undefined
        : 'CLIENT_ERROR flag C of ma is not supported by this proxy';
    case 'flush_all':
      return line.timeToLive !== undefined && line.timeToLive > 0
        ? 'CLIENT_ERROR flush_all with a delay is not supported by this proxy'
        : undefined;
    default:
      return undefined;
  }
}
