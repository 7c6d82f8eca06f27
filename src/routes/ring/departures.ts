import type { Departure } from '../../core/fence.ts';
import type { PlacedServer, Placement, PlacementKind } from '../placement/placement.ts';
import { serverOf } from './server-identity.ts';

/** The servers of a ring, together with some that have left it. */
export interface WiderRing {
  readonly placement: Placement;
  /** How many are in the ring: indexes from here on are those who have left. */
  readonly present: number;
  /** Identities of those who have left. */
  readonly absent: readonly string[];
}

export function widerRing(
  ring: readonly PlacedServer[],
  absent: readonly string[],
  kind: PlacementKind,
  salt: string,
): WiderRing {
  return { placement: kind.make(ring, salt, absent.map(serverOf)), present: ring.length, absent };
}

/** What names keys on one server, of whom others know that they have left and of whom nobody knows it yet. */
export interface KnownDepartures {
  readonly departed: ReadonlyMap<string, Departure>;
  /** Left, but this server's record does not tell it yet. */
  readonly leaving: { has(identity: string): boolean };
}

/** As many servers at most keep a small record that is known by its copies. */
const mostCopies = 3;

/**
 * What stands in the name of a key on its server: the token of the latest departure through which the key has come there, `''` if it came
 * through none, `undefined` if that departure is not written down yet.
 *
 * A server serves a key since the last of those left who would own it if they were back. By the law of minimal movement these are
 * the absent servers that come before the present one in the order of preference of the wider ring.
 *
 * A record in copies keeps its name on every server that had a copy before: it would be lost with the first of them otherwise, though others have
 * it. What an old copy tells is joined with what the others tell, and never believed alone. `copy`: of such a record.
 */
export function namedBy(
  ring: WiderRing,
  known: KnownDepartures,
  text: string,
  copy: number | undefined,
): string | undefined {
  const { placement, present, absent } = ring;
  if (copy === undefined && placement.place(text) < present) return '';
  let latest: Departure | undefined;
  let waits = false;
  let before = (copy ?? 0) % present;
  for (const [place, index] of placement.order(text, present + absent.length).entries()) {
    if (index < present) {
      if (before-- > 0) continue;
      if (copy !== undefined && place < mostCopies) return '';
      break;
    }
    const identity = absent[index - present]!;
    waits ||= known.leaving.has(identity);
    const departure = known.departed.get(identity);
    if (departure !== undefined && (latest === undefined || departure.order > latest.order))
      latest = departure;
  }
  if (waits) return undefined;
  return latest === undefined ? '' : latest.token;
}
