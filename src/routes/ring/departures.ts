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
  if (copy !== undefined) return copyNamedBy(ring, known, text, copy);
  if (placement.place(text) < present) return '';
  let latest: Departure | undefined;
  for (const index of placement.order(text, present + absent.length)) {
    if (index < present) break;
    const identity = absent[index - present]!;
    if (known.leaving.has(identity)) return undefined;
    const departure = known.departed.get(identity);
    if (departure !== undefined && (latest === undefined || departure.order > latest.order))
      latest = departure;
  }
  return latest === undefined ? '' : latest.token;
}

/**
 * The same for a copy of a record: its server is named by the departure through which it came among those that have one. Departures before and
 * after that one change nothing, for what was there is there.
 */
function copyNamedBy(
  { placement, present, absent }: WiderRing,
  known: KnownDepartures,
  text: string,
  copy: number,
): string | undefined {
  const place = copy % present;
  let before = place;
  const passed: { readonly token: string | undefined; readonly order: number }[] = [];
  for (const index of placement.order(text, present + absent.length)) {
    if (index < present) {
      if (before-- === 0) break;
      continue;
    }
    const identity = absent[index - present]!;
    const departure = known.leaving.has(identity)
      ? { token: undefined, order: Number.POSITIVE_INFINITY }
      : known.departed.get(identity);
    if (departure !== undefined) passed.push(departure);
  }
  // With the latest of those who left back in the ring it has one more before it, and so on.
  const through = passed.toSorted((one, other) => other.order - one.order)[mostCopies - place - 1];
  return through === undefined ? '' : through.token;
}
