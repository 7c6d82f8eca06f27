import { CisternError } from '../core/error.ts';
import { encodePart, type KeyPart } from '../core/key.ts';

/** The part of a key that says whose entry it is. Made by `tenant()`; the first part of every key of a `private` cache. */
export class TenantPart {
  readonly tenant: string | number | bigint;

  constructor(id: string | number | bigint) {
    this.tenant = id;
  }

  /** As one part of an encoded key; no other part looks like it. */
  encoded(): string {
    return `@${encodePart(this.tenant)}`;
  }
}

/**
 * Names the tenant (user, customer, account) that an entry of a `private` cache belongs to. Throws `CISTERN_KEY` for an
 * empty or missing id: an entry that belongs to nobody would be everybody's.
 */
export function tenant(id: string | number | bigint): TenantPart {
  const usable =
    typeof id === 'bigint' ||
    (typeof id === 'number' && Number.isFinite(id)) ||
    (typeof id === 'string' && id !== '');
  if (!usable) throw new CisternError('CISTERN_KEY', { key: id, problem: 'names no tenant' });
  return new TenantPart(id);
}

/** What a definition's `key` may answer. */
export type CacheKeyPart = KeyPart | TenantPart;
export type CacheKey = readonly [CacheKeyPart, ...CacheKeyPart[]];
/** The keys of a `private` cache. */
export type PrivateKey = readonly [TenantPart, ...KeyPart[]];
