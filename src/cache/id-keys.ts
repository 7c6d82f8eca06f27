import { asError, CisternError } from '../core/error.ts';
import type { KeyPart } from '../core/key.ts';
import { checkTenant, encodedKey, nearKey } from './cache-key.ts';
import type { CacheSettings } from './options.ts';
import type { CacheKey } from './tenant.ts';

/** An id as the near tier and the remote tier look it up. */
export interface Keys {
  readonly key: KeyPart;
  readonly encoded: string;
}

/** Makes the keys of a cache's ids. */
export class IdKeys<Id> {
  /** The cache's `key` function; `undefined`: ids are their own keys. */
  readonly key: ((id: Id) => CacheKey) | undefined;
  readonly #settings: CacheSettings;

  constructor(settings: CacheSettings, key: ((id: Id) => CacheKey) | undefined) {
    this.#settings = settings;
    this.key = key;
  }

  /** For a look at the near tier. Throws what the `key` function throws; an illegal key is not found out here. */
  near(id: Id): KeyPart {
    return this.key === undefined ? (id as KeyPart) : nearKey(this.key(id));
  }

  /** Throws `CISTERN_KEY`, and what the `key` function throws. */
  of(id: Id): Keys {
    const parts = this.key === undefined ? ([id] as unknown as CacheKey) : this.key(id);
    const { name, private: own } = this.#settings;
    if (own) checkTenant(name, parts);
    return {
      encoded: encodedKey(parts),
      key: this.key === undefined ? (id as KeyPart) : nearKey(parts),
    };
  }

  /** For changes, where a bad key is an error of the caller: throws `CISTERN_KEY`, whatever is wrong. */
  strict(id: Id): Keys {
    try {
      return this.of(id);
    } catch (error) {
      if (error instanceof CisternError) throw error;
      const problem = `cannot be made: ${asError(error).message}`;
      throw new CisternError('CISTERN_KEY', { cache: this.#settings.name, key: id, problem }, error);
    }
  }
}
