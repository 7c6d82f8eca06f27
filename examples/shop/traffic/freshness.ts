/**
 * Knows which price changes were confirmed when, and so which answers are too old. An answer may not be older than the last
 * change that was confirmed before it was asked for; a bound allows it to lag behind for so many milliseconds.
 */
export class Freshness {
  readonly #confirmed = new Map<number, { readonly version: number; readonly at: number }[]>();

  /** The answer to a change came at `at`; the price now has this version, or a later one. */
  confirmed(id: number, version: number, at: number): void {
    const changes = this.#confirmed.get(id);
    if (changes === undefined) this.#confirmed.set(id, [{ version, at }]);
    else changes.push({ version, at });
  }

  /** Whether an answer that was asked for at `askedAt` shows an older version than it may. */
  stale(id: number, version: number, askedAt: number, bound: number): boolean {
    const changes = this.#confirmed.get(id);
    return changes?.some((change) => change.at < askedAt - bound && change.version > version) ?? false;
  }
}
