import { GrowingNumbers } from './growing-numbers.ts';

/**
 * Numbers the keys of a trace from 0, in the order they are first seen. A key is told from others by 64 bits of hash and is not
 * kept itself: 32 to 56 bytes each, however long they are. Two of ten million keys are taken for one with a chance of 1 to
 * 400,000.
 */
export class KeyTable {
  /** Keys so far. */
  size = 0;
  /** The two halves of each key's hash, by its number. */
  readonly firstHashes: GrowingNumbers<Int32Array> = new GrowingNumbers(Int32Array);
  readonly secondHashes: GrowingNumbers<Int32Array> = new GrowingNumbers(Int32Array);
  /** Open addressing: first half, second half, number + 1 (0: empty), one after the other. */
  #places = new Int32Array(3 * 1024);
  #mask = 1023;

  /** The number of the key with this hash, a new one if it is new. */
  numberOf(first: number, second: number): number {
    if (this.size * 3 > this.#mask * 2) this.#grow();
    const places = this.#places;
    let place = this.#find(first, second);
    const known = places[place + 2]!;
    if (known !== 0) return known - 1;
    places[place++] = first;
    places[place++] = second;
    places[place] = ++this.size;
    this.firstHashes.push(first);
    this.secondHashes.push(second);
    return this.size - 1;
  }

  #find(first: number, second: number): number {
    const places = this.#places;
    for (let index = first; ; index++) {
      const place = (index & this.#mask) * 3;
      if (places[place + 2] === 0 || (places[place] === first && places[place + 1] === second)) return place;
    }
  }

  #grow(): void {
    const old = this.#places;
    this.#mask = this.#mask * 2 + 1;
    this.#places = new Int32Array(3 * (this.#mask + 1));
    for (let from = 0; from < old.length; from += 3) {
      if (old[from + 2] === 0) continue;
      const to = this.#find(old[from]!, old[from + 1]!);
      for (let part = 0; part < 3; part++) this.#places[to + part] = old[from + part]!;
    }
  }
}

/**
 * 64 bits of a text. Two lanes of multiply and rotate over pairs of characters, each mixed by MurmurHash3's finalizer. Against
 * accidents, not against attackers.
 */
export class TextHash {
  /** The two halves, signed, of the text that was read last. */
  first = 0;
  second = 0;

  read(text: string): void {
    let first = 0x9747b28c;
    let second = 0x3c6ef372;
    const { length } = text;
    for (let at = 0; at + 1 < length; at += 2) {
      const pair = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
      first = Math.imul((first << 15) | (first >>> 17), 5) ^ Math.imul(pair, 0xcc9e2d51);
      first = Math.imul(first, 0x1b873593);
      second = Math.imul((second << 13) | (second >>> 19), 0x85ebca77) ^ pair;
      second = Math.imul(second ^ (second >>> 15), 0xc2b2ae3d);
    }
    const last = (length & 1) === 1 ? text.charCodeAt(length - 1) : 0;
    first = mixed(first ^ last ^ Math.imul(length, 0x9e3779b1));
    second = mixed(second ^ Math.imul(last, 0x27d4eb2f) ^ length);
    this.first = mixed(first ^ second);
    this.second = mixed(second + Math.imul(first, 0x165667b1));
  }
}

function mixed(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
