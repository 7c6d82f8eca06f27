import { wrongOption } from '../../core/error.ts';
import { HashRing } from './hash-ring.ts';
import { md5 } from './md5.ts';
import { equalWeights, type PlacedServer, type Placement, type PlacementKind, salted } from './placement.ts';

const pointsPerServer = 160;
/** An MD5 has four words, and each is a point. */
const pointsPerDigest = 4;
const defaultPort = ':11211';

/**
 * The ring of libmemcached's `KETAMA_WEIGHTED` and of what is built on it (pylibmc, PHP's memcached). A server's id must be its
 * `host:port`; points are named `<host>-<n>` on port 11211 and `<host>:<port>-<n>` on others. A key belongs to the first point that
 * is not below the first word of its MD5. Weights must be whole numbers.
 *
 * The number of a server's points is counted in single precision there, and so here: with 25, 47, 50 and more numbers of
 * servers it is 156 in place of 160, and with different weights it depends on all servers. Such changes move keys between servers that stay.
 *
 * Source: libmemcached 1.0.18, `hosts.cc` (`update_continuum`).
 */
export const ketama: PlacementKind = {
  name: 'ketama',
  make: (servers, salt, absent = []) => new Ketama(servers, salt, absent),
  moves: (before, after) => (isEven(before) && isEven(after) ? 'least' : 'any'),
};

class Ketama implements Placement {
  readonly #ring: HashRing;
  readonly #salt: string;

  constructor(servers: readonly PlacedServer[], salt: string, absent: readonly PlacedServer[]) {
    this.#salt = salt;
    for (const { weight } of servers)
      if (!Number.isInteger(weight)) throw wrongOption('weight', weight, "a whole number for 'ketama'");
    const total = servers.reduce((sum, { weight }) => sum + weight, 0);
    const points = [...servers, ...absent].flatMap(({ id, weight }, owner) => {
      const name = id.endsWith(defaultPort) ? id.slice(0, -defaultPort.length) : id;
      const digests = digestsOf(weight, total, servers.length);
      return Array.from({ length: digests }, (_, digest) =>
        Array.from(md5(`${name}-${digest}`), (word) => ({ at: word >>> 0, owner })),
      ).flat();
    });
    this.#ring = new HashRing(points, servers.length + absent.length);
  }

  place(key: string): number {
    return this.#ring.ownerOf(md5(salted(key, this.#salt))[0]! >>> 0);
  }

  order(key: string, count: number): readonly number[] {
    return this.#ring.ownersOf(md5(salted(key, this.#salt))[0]! >>> 0, count);
  }
}

function digestsOf(weight: number, total: number, servers: number): number {
  const { fround } = Math;
  const share = fround(fround(weight) / fround(total));
  const digests = fround(fround(fround(share * pointsPerServer) / pointsPerDigest) * fround(servers));
  return Math.floor(fround(digests + 1e-10));
}

/** Every server has the full number of points. */
function isEven(servers: readonly PlacedServer[]): boolean {
  const { length } = servers;
  return equalWeights(servers) && digestsOf(1, length, length) === pointsPerServer / pointsPerDigest;
}
