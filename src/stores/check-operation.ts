import { asError, CisternError, wrongOption } from '../core/error.ts';
import { largestFlags, type Life, type Operation } from '../core/store.ts';

/** Prefixes come on top of the contract's 160 characters; memcached takes 250, and so do the stores in this process. */
const longestPrefixedKey = 250;

/** Client flags that a raw store keeps. */
const largestRawFlags = 0xffff_ffff;

const modes = ['set', 'add', 'replace', 'append', 'prepend'];
const rights = ['lease', 'recache', 'stale'];

/**
 * What is wrong with an operation; `undefined` for a good one. Callers in plain JavaScript do hand over anything. `raw`: for a raw
 * store. Never throws.
 */
export function operationProblem(operation: Operation, raw = false): Error | undefined {
  try {
    return problem(operation, raw);
  } catch (thrown) {
    return asError(thrown);
  }
}

function problem(operation: Operation, raw: boolean): Error | undefined {
  if (typeof operation !== 'object' || operation === null)
    return wrongOption('operation', operation, 'an object');
  const { key } = operation;
  if (typeof key !== 'string' || !/^[!-~]+$/.test(key))
    return new CisternError('CISTERN_KEY', { key, problem: 'is not printable ASCII without spaces' });
  if (key.length > longestPrefixedKey)
    return new CisternError('CISTERN_KEY', {
      key,
      problem: `is longer than ${longestPrefixedKey} characters`,
    });
  if (typeof operation.deadline !== 'number' || Number.isNaN(operation.deadline))
    return wrongOption('deadline', operation.deadline, 'a point in time on the monotonic clock');
  return detailProblem(operation, raw);
}

function detailProblem(operation: Operation, raw: boolean): Error | undefined {
  switch (operation.kind) {
    case 'get':
      return (
        spanProblem('lease', operation.lease, 1) ??
        spanProblem('recache', operation.recache) ??
        (operation.touch === undefined ? undefined : lifeProblem(operation.touch))
      );
    case 'set':
      if (!modes.includes(operation.mode)) return wrongOption('mode', operation.mode, modes.join(', '));
      if (!(operation.value instanceof Uint8Array))
        return wrongOption('value', operation.value, 'a Uint8Array');
      return (
        flagsProblem(operation.flags, raw ? largestRawFlags : largestFlags) ??
        lifeProblem(operation.life) ??
        casProblem(operation.cas)
      );
    case 'delete':
      return spanProblem('staleFor', operation.staleFor) ?? casProblem(operation.cas);
    case 'touch':
      return lifeProblem(operation.life);
    case 'count':
      if (typeof operation.delta !== 'bigint') return wrongOption('delta', operation.delta, 'a bigint');
      if (operation.initial === undefined) return undefined;
      if (
        typeof operation.initial.value !== 'bigint' ||
        BigInt.asUintN(64, operation.initial.value) !== operation.initial.value
      )
        return wrongOption('initial.value', operation.initial.value, 'a bigint from 0 to 2^64 - 1');
      return lifeProblem(operation.initial.life);
    case 'release':
      if (!rights.includes(operation.right)) return wrongOption('right', operation.right, rights.join(', '));
      return typeof operation.cas === 'string' ? undefined : casProblem(operation.cas ?? null);
    default:
      return wrongOption(
        'kind',
        (operation as { readonly kind: unknown }).kind,
        'get, set, delete, touch, count or release',
      );
  }
}

function spanProblem(option: string, span: number | undefined, least = 0): Error | undefined {
  return span === undefined || span >= least
    ? undefined
    : wrongOption(option, span, `milliseconds, at least ${least}`);
}

function flagsProblem(flags: number, largest: number): Error | undefined {
  return Number.isInteger(flags) && flags >= 0 && flags <= largest
    ? undefined
    : wrongOption('flags', flags, `a whole number from 0 to ${largest}`);
}

function lifeProblem(life: Life): Error | undefined {
  if (typeof life !== 'object' || life === null) return wrongOption('life', life, 'freshFor and staleFor');
  return (
    (life.freshFor >= 0 ? undefined : wrongOption('freshFor', life.freshFor, 'milliseconds, at least 0')) ??
    (life.staleFor >= 0 ? undefined : wrongOption('staleFor', life.staleFor, 'milliseconds, at least 0'))
  );
}

function casProblem(cas: unknown): Error | undefined {
  return cas === undefined || typeof cas === 'string' ? undefined : wrongOption('cas', cas, 'a string');
}
