import type { KeyPart } from '../../core/key.ts';
import type { Policy } from '../../policies/policy.ts';
import type { NearEntry } from './near-entry.ts';
import { SlotTable } from './slot-table.ts';

/** Entries that one call removes at most to make room: one or two milliseconds, as each costs several cache misses. */
const mostRemoved = 1024;

/** Dead entries that each new entry sweeps. */
const sweepPerEntry = 32;

/** Dead entries swept per turn of the event loop. */
const sweepPerTurn = 1024;

/**
 * The bytes that all indexes of a near tier share, and who goes when there are too many. Entries of a cleared index are dead:
 * nobody finds them any more, but their bytes count until they are swept, since until then they are really there. They are
 * swept a few with each new entry, all before a live entry is evicted, and in the background if there is a `defer`.
 */
export class NearBudget {
  readonly maxBytes: number;
  readonly policy: Policy;
  bytes = 0;
  /** Live and dead. */
  resident = 0;
  #slots = new SlotTable();
  readonly #evicted: ((entry: NearEntry) => void) | undefined;
  readonly #defer: ((callback: () => void) => void) | undefined;
  #dead: Map<KeyPart, NearEntry>[] = [];
  #sweeping: MapIterator<NearEntry> | undefined;
  #deferred = false;

  constructor(
    maxBytes: number,
    policy: Policy,
    evicted?: (entry: NearEntry) => void,
    defer?: (callback: () => void) => void,
  ) {
    this.maxBytes = maxBytes;
    this.policy = policy;
    this.#evicted = evicted;
    this.#defer = defer;
  }

  /** Takes in an entry that its index holds already, and makes room: the entry itself may have to go (its slot is -1 then). */
  add(entry: NearEntry): void {
    this.bytes += entry.weight;
    this.resident++;
    entry.slot = this.#slots.add(entry);
    this.policy.insert(entry.slot);
    this.#sweep(sweepPerEntry);
    this.#makeRoom(entry);
  }

  /** The same for an entry that takes the place of another of its key, and with it its standing with the policy. */
  replace(old: NearEntry, entry: NearEntry): void {
    this.bytes += entry.weight - old.weight;
    entry.slot = old.slot;
    old.slot = -1;
    this.#slots.set(entry.slot, entry);
    this.#makeRoom(entry);
  }

  /** Lets go of an entry; its index forgets it by itself. */
  remove(entry: NearEntry): void {
    this.policy.remove(entry.slot);
    this.#slots.free(entry.slot);
    this.bytes -= entry.weight;
    this.resident--;
    entry.slot = -1;
  }

  /** The entries in these maps are dead. Nobody else uses the maps any more. */
  bury(maps: readonly Map<KeyPart, NearEntry>[]): void {
    this.#dead.push(...maps);
    this.#sweepLater();
  }

  /** Lets go of everything at once. Nothing may be added or removed afterwards. */
  close(): void {
    this.#dead = [];
    this.#sweeping = undefined;
    this.#slots = new SlotTable();
    this.bytes = 0;
    this.resident = 0;
  }

  /** Sweeps up to `count` dead entries; answers how many. */
  #sweep(count: number): number {
    let swept = 0;
    while (swept < count) {
      this.#sweeping ??= this.#dead.pop()?.values();
      if (this.#sweeping === undefined) break;
      const next = this.#sweeping.next();
      if (next.done === true) {
        this.#sweeping = undefined;
      } else {
        this.remove(next.value);
        swept++;
      }
    }
    return swept;
  }

  #sweepLater(): void {
    if (this.#defer === undefined || this.#deferred) return;
    this.#deferred = true;
    this.#defer(this.#sweepNow);
  }

  readonly #sweepNow = (): void => {
    this.#deferred = false;
    if (this.#sweep(sweepPerTurn) === sweepPerTurn) this.#sweepLater();
  };

  #makeRoom(entry: NearEntry): void {
    if (this.bytes <= this.maxBytes) return;
    let left = mostRemoved;
    while (this.bytes > this.maxBytes && left > 0 && this.#sweep(1) === 1) left--;
    for (; this.bytes > this.maxBytes && left > 0; left--) {
      const victim = this.#slots.get(this.policy.victim());
      this.#evict(victim);
      if (victim === entry) return;
    }
    // It would take too long to make room for so large an entry in one call: what was done helps the next attempt.
    if (this.bytes > this.maxBytes) this.#evict(entry);
  }

  #evict(entry: NearEntry): void {
    this.remove(entry);
    entry.index.forget(entry);
    this.#evicted?.(entry);
  }
}
