import type { KeyPart } from '../core/key.ts';

/** Keys remembered at most; beyond, all count as touched. */
const most = 1_000_000;

/**
 * Which keys of a cache were filled or invalidated while somebody watches: an older value must not come back under them. Costs one comparison
 * while nobody does.
 */
export class TouchedKeys {
  #watchers = 0;
  readonly #keys = new Set<KeyPart>();
  #all = false;

  /** From now on keys are remembered, until each who watches has called `unwatch`. */
  watch(): void {
    this.#watchers++;
  }

  unwatch(): void {
    if (--this.#watchers > 0) return;
    this.#keys.clear();
    this.#all = false;
  }

  add(key: KeyPart): void {
    if (this.#watchers === 0 || this.#all) return;
    if (this.#keys.size < most) this.#keys.add(key);
    else this.addAll();
  }

  addAll(): void {
    if (this.#watchers === 0) return;
    this.#all = true;
    this.#keys.clear();
  }

  has(key: KeyPart): boolean {
    return this.#all || this.#keys.has(key);
  }
}
