import { CisternError } from '../core/error.ts';
import { dueAt, type Exchange } from './exchange.ts';

export function unavailable(store: string, problem: string, cause?: Error): Error {
  return new CisternError('CISTERN_UNAVAILABLE', { store, problem }, cause);
}

export function closed(store: string): Error {
  return new CisternError('CISTERN_CLOSED', { what: store });
}

/** Makes the errors of one round of timeouts: those that waited equally long share one, as a stack trace is dear. */
export function timeouts(store: string): (exchange: Exchange) => Error {
  let last: CisternError<'CISTERN_TIMEOUT'> | undefined;
  return (exchange) => {
    const { since } = exchange.turn;
    const milliseconds = Math.max(0, Math.round(since === 0 ? 0 : dueAt(exchange) - since));
    if (last?.details.milliseconds !== milliseconds) {
      last = new CisternError('CISTERN_TIMEOUT', { store, milliseconds });
    }
    return last;
  };
}
