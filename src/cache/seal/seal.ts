import { copy } from './copy.ts';
import { bigintBytes, numberBytes, stringBytes } from './heap-size.ts';
import { makeReadOnly } from './read-only.ts';
import { Survey } from './survey.ts';

/**
 * How the near tier keeps what it hands out from being changed into the cache. `frozen`: deep-frozen in place, all readers
 * get the same value; `clone`: every reader gets a copy of its own; `shared`: all get the same changeable value, which is
 * the caller's risk.
 */
export type Sharing = 'frozen' | 'clone' | 'shared';

export interface Sealed {
  /** What the near tier keeps. */
  readonly value: unknown;
  /** The estimated heap bytes of it. */
  readonly bytes: number;
  /** `value` is a private copy: hand out `copy(value)`, never itself. The value that was sealed is left as it was. */
  readonly copied: boolean;
}

export interface Unstorable {
  /** Where: `value.items[3].fn`. */
  readonly path: string;
  /** What: `is a function`. Path and problem make a sentence. */
  readonly problem: string;
}

/**
 * Prepares a value for the near tier in one walk: checks that every part is storable, weighs it, and freezes it. Storable are
 * primitives except symbols, plain objects, arrays, Date, Map, Set, Buffer, ArrayBuffer, typed arrays and DataView, without
 * cycles, accessors, symbol keys, holes in great number, or more than 1,000 levels. An object may be referred to from several
 * places. Only own enumerable properties count, and of an array only its elements. Getters are never called. An unstorable
 * value is not changed.
 *
 * A `frozen` value with a part that cannot be frozen (Buffers and other binary data; Dates, Maps and Sets that somebody else
 * froze) is copied instead, and what was given stays as it is.
 *
 * With `opaque`, instances of classes are let through: as they are, shared by all readers, neither frozen nor copied nor
 * looked into (cycles and functions in them are their own affair), and weighed roughly. It is meant for caches without a remote
 * tier, where rows of an object mapper never meet a serialiser.
 */
export function seal(value: unknown, sharing: Sharing, opaque = false): Sealed | Unstorable {
  if (typeof value !== 'object' || value === null) return sealPrimitive(value);
  try {
    return sealObject(value, sharing, opaque);
  } catch (error) {
    // Only a Proxy can throw while it is walked: revoked, or by a trap.
    return { path: 'value', problem: `cannot be read or frozen (${messageOf(error)})` };
  }
}

export function isUnstorable(result: Sealed | Unstorable): result is Unstorable {
  return 'problem' in result;
}

function sealPrimitive(value: unknown): Sealed | Unstorable {
  switch (typeof value) {
    case 'function':
    case 'symbol':
      return { path: 'value', problem: `is a ${typeof value}` };
    case 'string':
      return { value, bytes: stringBytes(value), copied: false };
    case 'number':
      return { value, bytes: numberBytes(value), copied: false };
    case 'bigint':
      return { value, bytes: bigintBytes(value), copied: false };
    default:
      return { value, bytes: 0, copied: false };
  }
}

function sealObject(value: object, sharing: Sharing, opaque: boolean): Sealed | Unstorable {
  const survey = new Survey(sharing === 'frozen', opaque);
  if (!survey.visit(value)) return { path: survey.path, problem: survey.problem };
  const { bytes } = survey;
  if (sharing === 'clone' || (sharing === 'frozen' && survey.unfreezable)) {
    return { value: copy(value), bytes, copied: true };
  }
  if (sharing === 'frozen') freeze(survey);
  return { value, bytes, copied: false };
}

function freeze({ objects, kinds }: Survey): void {
  for (let index = 0; index < objects.length; index++) {
    const kind = kinds[index];
    if (kind === 'date' || kind === 'map' || kind === 'set') makeReadOnly(objects[index]!, kind);
    else Object.freeze(objects[index]!);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
