import { after, joined, type Mark } from './mark.ts';

/** What the server record says. Never changed: what comes after it is another one. */
export interface RecordContent {
  /** Made when the record is: a server that lost its memory has another one, so nothing old can be reached. */
  readonly incarnation: Mark;
  /** Per cache that was ever cleared. */
  readonly generations: ReadonlyMap<string, Mark>;
}

/** What stands in the keys of a cache. */
export function nameOf(content: RecordContent, cache: string): string {
  return `${content.incarnation.token}.${content.generations.get(cache)?.token ?? '0'}`;
}

/** A record in the place of one that is lost: it comes after what is known of that. */
export function renewed(known: RecordContent | undefined, token: string): RecordContent {
  return {
    incarnation: after(known?.incarnation, token),
    generations: known?.generations ?? new Map<string, Mark>(),
  };
}

/** The record with a new generation of a cache. */
export function cleared(content: RecordContent, cache: string, token: string): RecordContent {
  const generations = new Map(content.generations);
  generations.set(cache, after(content.generations.get(cache), token));
  return { incarnation: content.incarnation, generations };
}

/** What both say. Which of the two is given first makes no difference; with one that adds nothing it is the other, the same object. */
export function joinedContent(one: RecordContent, other: RecordContent): RecordContent {
  const incarnation = joined(one.incarnation, other.incarnation);
  let generations = one.generations as Map<string, Mark>;
  for (const [cache, mark] of other.generations) {
    const known = generations.get(cache);
    const both = known === undefined ? mark : joined(known, mark);
    if (both === known) continue;
    if (generations === one.generations) generations = new Map(generations);
    generations.set(cache, both);
  }
  return incarnation === one.incarnation && generations === one.generations
    ? one
    : { incarnation, generations };
}

/** Whether the two name everything alike. */
export function sameContent(one: RecordContent, other: RecordContent): boolean {
  if (one === other) return true;
  if (one.incarnation.token !== other.incarnation.token) return false;
  if (one.generations.size !== other.generations.size) return false;
  for (const [cache, mark] of one.generations)
    if (other.generations.get(cache)?.token !== mark.token) return false;
  return true;
}

type MarkText = readonly [order: number, token: string, ...before: string[]];

export function encodeRecord(content: RecordContent): Uint8Array {
  const text = ({ order, token, before }: Mark): MarkText => [order, token, ...before];
  const generations = [...content.generations].map(([cache, mark]) => [cache, text(mark)] as const);
  return new TextEncoder().encode(
    JSON.stringify({
      incarnation: text(content.incarnation),
      generations: Object.fromEntries(generations),
    }),
  );
}

/** `undefined` for anything that is no record: it is then replaced. */
export function decodeRecord(bytes: Uint8Array): RecordContent | undefined {
  try {
    const found = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown> | null;
    const incarnation = markOf(found?.['incarnation']);
    const generations = found?.['generations'];
    if (incarnation === undefined || typeof generations !== 'object' || generations === null)
      return undefined;
    const marks = new Map<string, Mark>();
    for (const [cache, value] of Object.entries(generations)) {
      const mark = markOf(value);
      if (mark === undefined) return undefined;
      marks.set(cache, mark);
    }
    return { incarnation, generations: marks };
  } catch {
    return undefined;
  }
}

const tokenForm = /^[A-Za-z0-9_-]{1,16}$/;
/** Far above what renewals can reach, far below where adding one loses digits. */
const highestOrder = 2 ** 48;

function markOf(value: unknown): Mark | undefined {
  if (!Array.isArray(value) || value.length < 2 || value.length > 64) return undefined;
  const [order, token, ...before] = value as unknown[];
  if (!Number.isInteger(order) || (order as number) < 0 || (order as number) > highestOrder) return undefined;
  if (![token, ...before].every((each) => typeof each === 'string' && tokenForm.test(each))) return undefined;
  return { order: order as number, token: token as string, before: before as string[] };
}
