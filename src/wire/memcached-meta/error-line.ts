/** What a line of words from the server means for the request it answers and for the connection. */
export interface ErrorLine {
  /** The server refused: nothing was done. Otherwise it was tried, and nobody knows how far it came. */
  readonly refused: boolean;
  /**
   * The answer says that the server has lost (or will lose) the place in the stream, or that it is about to hang up: the
   * socket must be destroyed. The server takes a value that it did not expect for commands.
   */
  readonly outOfStep: boolean;
}

/**
 * Reads an error line (`ERROR`, `CLIENT_ERROR ...`, `SERVER_ERROR ...`) that answers a request; `carriesValue` says whether
 * that was an `ms`. Undefined for anything else: such a line answers nothing that was asked.
 *
 * Source: memcached 1.6.18 and 1.6.45 on the wire. A bad line of an `ms` leaves its value to be read as commands; other
 * errors of an `ms`, too large a value among them, swallow it.
 */
export function readErrorLine(words: string, carriesValue: boolean): ErrorLine | undefined {
  if (words.startsWith('SERVER_ERROR')) return { refused: false, outOfStep: false };
  if (words.startsWith('CLIENT_ERROR')) {
    return {
      refused: true,
      outOfStep:
        carriesValue &&
        /^CLIENT_ERROR (?:bad command line format|bad data chunk|unauthenticated)/.test(words),
    };
  }
  if (words === 'ERROR' || words.startsWith('ERROR ')) {
    return { refused: true, outOfStep: carriesValue || words.startsWith('ERROR Too many open connections') };
  }
  return undefined;
}
