import { CisternError } from './error.ts';
import { digest128 } from './runtime.ts';
import { longestKey } from './store.ts';

/** What a key is made of. `1`, `'1'`, `1n` and `true` are four different parts; `-0` is `0`. */
export type KeyPart = string | number | bigint | boolean;

/** The parts of a key, in order. */
export type KeyTuple = readonly [KeyPart, ...KeyPart[]];

/** The longest encoded key, in characters: longer ones are a mistake, not a key. */
export const longestEncodedKey = 8192;

/** Between `encodeKey`'s parts; never inside one. */
const separator = ',';

const plain = /^[!-$&-+\--~]*$/;

/**
 * One part as printable ASCII, in the look of a literal: `42`, `42n`, `true`, `'text`. Injective: a text begins with an
 * apostrophe, and in it everything outside 0x21 to 0x7e, `%` and `,` is escaped by UTF-16 code unit (`%u20AC`, `%0A`), so
 * lone surrogates survive. Throws `CISTERN_KEY` for NaN, infinities and everything that is no part.
 */
export function encodePart(part: KeyPart): string {
  switch (typeof part) {
    case 'string':
      return plain.test(part) ? `'${part}` : `'${part.replace(/[^!-$&-+\--~]/g, escapeUnit)}`;
    case 'number':
      if (!Number.isFinite(part))
        throw new CisternError('CISTERN_KEY', { key: part, problem: 'is not finite' });
      return part === 0 ? '0' : String(part);
    case 'bigint':
      return `${part}n`;
    case 'boolean':
      return part ? 'true' : 'false';
    default:
      throw new CisternError('CISTERN_KEY', {
        key: part,
        problem: `has a part that is ${part === null ? 'null' : `of type ${typeof part}`}`,
      });
  }
}

function escapeUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  return code < 0x80
    ? `%${code.toString(16).toUpperCase().padStart(2, '0')}`
    : `%u${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

/**
 * A whole key as printable ASCII, injective over tuples. Throws `CISTERN_KEY` for an empty tuple, a lone empty string and
 * more than `longestEncodedKey` characters.
 */
export function encodeKey(parts: readonly KeyPart[]): string {
  if (!Array.isArray(parts) || parts.length === 0 || (parts.length === 1 && parts[0] === '')) {
    throw new CisternError('CISTERN_KEY', { key: parts, problem: 'is empty' });
  }
  let encoded = encodePart(parts[0]!);
  for (let index = 1; index < parts.length; index++) encoded += separator + encodePart(parts[index]!);
  if (encoded.length > longestEncodedKey) {
    throw new CisternError('CISTERN_KEY', {
      key: encoded,
      problem: `is longer than ${longestEncodedKey} characters once encoded`,
    });
  }
  return encoded;
}

/** A key as it goes to a store. */
export interface StoreKey {
  readonly key: string;
  /** The encoded key, if only its hash is in `key`: it is written into the envelope and compared on every read. */
  readonly hashed: string | undefined;
}

/** Puts `prefix` (namespace, version, generation) in front; a result over `longestKey` characters keeps the prefix and a 128-bit hash. */
export function storeKey(prefix: string, encoded: string): StoreKey {
  if (prefix.length + encoded.length <= longestKey) return { key: prefix + encoded, hashed: undefined };
  return { key: `${prefix}#${digest128(encoded)}`, hashed: encoded };
}
