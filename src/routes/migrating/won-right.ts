import type { Reply, Right } from '../../core/store.ts';

/** The right to fill or reload that came with an answer to a get; `undefined`: none was won. */
export function wonRight(reply: Reply): Right | undefined {
  if (reply.kind === 'miss') return reply.lease === 'won' && reply.cas !== '' ? 'lease' : undefined;
  if (reply.kind !== 'hit' || reply.claim !== 'won' || reply.cas === '') return undefined;
  return reply.marked ? 'stale' : 'recache';
}
