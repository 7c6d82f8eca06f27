import type { PlacedServer } from '../placement/placement.ts';

/**
 * What a server is to the fences of the others: its id, and its weight where it is not 1. So a server whose weight changes has left as what it
 * was, and joined as what it is: its share of the keys is another.
 */
export function identityOf({ id, weight }: PlacedServer): string {
  return weight === 1 && !id.includes('*') ? id : `${id}*${weight}`;
}

/** The server of an identity. */
export function serverOf(identity: string): PlacedServer {
  const end = identity.lastIndexOf('*');
  return end < 0
    ? { id: identity, weight: 1 }
    : { id: identity.slice(0, end), weight: Number(identity.slice(end + 1)) };
}
