import { wrongOption } from '../core/error.ts';
import type { Store } from '../core/store.ts';

/**
 * A store that spreads keys over servers tells what it mixes into them, so that those who combine such stores can see that
 * these do not place keys alike: then all keys of a server that is lost would meet again on one server of the other pool.
 */
export interface Salted extends Store {
  readonly salt: string;
}

/** The salt of a store, or of the one that it wraps; `undefined` for one that spreads nothing. */
export function saltOf(store: Store): string | undefined {
  const { salt } = store as Partial<Salted>;
  if (typeof salt === 'string') return salt;
  return store.parts?.length === 1 ? saltOf(store.parts[0]!) : undefined;
}

/** Refuses two stores that spread keys with the same salt. */
export function checkSalts(stores: readonly Store[]): void {
  const seen = new Map<string, Store>();
  for (const store of stores) {
    const salt = saltOf(store);
    if (salt === undefined) continue;
    const other = seen.get(salt);
    if (other !== undefined)
      throw wrongOption(
        'salt',
        salt,
        `different in '${other.name}' and '${store.name}': placed alike, all keys of a lost server would meet again on one of the others`,
      );
    seen.set(salt, store);
  }
}
