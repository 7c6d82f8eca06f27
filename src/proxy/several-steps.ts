import {
  conflict,
  type HitReply,
  type Life,
  missing,
  type Operation,
  type Reply,
  type Store,
} from '../core/store.ts';
import type { RequestLine } from '../wire/memcached-server/request-line.ts';
import { type Circumstances, countOf, recachesByNewTime, untouchedGetOf } from './operation-of.ts';
import { givingBack } from './rights.ts';
import { lifeOf, secondsLeft } from './time-to-live.ts';

/** How often a mark is tried again when its entry has changed meanwhile. */
const mostTries = 4;

/** Requests that take more than one operation: those that `operationOf` knows none for. Never rejects where the store does not. */
export function severalSteps(
  store: Store,
  line: RequestLine,
  key: string,
  circumstances: Circumstances,
): Promise<Reply> {
  switch (line.command) {
    case 'ma':
      return countAndTouch(store, line, key, circumstances);
    case 'md':
      return mark(store, line, key, circumstances);
    default:
      return getAndTouch(store, line, key, circumstances);
  }
}

/**
 * Where the time before is told, the get comes first. Where the new one decides who reloads, the entry is touched with one get and
 * asked for with another: who has won a right by the first one has it.
 */
async function getAndTouch(
  store: Store,
  line: RequestLine,
  key: string,
  circumstances: Circumstances,
): Promise<Reply> {
  const { letters } = line;
  const get = untouchedGetOf(line, key, circumstances);
  const life = lifeOf(line.timeToLive, circumstances.wall);
  if (!recachesByNewTime(letters)) return await both(store.execute(get), touch(store, get, life));
  const { recache, ...first } = get;
  const { lease: _lease, ...second } = get;
  const [touched, asked] = await Promise.all([
    store.execute({ ...first, touch: life }),
    store.execute(recache === undefined ? second : { ...second, recache }),
  ]);
  return touched.kind !== 'hit' || touched.claim === 'won' ? touched : asked;
}

/** The first answer, when the second was none that failed. */
async function both(first: Promise<Reply>, second: Promise<Reply>): Promise<Reply> {
  const [answer, done] = await Promise.all([first, second]);
  return answer.kind !== 'failed' && done.kind === 'failed' ? done : answer;
}

function touch(store: Store, { key, deadline }: Operation, life: Life): Promise<Reply> {
  return store.execute({ kind: 'touch', key, deadline, life });
}

async function countAndTouch(
  store: Store,
  line: RequestLine,
  key: string,
  circumstances: Circumstances,
): Promise<Reply> {
  const count = countOf(line, key, circumstances);
  const life = lifeOf(line.timeToLive, circumstances.wall);
  const answer = await store.execute(count);
  if (answer.kind !== 'hit') return answer;
  const touched = await touch(store, count, life);
  if (touched.kind === 'failed') return touched;
  return /T.*t/.test(line.letters) ? { ...answer, expiresIn: life.freshFor } : answer;
}

/**
 * `md I` without a time: the entry is marked and its life stays. It is read, then marked for what is left of its life if it is
 * still the same; a placeholder, which no read shows, is removed: either way nobody has a right to fill it any more.
 */
async function mark(
  store: Store,
  line: RequestLine,
  key: string,
  circumstances: Circumstances,
): Promise<Reply> {
  const { deadline } = circumstances;
  const wanted = line.compare === undefined ? undefined : circumstances.cas(key, line.compare);
  let answer: Reply = missing;
  for (let tries = 0; tries < mostTries; tries++) {
    const found = await store.execute({ kind: 'get', key, deadline });
    if (found.kind === 'failed') return found;
    if (found.kind !== 'hit') {
      return await store.execute({
        kind: 'delete',
        key,
        deadline,
        ...(wanted !== undefined && { cas: wanted }),
      });
    }
    if (wanted !== undefined && wanted !== found.cas) {
      const release = givingBack(key, found, deadline);
      if (release !== undefined) await store.execute(release);
      return conflict;
    }
    answer = await store.execute(markOf(key, deadline, found));
    // Without a condition of the client's own, another entry is as good as the one that was read.
    if (answer.kind !== 'conflict' || wanted !== undefined) return answer;
  }
  return answer;
}

function markOf(key: string, deadline: number, { cas, marked, expiresIn }: HitReply): Operation {
  if (marked && cas !== '') return { kind: 'release', key, deadline, right: 'stale', cas };
  const condition = cas === '' ? undefined : { cas };
  return expiresIn > 0
    ? { kind: 'delete', key, deadline, staleFor: expiresIn, ...condition }
    : { kind: 'delete', key, deadline, ...condition };
}

/** The answer to `me`: what the contract tells of an entry. */
export function describe(token: string, hit: HitReply, cas: string): string {
  return `ME ${token} exp=${secondsLeft(hit.expiresIn)} cas=${cas} size=${hit.value.length}`;
}
