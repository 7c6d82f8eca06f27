import type { Reply } from '../core/store.ts';
import { failure } from './failure.ts';

/**
 * One answer for a change that went to several parts alike: what the first says, if all of them took it. One that failed
 * makes it a failure, for an old value may live on there; `applied` is `no` only if nothing was applied anywhere.
 */
export function confirmed(replies: readonly Reply[]): Reply {
  const first = replies[0]!;
  const failed = replies.find((reply) => reply.kind === 'failed');
  if (failed !== undefined) return failure(failed.error, replies.some(changed) ? 'unknown' : 'no');
  if (first.kind !== 'notFound') return first;
  // It was there, if not where it was looked for first. The CAS of another part says nothing.
  return replies.some((reply) => reply.kind === 'stored') ? stored : first;
}

const stored: Reply = { kind: 'stored', cas: '' };

function changed(reply: Reply): boolean {
  if (reply.kind === 'failed') return reply.applied === 'unknown';
  return reply.kind === 'stored' || reply.kind === 'hit';
}

/**
 * One answer for a change of one part whose copies elsewhere were removed: the part's own, if the copies are gone. A copy
 * that could not be removed may be as old as the entry was before.
 */
export function cleaned(change: Reply, cleanings: readonly Reply[]): Reply {
  if (change.kind === 'failed') return change;
  for (const each of cleanings) if (each.kind === 'failed') return failure(each.error, 'unknown');
  return change.kind === 'notFound' && cleanings.some((each) => each.kind === 'stored') ? stored : change;
}
