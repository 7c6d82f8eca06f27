import { wrongOption } from '../../core/error.ts';
import { HashRing } from './hash-ring.ts';
import { md5 } from './md5.ts';
import { type PlacedServer, type Placement, type PlacementKind, salted } from './placement.ts';

const pointsPerWeight = 160;

/**
 * The ring of the Python package uhashring as it is by default, so of the client meta-memcache-py: both can share a fleet. A server's
 * id must be what that client names it by: `host:port` where it has no `server_id`. Points are the MD5 of `<id>-<n>`, n from 0 to 160 times the
 * weight, which must be a whole number; a key belongs to the first point above its own MD5.
 */
export const uhashring: PlacementKind = {
  name: 'uhashring',
  make: (servers, salt, absent = []) => new Uhashring([...servers, ...absent], salt),
  moves: () => 'least',
};

class Uhashring implements Placement {
  readonly #ring: HashRing;
  readonly #salt: string;

  constructor(servers: readonly PlacedServer[], salt: string) {
    this.#salt = salt;
    const points = servers.flatMap(({ id, weight }, owner) => {
      if (!Number.isInteger(weight)) throw wrongOption('weight', weight, "a whole number for 'uhashring'");
      return Array.from({ length: pointsPerWeight * weight }, (_, point) => ({
        at: positionOf(`${id}-${point}`),
        owner,
      }));
    });
    this.#ring = new HashRing(points, servers.length);
  }

  // Positions are whole numbers: the first that is not below the next one is the first above.
  place(key: string): number {
    return this.#ring.ownerOf(positionOf(salted(key, this.#salt)) + 1);
  }

  order(key: string, count: number): readonly number[] {
    return this.#ring.ownersOf(positionOf(salted(key, this.#salt)) + 1, count);
  }
}

/** The first 53 of the digest's 128 bits: those that tell two positions apart. */
function positionOf(text: string): number {
  const [first, second] = md5(text);
  return (bigEndian(first!) >>> 0) * 2 ** 21 + (bigEndian(second!) >>> 11);
}

function bigEndian(word: number): number {
  return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | ((word >>> 24) & 0xff);
}
