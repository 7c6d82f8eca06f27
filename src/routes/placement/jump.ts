import { wrongOption } from '../../core/error.ts';
import { murmur3 } from './murmur3.ts';
import { equalWeights, inTurn, type PlacedServer, type Placement, type PlacementKind } from './placement.ts';

/**
 * Jump consistent hash, for numbered shards: no table, an exact share each, and least movement as long as servers are added and removed
 * at the end of the list. In the middle nearly all keys behind it move. No weights. The key is hashed to 64 bits by murmur3 with two seeds.
 *
 * Source: Lamping and Veach, "A fast, minimal memory, consistent hash algorithm", 2014.
 */
export const jump: PlacementKind = {
  name: 'jump',
  make: (servers, salt, absent = []) => new Jump([...servers, ...absent], salt),
  moves: () => 'any',
};

class Jump implements Placement {
  readonly #servers: number;
  readonly #seed: number;

  constructor(servers: readonly PlacedServer[], salt: string) {
    if (!equalWeights(servers))
      throw wrongOption(
        'weight',
        servers.map(({ weight }) => weight),
        "the same for all servers with 'jump'",
      );
    this.#servers = servers.length;
    this.#seed = murmur3(salt, 0);
  }

  place(key: string): number {
    return jumpHash(murmur3(key, this.#seed), murmur3(key, ~this.#seed), this.#servers);
  }

  order(key: string, count: number): readonly number[] {
    return inTurn(this.place(key), this.#servers, count);
  }
}

/** The bucket, from 0 to `buckets` - 1, of a 64-bit number that is given in halves. */
export function jumpHash(high: number, low: number, buckets: number): number {
  let [upper, lower] = [high | 0, low | 0];
  let bucket = 0;
  for (let next = 0; next < buckets;) {
    bucket = next;
    // The number times 2862933555777941757, and 1 more, in 64 bits: the linear generator of the paper.
    const carried = highProduct(lower, 0x87b0b0fd);
    upper = (Math.imul(upper, 0x87b0b0fd) + Math.imul(lower, 0x27bb2ee6) + carried) | 0;
    lower = Math.imul(lower, 0x87b0b0fd);
    lower = (lower + 1) | 0;
    if (lower === 0) upper = (upper + 1) | 0;
    next = Math.floor((bucket + 1) * (2 ** 31 / ((upper >>> 1) + 1)));
  }
  return bucket;
}

/** The upper 32 of the 64 bits of a product of two numbers of 32 bits without signs. */
function highProduct(one: number, other: number): number {
  const [oneLow, oneHigh] = [one & 0xffff, one >>> 16];
  const [otherLow, otherHigh] = [other & 0xffff, other >>> 16];
  const middle = oneHigh * otherLow + Math.floor((oneLow * otherLow) / 2 ** 16);
  const second = oneLow * otherHigh + (middle % 2 ** 16);
  return (oneHigh * otherHigh + Math.floor(middle / 2 ** 16) + Math.floor(second / 2 ** 16)) | 0;
}
