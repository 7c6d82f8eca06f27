type SystemError = Error & { readonly code?: string };

/** What may be over in a moment: a connection that broke, a packet that was lost. */
const passing = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT']);

/**
 * Whether the error of a socket that could not be opened says that trying again at once is of no use: nobody listens, there is no
 * way, no such name, no file descriptor left, a certificate that is not right. Undefined: the other side hung up.
 */
export function isHard(error: SystemError | undefined): boolean {
  return error !== undefined && !passing.has(error.code ?? '');
}

/** What is told of it. An error of several addresses has no message. */
export function problemOf(error: SystemError | undefined): string {
  if (error === undefined) return 'the connection was closed by the other side';
  return error.message || (error.code ?? error.name);
}
