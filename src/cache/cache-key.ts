import { CisternError } from '../core/error.ts';
import { encodeKey, encodePart, type KeyPart, longestEncodedKey } from '../core/key.ts';
import { type CacheKey, TenantPart } from './tenant.ts';

/** Begins the near tier's key of everything that is not one plain part; a text that begins so is encoded, too. */
const composed = '\u0000';

/**
 * The near tier's key of an id. A tuple of one part is that part itself, so that a hit builds no string; everything else is
 * encoded. Injective. It does not look at a single part: an illegal one (null, NaN) is found by `encodedKey`, before
 * anything is kept under it. A cache whose ids are their own keys has nothing encoded, and uses the id itself.
 */
export function nearKey(parts: CacheKey): KeyPart {
  if (parts.length === 1) {
    const part = parts[0];
    if (typeof part === 'string' ? part.charCodeAt(0) !== 0 : !(part instanceof TenantPart))
      return part as KeyPart;
  }
  return composed + encodedKey(parts);
}

/** A near key as its caller knows it: the one part as it is, or the text that `encodedKey` makes of several. `keyed`: it is one of `nearKey`. */
export function callersKey(key: KeyPart, keyed: boolean): KeyPart {
  return isComposed(key, keyed) ? key.slice(1) : key;
}

/** A near key as the printable text that `encodedKey` makes of the id. */
export function nearKeyText(key: KeyPart, keyed: boolean): string {
  return isComposed(key, keyed) ? key.slice(1) : encodePart(key);
}

function isComposed(key: KeyPart, keyed: boolean): key is string {
  return keyed && typeof key === 'string' && key.startsWith(composed);
}

/** The printable key, a tenant in front. Throws `CISTERN_KEY`. */
export function encodedKey(parts: CacheKey): string {
  const first = (parts as readonly unknown[] | null | undefined)?.[0];
  if (!(first instanceof TenantPart)) return encodeKey(parts as readonly KeyPart[]);
  const encoded =
    parts.length === 1 ? first.encoded() : `${first.encoded()},${encodeKey(parts.slice(1) as KeyPart[])}`;
  if (encoded.length > longestEncodedKey) {
    throw new CisternError('CISTERN_KEY', {
      key: encoded,
      problem: `is longer than ${longestEncodedKey} characters once encoded`,
    });
  }
  return encoded;
}

/** The keys of a private cache begin with a tenant. Throws `CISTERN_KEY`. */
export function checkTenant(cache: string, parts: CacheKey): void {
  if (parts[0] instanceof TenantPart) return;
  throw new CisternError('CISTERN_KEY', {
    cache,
    key: parts,
    problem: 'does not begin with tenant(id), but the cache is private',
  });
}
