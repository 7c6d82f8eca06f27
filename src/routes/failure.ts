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

/**
 * The answer of work in several steps, which has no business to reject. Should it do so all the same, because an operation is not what its
 * type says, that is a failure like any other.
 */
export function answered(work: Promise<Reply>): Promise<Reply> {
  return work.then(undefined, broken);
}

function broken(thrown: unknown): Reply {
  return failure(asError(thrown), 'unknown');
}

const wrongUse: readonly ErrorCode[] = ['CISTERN_OPTION', 'CISTERN_KEY'];

/** Whether another part might do better: not with an operation that is wrong in itself. */
export function mayFallBack({ error }: FailedReply): boolean {
  if (!(error instanceof CisternError)) return true;
  const { code, details } = error as CisternError<'CISTERN_SERVER'>;
  if (code === 'CISTERN_SERVER') return !details.line.startsWith('CLIENT_ERROR');
  return !wrongUse.includes(code);
}
