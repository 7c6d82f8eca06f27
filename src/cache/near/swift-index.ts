import type { KeyPart } from '../../core/key.ts';
import type { TinyLfuSegments } from '../../policies/tiny-lfu-segments.ts';
import type { WTinyLfuPolicy } from '../../policies/w-tinylfu.ts';
import { keptWeight } from './entry-slab.ts';
import type { ChainTable } from './chain-table.ts';
import { finish, sampleText } from './key-hash.ts';
import type { HashIndex } from './hash-index.ts';
import type { LiveCurve } from './live-curve.ts';
import { type EntryNature, type IndexParts, NearIndex } from './near-index.ts';

/** Copies: a constant of another module would be read from memory each time. Were one of them wrong, `swift-index.test.ts` would fail. */
const slotMask = 0xff_ffff;
const tagShift = 24;
const tagBits = 0x7f00_0000;
const leastTag = 0x0100_0000;
const more = -0x8000_0000;
const countBits = 0xf;
const referenced = 0x10;
const stateBits = 0xf0;
const sampledMark = 0x80;
/** Age and mark: of an entry that has neither missed an age nor a mark they are the age alone. */
const currentBits = 0xff80;
const ageShift = 8;
const ageMask = 0xff;
const ownerShift = 4;
const negativeFlag = 1;
const copiedFlag = 2;
const hotFlag = 4;
const evicted = 0;

/** What the default pair of policy and table brings besides the parts of every index. */
export interface SwiftParts extends IndexParts {
  readonly keys: HashIndex<ChainTable>;
  readonly policy: WTinyLfuPolicy;
  readonly seed: number;
}

/**
 * The index of the default policy over a `ChainTable`: the same as any other, with the two things that are done most written out: a hit, and a new key that takes the place
 * of another one. V8 spends a fixed budget on inlining into one function, also on what is seldom called, and what it leaves out costs as much as all the rest: so here stands what
 * `ChainTable.find`, `EntrySlab.freshAt`, `TinyLfuSegments.hit` and `LiveCurve.request` do, and for the new key `find`, `link` and `unlink`, around one call of
 * each part that has more to do. Whatever is not the usual case goes the way of every index. `swift-index.test.ts` holds the two ways against each other.
 */
export class SwiftIndex extends NearIndex {
  readonly #keys: HashIndex<ChainTable>;
  readonly #table: ChainTable;
  readonly #policy: WTinyLfuPolicy;
  readonly #segments: TinyLfuSegments;
  readonly #curve: LiveCurve;
  readonly #seed: number;

  constructor(parts: SwiftParts) {
    super(parts);
    this.#keys = parts.keys;
    this.#table = parts.keys.sampled;
    this.#policy = parts.policy;
    this.#segments = parts.policy.segments;
    this.#curve = parts.curve;
    this.#seed = parts.seed;
  }

  override fresh(key: KeyPart, now: number): number {
    if (typeof key === 'string') return this.#hit(key, sampleText(key, this.#seed), now);
    if (typeof key === 'number' && (key | 0) === key) return this.#hit(key, finish(key ^ this.#seed), now);
    return super.fresh(key, now);
  }

  /** In a function of its own, which is the same for both kinds of keys: so each hash and what follows have a budget each. */
  #hit(key: string | number, hash: number, now: number): number {
    const { slab } = this;
    const table = this.#table;
    let cell = table.heads[(hash >>> table.shift) | 0]!;
    const tag = ((hash << tagShift) & tagBits) | leastTag;
    while ((cell & tagBits) !== tag) {
      if (cell >= 0) return this.#missed(key, hash, now);
      cell = slab.chained[(cell & slotMask) - 1]!;
    }
    const slot = (cell & slotMask) - 1;
    const present = slab.keyOf(slot);
    // Twice the same, each for one kind of keys: V8 compares best what is always of one kind.
    if (typeof key === 'string' ? present !== key : present !== key) return super.fresh(key, now);
    if (now - slab.base >= slab.hot[(slot << 1) | 1]!) return -1;
    const segments = this.#segments;
    const { words, age } = segments;
    let word = words[slot]!;
    if ((word & currentBits) !== age << ageShift) {
      if ((word & sampledMark) !== 0) {
        this.use(slot);
        return slot;
      }
      const missed = (age - (word >>> ageShift)) & ageMask;
      word = (age << ageShift) | (word & stateBits) | (missed > 3 ? 0 : (word & countBits) >> missed);
    }
    const increment = ((word & countBits) - 15) >>> 31;
    const counted = segments.counted + increment;
    if (counted >= segments.period) {
      this.use(slot);
      return slot;
    }
    segments.counted = counted;
    words[slot] = (word | referenced) + increment;
    this.#curve.request(hash);
    return slot;
  }

  override put(key: KeyPart, value: unknown, bytes: number, nature: EntryNature, now: number): number {
    const text = typeof key === 'string';
    const whole = typeof key === 'number' && (key | 0) === key;
    const table = this.#table;
    if (!(text || whole) || !table.settled || this.#keys.crowds)
      return super.put(key, value, bytes, nature, now);
    const hash = text ? sampleText(key, this.#seed) : finish((key as number) ^ this.#seed);
    const { slab, room } = this;
    const { heads, shift } = table;
    const at = (hash >>> shift) | 0;
    const tag = ((hash << tagShift) & tagBits) | leastTag;
    let cell = heads[at]!;
    while ((cell & tagBits) !== tag && cell < 0) cell = slab.chained[(cell & slotMask) - 1]!;
    if ((cell & tagBits) === tag) {
      const slot = (cell & slotMask) - 1;
      const present = slab.keyOf(slot);
      if (text ? present === key : present === key) return this.replace(slot, value, bytes, nature);
      return super.put(key, value, bytes, nature, now);
    }
    const weight = keptWeight(this.weigh(key, bytes));
    const slot = weight <= room.maxBytes ? room.giveWay(weight) : -1;
    if (slot < 0) return super.put(key, value, bytes, nature, now);
    const leaving = slab.hot[slot << 1]!;
    this.#leave(slot, leaving);
    this.#policy.exchange(slot, leaving, hash, weight);
    const kind = (nature.negative ? negativeFlag : 0) | (nature.copied ? copiedFlag : 0);
    room.bytes += slab.exchange(slot, key, hash, value, weight, (this.owner << ownerShift) | kind, nature);
    // At the head, as `link` does. The sign of a number or of its opposite is set, unless it is 0.
    const head = heads[at]!;
    slab.chained[slot] = head;
    heads[at] = ((head | -head) & more) | tag | (slot + 1);
    table.size++;
    this.#keys.came();
    return slot;
  }

  /** Who gives its place to another one, of this index or of another. */
  #leave(slot: number, hash: number): void {
    const { slab, room } = this;
    const mark = slab.markOf(slot);
    if (mark >> ownerShift !== this.owner) room.ownerAt(slot)!.leaves(slot, evicted);
    else {
      const table = this.#table;
      const { heads } = table;
      const at = (hash >>> table.shift) | 0;
      if ((heads[at]! & slotMask) === slot + 1) heads[at] = slab.chained[slot]!;
      else table.unlink(heads, at, slot);
      table.size--;
      this.counts[evicted]!++;
      if (this.removed !== undefined) this.tell(slot, evicted);
    }
    if ((mark & hotFlag) !== 0) room.promises.drop(slot);
  }

  /** It is not in the first table, or its chain is still to be moved. */
  #missed(key: KeyPart, hash: number, now: number): number {
    if (this.#table.moving || this.#keys.crowds) return super.fresh(key, now);
    this.#keys.missed(key, hash);
    return -1;
  }
}
