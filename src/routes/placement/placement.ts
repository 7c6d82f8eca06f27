/** A server as a placement sees it. */
export interface PlacedServer {
  /** Stable: it stays when the address changes, and keys stay with it. */
  readonly id: string;
  /** Share of the keys, relative to the others. Above 0. */
  readonly weight: number;
}

/**
 * Tells which server a key belongs to: the same for the same servers, in every process and at any time, whatever happened before.
 * Servers are told by their index in the list that the placement was made of. Synchronous, and never throws for a text.
 */
export interface Placement {
  /** The server of this key. */
  place(key: string): number;
  /** The first `count` servers in the order of preference, each once; all when there are fewer. The first is that of `place`. */
  order(key: string, count: number): readonly number[];
}

/** A way to place keys. */
export interface PlacementKind {
  readonly name: string;
  /**
   * Makes the placement for these servers, at least one, with different ids. The salt makes it independent of the placements with other
   * salts: the keys of one server are then spread evenly over those of another pool. `absent`: what the placement would be if these
   * were there too, by the law of minimal movement; their indexes follow. Throws `CISTERN_OPTION` for weights that it cannot take.
   */
  make(servers: readonly PlacedServer[], salt: string, absent?: readonly PlacedServer[]): Placement;
  /**
   * The law of minimal movement: when servers come and go between `before` and `after`, no key moves but from those who go, and to those
   * who come.
   */
  moves(before: readonly PlacedServer[], after: readonly PlacedServer[]): 'least' | 'any';
}

/** Whether all have the same weight. */
export function equalWeights(servers: readonly PlacedServer[]): boolean {
  return servers.every((server) => server.weight === servers[0]!.weight);
}

/** For placements that hash the key alone: the salt goes behind the key. */
export function salted(key: string, salt: string): string {
  return salt === '' ? key : key + salt;
}

/** The first `count` of `servers` places from `first` on, around. */
export function inTurn(first: number, servers: number, count: number): readonly number[] {
  return Array.from({ length: Math.min(count, servers) }, (_, step) => (first + step) % servers);
}
