import type { Operation, Reply } from '../core/store.ts';

/**
 * A route with several parts marks the CAS that it hands out with the part that gave it, so that what is done by it goes back to
 * exactly that part: `2:77` is the CAS `77` of part 2. That of part 0 stays as it is, so that the usual answer is handed on
 * untouched; only where it has a colon itself (part 0 is such a route too) it becomes `0:` and that.
 */
export function brandedCas(part: number, cas: string): string {
  if (cas === '' || (part === 0 && !cas.includes(':'))) return cas;
  return `${part}:${cas}`;
}

/** Which part gave this CAS, -1 where none can have. One without a mark is that of part 0, which refuses what is none. */
export function partOfCas(cas: string): number {
  const end = cas.indexOf(':');
  if (end < 0) return 0;
  const digits = cas.slice(0, end);
  return /^\d{1,4}$/.test(digits) ? Number(digits) : -1;
}

/** The CAS as its part gave it. */
export function casOfPart(cas: string): string {
  return cas.slice(cas.indexOf(':') + 1);
}

/** The reply of a part, with its CAS marked. */
export function brandedReply(part: number, reply: Reply): Reply {
  if (reply.kind !== 'hit' && reply.kind !== 'miss' && reply.kind !== 'stored') return reply;
  const cas = brandedCas(part, reply.cas);
  return cas === reply.cas ? reply : withCas(reply, cas);
}

/** The same reply with another CAS. */
export function withCas(reply: Extract<Reply, { readonly cas: string }>, cas: string): Reply {
  if (reply.kind === 'hit')
    return {
      kind: 'hit',
      value: reply.value,
      flags: reply.flags,
      cas,
      freshFor: reply.freshFor,
      expiresIn: reply.expiresIn,
      marked: reply.marked,
      claim: reply.claim,
    };
  return reply.kind === 'miss' ? { kind: 'miss', lease: reply.lease, cas } : { kind: 'stored', cas };
}

/** The part that an operation by CAS goes back to; 0 for one without. */
export function partOf(operation: Operation): number {
  const cas = 'cas' in operation ? operation.cas : undefined;
  return cas === undefined ? 0 : partOfCas(cas);
}

/** The operation as that part knows it. The same object where the CAS is not marked. */
export function asPartKnows(operation: Operation): Operation {
  const cas = 'cas' in operation ? operation.cas : undefined;
  return cas?.includes(':') === true ? ({ ...operation, cas: casOfPart(cas) } as Operation) : operation;
}
