import type { ReleaseOperation, Reply, Right } from '../core/store.ts';
import type { RequestLine } from '../wire/memcached-server/request-line.ts';

/** The right that came with a reply, if its asker has won one. */
function rightOf(reply: Reply): Right | undefined {
  if (reply.kind === 'miss') return reply.lease === 'won' ? 'lease' : undefined;
  if (reply.kind !== 'hit' || reply.claim !== 'won') return undefined;
  return reply.marked ? 'stale' : 'recache';
}

/** How a right that nobody will use is given back; undefined if there is none. */
export function givingBack(key: string, reply: Reply, deadline: number): ReleaseOperation | undefined {
  const right = rightOf(reply);
  if (right === undefined || !('cas' in reply) || reply.cas === '') return undefined;
  return { kind: 'release', key, right, cas: reply.cas, deadline };
}

/**
 * Whether the asker can use a right that it wins: a meta client is told of it. One that is told the CAS keeps it as well, since
 * giving it back would change the CAS. All others know nothing of it.
 */
export function usesRights({ command }: RequestLine): boolean {
  return command === 'mg' || command === 'gets' || command === 'gats';
}
