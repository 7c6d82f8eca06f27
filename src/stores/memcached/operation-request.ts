import { wrongOption } from '../../core/error.ts';
import { largestFlags, type Life, type Operation } from '../../core/store.ts';
import {
  countRequest,
  deleteRequest,
  getRequest,
  invalidateRequest,
  storeModes,
  storeRequest,
  touchRequest,
  unwinRequest,
} from '../../wire/memcached-meta/meta-request.ts';
import { knownCas } from './cas-era.ts';
import { clientFlags, secondsAtLeast, timeToLive } from './entry-life.ts';

const largestCount = 2n ** 64n - 1n;

/**
 * The request line of an operation, without its key (of at most `longestKey` characters); for a `set` its value follows the line. `casKept` says whether the server keeps CAS
 * values: without them a lease could never be filled, so none is asked for. `era`: in which CAS values are made now (see `cas-era.ts`). Throws
 * `CISTERN_OPTION` for what is not allowed: a line made from it could be read as other commands.
 */
export function requestOf(operation: Operation, casKept: boolean, longestKey: number, era = 0): string {
  checkKey(operation.key, longestKey);
  switch (operation.kind) {
    case 'get': {
      const { recache, touch, lease } = operation;
      if (recache === undefined && touch === undefined) {
        return getRequest(0, 0, lease === undefined || !casKept ? 0 : span('lease', lease));
      }
      return getRequest(
        recache === undefined || !casKept ? 0 : threshold(recache),
        touch === undefined ? 0 : lifeSeconds(touch),
        lease === undefined || !casKept ? 0 : span('lease', lease),
      );
    }
    case 'set': {
      const { value, flags, life, mode, cas } = operation;
      if (!(value instanceof Uint8Array)) throw wrongOption('value', value, 'a Uint8Array');
      if (!Number.isInteger(flags) || flags < 0 || flags > largestFlags) {
        throw wrongOption('flags', flags, `an integer from 0 to ${largestFlags}`);
      }
      if (storeModes[mode] === undefined) throw wrongOption('mode', mode, Object.keys(storeModes).join(', '));
      const seconds = lifeSeconds(life);
      return storeRequest(value.length, seconds, clientFlags(flags, life), mode, knownCas(cas, era));
    }
    case 'delete': {
      const { staleFor, cas } = operation;
      return staleFor === undefined
        ? deleteRequest(knownCas(cas, era))
        : invalidateRequest(span('staleFor', staleFor), knownCas(cas, era));
    }
    case 'touch':
      return touchRequest(lifeSeconds(operation.life));
    case 'count': {
      const { delta, initial } = operation;
      if (typeof delta !== 'bigint' || delta > largestCount || delta < -largestCount) {
        throw wrongOption('delta', delta, 'a bigint of at most 64 bits, with or without a sign');
      }
      if (initial === undefined) return countRequest(delta, undefined);
      const { value, life } = initial;
      if (typeof value !== 'bigint' || value < 0n || value > largestCount) {
        throw wrongOption('initial.value', value, 'a bigint from 0 to 2^64 - 1');
      }
      return countRequest(delta, { value, timeToLive: lifeSeconds(life) });
    }
    case 'release': {
      const cas = knownCas(operation.cas, era)!;
      switch (operation.right) {
        case 'lease':
          return deleteRequest(cas);
        case 'recache':
          return unwinRequest(cas);
        case 'stale':
          return invalidateRequest(0, cas);
        default:
          throw wrongOption('right', operation.right, "'lease', 'recache' or 'stale'");
      }
    }
    default:
      throw wrongOption('kind', (operation as { kind: unknown }).kind, 'an operation of the contract');
  }
}

function checkKey(key: string, longest: number): void {
  if (typeof key !== 'string' || key.length === 0 || key.length > longest) throw wrongKey(key, longest);
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    if (unit < 0x21 || unit > 0x7e) throw wrongKey(key, longest);
  }
}

function wrongKey(key: unknown, longest: number): Error {
  return wrongOption('key', key, `1 to ${longest} characters from 0x21 to 0x7e`);
}

function span(option: string, milliseconds: number): number {
  if (!Number.isFinite(milliseconds) || milliseconds <= 0) {
    throw wrongOption(option, milliseconds, 'a positive number of milliseconds');
  }
  return secondsAtLeast(milliseconds);
}

/** `R` is compared with the time to live, which is one second longer than the life. */
function threshold(recache: number): number {
  return span('recache', recache);
}

function lifeSeconds(life: Life): number {
  const { freshFor, staleFor } = life;
  if (!Number.isFinite(freshFor) || freshFor < 0) {
    throw wrongOption('life.freshFor', freshFor, 'milliseconds, 0 or more and finite');
  }
  if (!Number.isFinite(staleFor) || staleFor < 0) {
    throw wrongOption('life.staleFor', staleFor, 'milliseconds, 0 or more and finite');
  }
  return timeToLive(life);
}
