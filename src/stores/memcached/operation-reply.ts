import {
  conflict,
  missing,
  notStored,
  plainMiss,
  type Claim,
  type GetOperation,
  type Operation,
  type Reply,
} from '../../core/store.ts';
import { metaCode, type MetaReply } from '../../wire/memcached-meta/meta-reply.ts';
import type { EntryForm } from './entry-form.ts';
import { contractForm, expiresIn, largestTimeToLive } from './entry-life.ts';

/** Replies without content, shared. */
const stored: Reply = { kind: 'stored', cas: '' };

/**
 * What an answer of the server means for the operation that it answers. Undefined: the server never answers that
 * operation so, and the stream is out of step.
 */
export function replyOf(
  operation: Operation,
  answer: MetaReply,
  form: EntryForm = contractForm,
): Reply | undefined {
  const code = answer.code;
  switch (operation.kind) {
    case 'get':
      if (code === metaCode.VA) return found(operation, answer, form);
      return code === metaCode.EN ? plainMiss : undefined;
    case 'set':
      if (code === metaCode.HD) return { kind: 'stored', cas: casOf(answer) };
      if (code === metaCode.NS) return notStored;
      return refusal(code);
    case 'delete':
      return code === metaCode.HD ? stored : refusal(code);
    case 'touch':
      if (code === metaCode.HD) return form.isPlaceholder(answer, false) ? missing : stored;
      return code === metaCode.EN ? missing : undefined;
    case 'count':
      if (code === metaCode.VA) return counted(answer, form);
      if (code === metaCode.NS) return notStored;
      return refusal(code);
    case 'release':
      if (code === metaCode.HD) return stored;
      // Nothing could be appended to: the entry is gone.
      if (code === metaCode.NS) return operation.right === 'recache' ? missing : undefined;
      return refusal(code);
  }
}

/**
 * Whether the answer gives a right that its asker does not take: to somebody who has left, or did not ask for one. It
 * never comes back by itself, so it must be given back.
 */
export function winsNothing(
  operation: Operation,
  answer: MetaReply,
  form: EntryForm = contractForm,
): boolean {
  if (!answer.won || answer.cas === '' || answer.cas === '0') return false;
  if (operation.kind === 'touch') return true;
  return operation.kind === 'get' && operation.lease === undefined && form.isPlaceholder(answer, false);
}

function refusal(code: number): Reply | undefined {
  if (code === metaCode.NF) return missing;
  return code === metaCode.EX ? conflict : undefined;
}

/** A server without CAS values answers 0: there is nothing to name a state by, and no right that could be used. */
function casOf(answer: MetaReply): string {
  return answer.cas === '0' ? '' : answer.cas;
}

function claimOf(answer: MetaReply, cas: string): Claim {
  if (cas === '') return 'none';
  return answer.won ? 'won' : answer.lost ? 'lost' : 'none';
}

function found(operation: GetOperation, answer: MetaReply, form: EntryForm): Reply | undefined {
  const value = answer.value;
  const seconds = answer.timeToLive;
  if (value === undefined || seconds === undefined) return undefined;
  // An end that this very get has brought about is after it.
  if (seconds > largestTimeToLive && operation.touch === undefined) return plainMiss;
  const cas = casOf(answer);
  if (form.isPlaceholder(answer, operation.lease !== undefined)) {
    if (operation.lease === undefined || cas === '') return plainMiss;
    return { kind: 'miss', lease: claimOf(answer, cas), cas };
  }
  const left = seconds > largestTimeToLive ? 0 : seconds;
  const fresh = form.freshFor(answer.clientFlags, left);
  return {
    kind: 'hit',
    value,
    flags: form.flagsOf(answer.clientFlags),
    cas,
    freshFor: answer.stale ? Math.min(0, fresh) : fresh,
    expiresIn: expiresIn(left),
    marked: answer.stale,
    claim: claimOf(answer, cas),
  };
}

/** `ma` tells neither client flags nor marks: the whole life counts as fresh. */
function counted(answer: MetaReply, form: EntryForm): Reply | undefined {
  const value = answer.value;
  const seconds = answer.timeToLive;
  if (value === undefined || seconds === undefined) return undefined;
  return {
    kind: 'hit',
    value: trimmed(value),
    flags: 0,
    cas: casOf(answer),
    freshFor: form.freshFor(0, seconds),
    expiresIn: expiresIn(seconds),
    marked: false,
    claim: 'none',
  };
}

/** A number that became shorter is padded with spaces on the server. */
function trimmed(digits: Uint8Array): Uint8Array {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === 0x20) end--;
  return end === digits.length ? digits : digits.subarray(0, end);
}
