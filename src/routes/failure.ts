import { asError, CisternError, type ErrorCode, wrongOption } from '../core/error.ts';
import type { FailedReply, Operation, Reply } from '../core/store.ts';

/** A failure as an answer. Default: nothing was changed. */
export function failure(error: Error, applied: FailedReply['applied'] = 'no'): FailedReply {
  return { kind: 'failed', error, applied };
}

/** What a route answers when an operation cannot even be looked at. Only a malformed one does that, before any part is asked. */
export function unusable(operation: Operation, thrown: unknown): Promise<Reply> {
  const isObject = typeof operation === 'object' && operation !== null;
  return Promise.resolve(
    failure(isObject ? asError(thrown) : wrongOption('operation', operation, 'an object')),
  );
}

const wrongUse: readonly ErrorCode[] = ['CISTERN_OPTION', 'CISTERN_KEY'];

/** Whether another part might do better: not with an operation that is wrong in itself. */
export function mayFallBack({ error }: FailedReply): boolean {
  return !(error instanceof CisternError && wrongUse.includes(error.code));
}
