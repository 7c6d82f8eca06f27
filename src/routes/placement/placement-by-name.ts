import { wrongOption } from '../../core/error.ts';
import { jump } from './jump.ts';
import { ketama } from './ketama.ts';
import { modulo } from './modulo.ts';
import type { PlacementKind } from './placement.ts';
import { rendezvous } from './rendezvous.ts';
import { uhashring } from './uhashring.ts';

/** The placements that are known by name. */
export type PlacementName = 'rendezvous' | 'ketama' | 'uhashring' | 'modulo' | 'jump';

const kinds: Readonly<Record<PlacementName, PlacementKind>> = { rendezvous, ketama, uhashring, modulo, jump };

/** The placement of this name, or the one that is given itself. Throws `CISTERN_OPTION` for another name. */
export function placementByName(placement: PlacementName | PlacementKind): PlacementKind {
  if (typeof placement === 'object' && placement !== null && typeof placement.make === 'function')
    return placement;
  if (typeof placement === 'string' && Object.hasOwn(kinds, placement)) return kinds[placement];
  throw wrongOption('placement', placement, `${Object.keys(kinds).join(', ')}, or a PlacementKind`);
}
