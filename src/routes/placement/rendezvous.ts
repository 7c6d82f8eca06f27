import { murmur3 } from './murmur3.ts';
import { equalWeights, type PlacedServer, type Placement, type PlacementKind } from './placement.ts';

/** Keys fall into so many slots, and slots are placed: so a table of them answers at once, whatever the number of servers. */
const slotBits = 20;

/** From so many servers on the slots that were asked for are remembered, in 1 byte each, or 2 from 255 servers on... */
const tableFrom = 5;
/** ...once so many keys were placed: a ring that is used for a moment needs no table. */
const tableAfter = 1000;

/**
 * Rendezvous, or highest random weight: every server draws a number for the key, and the highest wins. The law of minimal movement
 * holds exactly, for any change; each server has its exact share, to 1 in a thousand; and the second best is where its keys would go
 * if it left, evenly spread over all others. With different weights a server draws `log(u) / weight`. The order of the list does not matter.
 *
 * Cost: the hash of the key (1 ns per character), and 8 ns per server; from 5 servers on a look into a table instead, which
 * takes at most 1 MB (2 MB from 255 servers on) and is empty again after every change.
 *
 * Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998; weights: Schindelhauer and
 * Schomaker, "Weighted distributed hash tables", 2005. Slots are murmur3(key, seed) >>> 12, seed = murmur3(salt, 0).
 */
export const rendezvous: PlacementKind = {
  name: 'rendezvous',
  make: (servers, salt, absent = []) => new Rendezvous([...servers, ...absent], salt),
  moves: () => 'least',
};

class Rendezvous implements Placement {
  readonly #seed: number;
  /** In the order of ids, so that equal draws are settled alike everywhere: two hashes each. */
  readonly #hashes: Int32Array;
  readonly #weights: Float64Array | undefined;
  /** Place in the order of ids to index in the list. */
  readonly #indexes: Uint16Array;
  /** Index + 1; 0: not asked for yet. */
  #table: Uint8Array | Uint16Array | undefined;
  #untilTable = Number.POSITIVE_INFINITY;

  constructor(servers: readonly PlacedServer[], salt: string) {
    this.#seed = murmur3(salt, 0);
    const sorted = servers
      .map(({ id, weight }, index) => ({ id, weight, index }))
      .toSorted((one, other) => (one.id < other.id ? -1 : 1));
    this.#indexes = Uint16Array.from(sorted, ({ index }) => index);
    this.#hashes = new Int32Array(2 * sorted.length);
    for (const [place, { id }] of sorted.entries()) {
      this.#hashes[2 * place] = murmur3(id, this.#seed);
      this.#hashes[2 * place + 1] = murmur3(id, ~this.#seed);
    }
    if (!equalWeights(servers)) this.#weights = Float64Array.from(sorted, ({ weight }) => weight);
    if (servers.length >= tableFrom) this.#untilTable = tableAfter;
  }

  place(key: string): number {
    if (this.#indexes.length === 1) return 0;
    const slot = murmur3(key, this.#seed) >>> (32 - slotBits);
    if (this.#table === undefined) {
      if (--this.#untilTable === 0)
        this.#table = new (this.#indexes.length < 0xff ? Uint8Array : Uint16Array)(2 ** slotBits);
      return this.#indexes[this.#best(slot)]!;
    }
    const known = this.#table[slot]!;
    if (known !== 0) return known - 1;
    const index = this.#indexes[this.#best(slot)]!;
    this.#table[slot] = index + 1;
    return index;
  }

  order(key: string, count: number): readonly number[] {
    const slot = murmur3(key, this.#seed) >>> (32 - slotBits);
    const places = Array.from(this.#indexes, (_, place) => place);
    const draws = places.map((place) => this.#draw(slot, place));
    return places
      .toSorted((one, other) => draws[other]! - draws[one]! || one - other)
      .slice(0, count)
      .map((place) => this.#indexes[place]!);
  }

  #best(slot: number): number {
    if (this.#weights !== undefined) return this.#bestWeighted(slot, this.#weights);
    const hashes = this.#hashes;
    let best = 0;
    let highest = drawn(slot, hashes[0]!, hashes[1]!);
    for (let place = 1; 2 * place < hashes.length; place++) {
      const draw = drawn(slot, hashes[2 * place]!, hashes[2 * place + 1]!);
      if (draw > highest) {
        highest = draw;
        best = place;
      }
    }
    return best;
  }

  /** `log(u) <= u - 1` spares most logarithms. */
  #bestWeighted(slot: number, weights: Float64Array): number {
    let best = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (let place = 0; place < weights.length; place++) {
      const chance = chanceOf(drawn(slot, this.#hashes[2 * place]!, this.#hashes[2 * place + 1]!));
      if ((chance - 1) / weights[place]! <= highest) continue;
      const draw = Math.log(chance) / weights[place]!;
      if (draw > highest) {
        highest = draw;
        best = place;
      }
    }
    return best;
  }

  #draw(slot: number, place: number): number {
    const draw = drawn(slot, this.#hashes[2 * place]!, this.#hashes[2 * place + 1]!);
    return this.#weights === undefined ? draw : Math.log(chanceOf(draw)) / this.#weights[place]!;
  }
}

/** What a server draws for a slot: murmur3's last mixing, which the server's second hash is mixed into. */
function drawn(slot: number, first: number, second: number): number {
  let mixed = Math.imul(slot, 0x9e3779b1) ^ first;
  mixed ^= mixed >>> 16;
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= (mixed >>> 13) ^ second;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** A draw as a number between 0 and 1, neither included; a higher draw stays higher, so that equal weights place as no weights do. */
function chanceOf(draw: number): number {
  return (draw + 2 ** 31 + 0.5) / 2 ** 32;
}
