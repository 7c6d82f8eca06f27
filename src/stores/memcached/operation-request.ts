import { wrongOption } from '../../core/error.ts';
import type { Operation } from '../../core/store.ts';
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
import { contractForm } from './entry-life.ts';
import type { EntryForm } from './entry-form.ts';

const largestCount = 2n ** 64n - 1n;

/**
 * The request line of an operation, without its key (of at most `longestKey` characters); for a `set` its value follows the line. `casKept` says whether the server keeps CAS
 * values: without them a lease could never be filled, so none is asked for. `era`: in which CAS values are made now (see `cas-era.ts`). `form`: how lives and flags are written. Throws
 * `CISTERN_OPTION` for what is not allowed: a line made from it could be read as other commands.
 */
export function requestOf(
  operation: Operation,
  casKept: boolean,
  longestKey: number,
  era = 0,
  form: EntryForm = contractForm,
): string {
  checkKey(operation.key, longestKey);
  switch (operation.kind) {
    case 'get': {
      const { recache, touch, lease } = operation;
      if (recache === undefined && touch === undefined) {
        return getRequest(0, undefined, lease === undefined || !casKept ? 0 : form.span('lease', lease));
      }
      return getRequest(
        recache === undefined || !casKept ? 0 : form.threshold(recache),
        touch === undefined ? undefined : form.timeToLive(touch),
        lease === undefined || !casKept ? 0 : form.span('lease', lease),
      );
    }
    case 'set': {
      const { value, flags, life, mode, cas } = operation;
      if (!(value instanceof Uint8Array)) throw wrongOption('value', value, 'a Uint8Array');
      if (!Number.isInteger(flags) || flags < 0 || flags > form.largestFlags) {
        throw wrongOption('flags', flags, `an integer from 0 to ${form.largestFlags}`);
      }
      if (storeModes[mode] === undefined) throw wrongOption('mode', mode, Object.keys(storeModes).join(', '));
      const seconds = form.timeToLive(life);
      return storeRequest(value.length, seconds, form.clientFlags(flags, life), mode, knownCas(cas, era));
    }
    case 'delete': {
      const { staleFor, cas } = operation;
      return staleFor === undefined
        ? deleteRequest(knownCas(cas, era))
        : invalidateRequest(form.mark(staleFor), knownCas(cas, era));
    }
    case 'touch':
      return touchRequest(form.timeToLive(operation.life));
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
      return countRequest(delta, { value, timeToLive: form.timeToLive(life) });
    }
    case 'release': {
      const cas = knownCas(operation.cas, era)!;
      switch (operation.right) {
        case 'lease':
          return deleteRequest(cas);
        case 'recache':
          return unwinRequest(cas);
        case 'stale':
          return invalidateRequest(undefined, cas);
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
