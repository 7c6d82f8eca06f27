import type { Operation, Store } from '../../core/store.ts';
import type { Placement, PlacementKind } from '../placement/placement.ts';
import type { Member } from '../server-list/server-list.ts';

/** What is hashed where a server is chosen. */
export type RoutingText = (operation: Operation) => string;

/** The servers of a pool at one time, the store that was made for each, and which of them a key belongs to. */
export class Ring {
  readonly members: readonly Member[];
  /** In the order of the members. */
  readonly parts: readonly Store[];
  readonly placement: Placement;

  /** Throws `CISTERN_OPTION` where the placement cannot take the members. */
  constructor(members: readonly Member[], parts: readonly Store[], kind: PlacementKind, salt: string) {
    this.members = members;
    this.parts = parts;
    const placement = kind.make(members, salt);
    this.placement = members.length === 1 ? onlyOne : placement;
  }

  /** Which of the servers serves this text, or `copy` places behind it, around the end. */
  indexOf(text: string, copy: number | undefined): number {
    if (copy === undefined || !(copy > 0)) return this.placement.place(text);
    const place = copy % this.parts.length;
    return this.placement.order(text, place + 1)[place]!;
  }
}

const onlyOne: Placement = { place: () => 0, order: () => [0] };
