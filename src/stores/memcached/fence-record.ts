import type { Departure } from '../../core/fence.ts';

/** What lies on the server: see `core/fence`. */
export interface FenceRecord {
  readonly incarnation: string;
  readonly members: readonly string[];
  readonly departed: ReadonlyMap<string, Departure>;
}

/** Incarnations and tokens have this length, so that what they are put in front of has a known one. */
const token = /^[A-Za-z0-9_-]{8}$/;

export function encodeRecord({ incarnation, members, departed }: FenceRecord): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({ incarnation, members, departed: Object.fromEntries(departed) }),
  );
}

/** `undefined` for anything that is no record: it is then made anew. */
export function decodeRecord(bytes: Uint8Array): FenceRecord | undefined {
  let found: Partial<Record<keyof FenceRecord, unknown>> | null;
  try {
    found = JSON.parse(new TextDecoder().decode(bytes)) as typeof found;
  } catch {
    return undefined;
  }
  const { incarnation, members, departed } = found ?? {};
  if (typeof incarnation !== 'string' || !token.test(incarnation)) return undefined;
  if (!Array.isArray(members) || !members.every((each) => typeof each === 'string')) return undefined;
  if (typeof departed !== 'object' || departed === null || Array.isArray(departed)) return undefined;
  const departures = new Map<string, Departure>();
  for (const [id, each] of Object.entries(departed as Record<string, Partial<Departure> | null>)) {
    const { token: given, order } = each ?? {};
    if (typeof given !== 'string' || !token.test(given) || !Number.isSafeInteger(order)) return undefined;
    departures.set(id, { token: given, order: order! });
  }
  return { incarnation, members, departed: departures };
}

export function sameMembers(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}

export function sameDepartures(
  one: ReadonlyMap<string, Departure>,
  other: ReadonlyMap<string, Departure>,
): boolean {
  if (one.size !== other.size) return false;
  for (const [id, { token: given, order }] of one) {
    const found = other.get(id);
    if (found?.token !== given || found.order !== order) return false;
  }
  return true;
}
