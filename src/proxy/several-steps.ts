import {
  type DeleteOperation,
  type HitReply,
  missing,
  type Operation,
  type Reply,
  type Store,
} from '../core/store.ts';
import type { RequestLine } from '../wire/memcached-server/request-line.ts';
import { type Circumstances, countOf, untouchedGetOf } from './operation-of.ts';
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
      return both(
        store.execute(untouchedGetOf(line, key, circumstances)),
        store.execute(touchOf(line, key, circumstances)),
      );
  }
}

function touchOf(line: RequestLine, key: string, { deadline, wall }: Circumstances): Operation {
  return { kind: 'touch', key, deadline, life: lifeOf(line.timeToLive, wall) };
}

/** The first answer, when the second was none that failed. */
async function both(first: Promise<Reply>, second: Promise<Reply>): Promise<Reply> {
  const [answer, done] = await Promise.all([first, second]);
  return answer.kind !== 'failed' && done.kind === 'failed' ? done : answer;
}

async function countAndTouch(
  store: Store,
  line: RequestLine,
  key: string,
  circumstances: Circumstances,
): Promise<Reply> {
  const answer = await both(
    store.execute(countOf(line, key, circumstances)),
    store.execute(touchOf(line, key, circumstances)),
  );
  if (answer.kind !== 'hit' || line.letters.indexOf('t') < line.letters.indexOf('T')) return answer;
  return { ...answer, expiresIn: lifeOf(line.timeToLive, circumstances.wall).freshFor };
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
    const cas = wanted ?? (found.kind === 'hit' ? found.cas : undefined);
    if (found.kind === 'hit' && cas !== '' && found.cas === cas && found.marked) {
      answer = await store.execute({ kind: 'release', key, deadline, right: 'stale', cas });
    } else {
      answer = await store.execute(markOf(key, deadline, found, cas));
    }
    // Without a condition of the client's own, another entry is as good as the one that was read.
    if (answer.kind !== 'conflict' || wanted !== undefined) return answer;
  }
  return answer;
}

function markOf(key: string, deadline: number, found: Reply, cas: string | undefined): DeleteOperation {
  const condition = cas === undefined || cas === '' ? undefined : { cas };
  const left = found.kind === 'hit' ? found.expiresIn : 0;
  return left > 0
    ? { kind: 'delete', key, deadline, staleFor: left, ...condition }
    : { kind: 'delete', key, deadline, ...condition };
}

/** The answer to `me`: what the contract tells of an entry. */
export function describe(token: string, hit: HitReply, cas: string): string {
  return `ME ${token} exp=${secondsLeft(hit.expiresIn)} cas=${cas} size=${hit.value.length}`;
}
