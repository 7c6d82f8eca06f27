import { entryWeight, type EntryWeight, type IndexName } from '../../src/cache/near/entry-weight.ts';
import { type EntryTimes, flags, keptWeight } from '../../src/cache/near/entry-slab.ts';
import { mostSlots } from '../../src/cache/near/slot-table.ts';
import type { NearIndex, Removals } from '../../src/cache/near/near-index.ts';
import { NearTier } from '../../src/cache/near/near-tier.ts';
import type { KeyPart } from '../../src/core/key.ts';
import type { PolicyName } from '../../src/policies/policy-by-name.ts';

export type Step =
  | {
      readonly act: 'put';
      readonly index: number;
      readonly key: KeyPart;
      readonly bytes: number;
      /** Milliseconds: until the entry is due, from there until it is not fresh, from there until it is not even stale. */
      readonly spans: readonly [number, number, number];
      readonly negative: boolean;
      readonly copied: boolean;
    }
  | {
      readonly act: 'get' | 'look' | 'offer' | 'recall' | 'delete';
      readonly index: number;
      readonly key: KeyPart;
    }
  | { readonly act: 'clear'; readonly index: number }
  | { readonly act: 'turn' }
  | { readonly act: 'wait'; readonly milliseconds: number }
  | { readonly act: 'resize'; readonly maxBytes: number; readonly maxEntries: number | undefined };

type Put = Extract<Step, { act: 'put' }>;

interface Entry {
  readonly index: number;
  readonly key: KeyPart;
  readonly value: number;
  readonly weight: number;
  readonly slot: number;
  readonly put: Put;
  readonly times: EntryTimes;
  offers: number;
  /** One of these is kept: a later one may take the place of an earlier one. */
  readonly promises: Set<Promise<unknown> | undefined>;
}

export interface ModelOptions {
  readonly policy: PolicyName;
  readonly index: IndexName;
  readonly maxBytes: number;
  readonly maxEntries: number | undefined;
  readonly background: boolean;
  readonly seed: number;
}

/**
 * A near tier of three indexes and, beside it, what ought to be in it: a `Map` per index and a set of what was cleared and not swept yet. Which entry
 * is evicted is the policy's business, so the model learns it from the tier, and sees to it that it was there, and that it is told once.
 * Every step is followed by a look at everything. Throws at the first difference.
 */
export class NearModel {
  readonly #tier: NearTier;
  readonly #indexes: readonly NearIndex[];
  readonly #weight: EntryWeight;
  readonly #live = [0, 1, 2].map(() => new Map<KeyPart, Entry>());
  readonly #dead = new Map<number, Entry>();
  readonly #removals = [0, 1, 2].map(() => ({ evicted: 0, expired: 0, invalidated: 0, replaced: 0 }));
  readonly #deferred: (() => void)[] = [];
  /** Values are numbers that are given once. */
  #value = 0;
  #now = 1000;
  #maxBytes: number;
  #maxEntries: number;
  readonly #background: boolean;
  /** The largest number of entries that ever held memory. */
  #most = 0;
  /** Whether what is too much after a resize may still be there. */
  #shrinking = false;
  /** The put that goes on, and what its key had. */
  #putting: { readonly put: Put; readonly value: number; old: Entry | undefined } | undefined;

  constructor({ policy, index, maxBytes, maxEntries, background, seed }: ModelOptions) {
    this.#weight = entryWeight(policy, index);
    this.#maxBytes = maxBytes;
    this.#maxEntries = maxEntries ?? Number.POSITIVE_INFINITY;
    this.#background = background;
    this.#tier = new NearTier({
      policy,
      index,
      maxBytes,
      seed,
      ...(maxEntries === undefined ? undefined : { maxEntries }),
      ...(background ? { defer: (callback: () => void) => void this.#deferred.push(callback) } : undefined),
      removed: (name, key, value, cause) => this.#told(Number(name), key, value as number, cause),
    });
    this.#indexes = this.#live.map((_, number) => this.#tier.index(String(number)));
  }

  take(step: Step): void {
    this.#act(step);
    this.#compare();
  }

  close(): void {
    this.#tier.close();
    const { bytes, size, resident } = this.#tier;
    same([bytes, size, resident], [0, 0, 0], 'a closed tier');
    for (const callback of this.#deferred) callback();
    for (const [number, live] of this.#live.entries()) {
      for (const key of live.keys()) same(this.#indexes[number]!.get(key), -1, 'in a closed tier');
    }
  }

  #act(step: Step): void {
    switch (step.act) {
      case 'put':
        return this.#put(step);
      case 'clear':
        return this.#clear(step.index);
      case 'turn':
        for (const callback of this.#deferred.splice(0)) callback();
        if (this.#background) {
          same(this.#dead.size, 0, 'swept in the background');
          this.#shrinking = false;
        }
        return;
      case 'wait':
        this.#now += step.milliseconds;
        return;
      case 'resize':
        this.#maxBytes = step.maxBytes;
        this.#maxEntries = step.maxEntries ?? this.#maxEntries;
        this.#tier.resize(step.maxBytes, step.maxEntries);
        same(this.#tier.maxEntries, Math.min(this.#maxEntries, mostSlots), 'entries at most');
        this.#shrinking = true;
        return;
      default:
        return this.#ask(step.act, step.index, step.key);
    }
  }

  #ask(act: 'get' | 'look' | 'offer' | 'recall' | 'delete', number: number, key: KeyPart): void {
    const index = this.#indexes[number]!;
    const live = this.#live[number]!;
    // Promises are offered for what is there.
    if (act === 'offer' && !live.has(key)) [key = key] = live.keys();
    const entry = live.get(key);
    const slot = act === 'get' ? index.get(key) : index.look(key);
    same(slot, entry?.slot ?? -1, `${act} of ${String(key)}`);
    if (act === 'delete') {
      same(index.delete(key), entry !== undefined, `delete of ${String(key)}`);
      same(live.has(key), false, 'deleted, and told');
    } else if (entry !== undefined && act === 'offer') {
      const promise = Promise.resolve(entry.value);
      index.offer(slot, promise);
      // From the second time on: there are fewer slots than places.
      if (++entry.offers > 1) entry.promises.add(promise).delete(undefined);
    } else if (entry !== undefined && act === 'recall') {
      index.recall(slot);
      entry.offers++;
    }
  }

  #put(put: Put): void {
    const { index: number, key, bytes, negative, copied } = put;
    const live = this.#live[number]!;
    const value = ++this.#value;
    const old = live.get(key);
    this.#putting = { put, value, old };
    const until = this.#now + put.spans[0];
    const freshUntil = until + put.spans[1];
    const times = {
      until,
      freshUntil,
      confirmedUntil: Number.POSITIVE_INFINITY,
      staleUntil: freshUntil + put.spans[2],
      loadedAt: this.#now,
    };
    const slot = this.#indexes[number]!.put(key, value, bytes, { negative, copied, ...times }, this.#now);
    same(this.#putting.old === undefined || !live.has(key), true, 'what was replaced is told');
    this.#putting = undefined;
    const weight = this.#weigh(put);
    if (weight > this.#maxBytes) {
      same(slot, -1, 'heavier than the budget');
    } else {
      this.#shrinking = false;
      if (old === undefined) same(slot >= 0, true, 'a new value is kept');
    }
    if (slot < 0) return same(live.has(key), false, 'nothing older remains');
    if (old !== undefined) same(slot, old.slot, 'a replaced value keeps the slot');
    live.set(key, {
      index: number,
      key,
      value,
      weight,
      slot,
      put,
      times,
      offers: 0,
      promises: new Set([undefined]),
    });
  }

  #weigh({ key, bytes }: Put): number {
    return keptWeight(this.#weight(key, bytes));
  }

  #clear(number: number): void {
    const live = this.#live[number]!;
    for (const entry of live.values()) this.#dead.set(entry.value, entry);
    this.#removals[number]!.invalidated += live.size;
    live.clear();
    this.#indexes[number]!.clear();
  }

  #told(number: number, key: KeyPart, value: number, cause: keyof Removals): void {
    const dead = this.#dead.get(value);
    if (dead !== undefined) {
      same([number, key, cause], [dead.index, dead.key, 'invalidated'], 'told of a cleared entry');
      this.#dead.delete(value);
      return;
    }
    this.#removals[number]![cause]++;
    const putting = this.#putting;
    const entry = this.#live[number]!.get(key);
    const tooHeavy = putting !== undefined && this.#weigh(putting.put) > this.#maxBytes;
    if (tooHeavy) same([value, cause], [putting.old?.value, 'evicted'], 'told for what is too heavy');
    if (cause === 'evicted' && !tooHeavy) same(this.#dead.size, 0, 'what was cleared goes first');
    if (entry === undefined) {
      // The new value took the place of another one, and then it was its turn to go.
      same([value, cause], [putting?.value, 'evicted'], 'told of what is not there');
      return;
    }
    same(value, entry.value, 'the value told');
    if (cause === 'expired') {
      same(this.#now >= entry.times.staleUntil, true, 'nothing expires before its time');
    } else if (cause === 'replaced') {
      same(putting?.old, entry, 'replaced by a put');
    }
    if (putting?.old === entry) putting.old = undefined;
    this.#live[number]!.delete(key);
  }

  #compare(): void {
    const tier = this.#tier;
    const { slab } = this.#indexes[0]!;
    const live = this.#live.flatMap((each) => [...each.values()]);
    const all = [...live, ...this.#dead.values()];
    const bytes = all.reduce((sum, { weight }) => sum + weight, 0);
    same([tier.size, tier.resident, tier.bytes], [live.length, all.length, bytes], 'size, resident, bytes');
    if (!this.#shrinking) {
      same(bytes <= this.#maxBytes, true, 'within the bytes');
      same(all.length <= this.#maxEntries, true, 'within the entries');
    }
    this.#most = Math.max(this.#most, all.length);
    same(tier.slots <= this.#most, true, 'slots are used again');
    same(new Set(all.map(({ slot }) => slot)).size, all.length, 'a slot each');
    for (const [number, index] of this.#indexes.entries()) {
      same(index.size, this.#live[number]!.size, 'size of an index');
      same(Object.values(index.removals), Object.values(this.#removals[number]!), 'removals counted');
    }
    for (const { slot } of this.#dead.values())
      same(tier.indexAt(slot), undefined, 'the index of a dead entry');
    for (const entry of live) {
      const { slot, put, times, promises } = entry;
      const index = this.#indexes[entry.index]!;
      same(index.look(entry.key), slot, 'the slot of a key');
      same(tier.indexAt(slot), index, 'the index of a slot');
      same([slab.keyOf(slot), slab.valueOf(slot)], [entry.key, entry.value], 'key and value');
      same(slab.weightOf(slot), entry.weight, 'weight');
      same(slab.has(slot, flags.negative), put.negative, 'negative');
      same(slab.has(slot, flags.copied), put.copied, 'copied');
      same(slab.has(slot, flags.hot), entry.offers > 0, 'hot');
      same([slab.freshUntil(slot), slab.staleUntil(slot)], [times.freshUntil, times.staleUntil], 'times');
      same(promises.has(index.promise(slot)), true, 'promise');
    }
  }
}

/** Far cheaper than `expect`: there are millions of them. -0 and 0 are the same. */
function same(found: unknown, wanted: unknown, what: string): void {
  const alike =
    Array.isArray(found) && Array.isArray(wanted)
      ? found.length === wanted.length && found.every((each, at) => each === wanted[at])
      : found === wanted;
  if (!alike) throw new Error(`${what}: ${String(found)} instead of ${String(wanted)}`);
}
