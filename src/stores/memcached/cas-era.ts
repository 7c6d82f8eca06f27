import type { Reply } from '../../core/store.ts';

/**
 * The CAS values of a server begin at 1 again when it is restarted, and then name other states of other entries. With a fence a restart is
 * always a new incarnation, so each CAS is marked with the era, the count of incarnations that this process has seen, in which it was
 * given, `2:77`: one of an earlier era is nobody's. The first era has no mark, so that in the usual case nothing is made anew.
 */
const mark = ':';

/** The server counts CAS values up from 1, so that no entry has this one. 0 would not do: an append takes it for no condition. */
const nobodysCas = '18446744073709551615';

/** The reply with its CAS marked. */
export function withEra(reply: Reply, era: number): Reply {
  if (era === 0 || !('cas' in reply) || reply.cas === '') return reply;
  return { ...reply, cas: `${era}${mark}${reply.cas}` };
}

/** What goes to the server for a CAS: opaque as they are, what this server cannot have made in this era becomes one that no entry has. */
export function knownCas(cas: string | undefined, era: number): string | undefined {
  if (cas === undefined) return undefined;
  if (typeof cas !== 'string') return nobodysCas;
  const digits = era === 0 ? cas : unmarked(cas, `${era}${mark}`);
  if (!/^[1-9]\d{0,19}$/.test(digits)) return nobodysCas;
  return digits.length === 20 && digits > nobodysCas ? nobodysCas : digits;
}

function unmarked(cas: string, begin: string): string {
  return cas.startsWith(begin) ? cas.slice(begin.length) : '';
}
