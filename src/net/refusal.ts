/** What may be over in a moment: a connection that broke, a packet that was lost. */
const passing = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT']);

/**
 * Whether the error of a socket that could not be opened says that trying again at once is of no use: nobody listens, there is no
 * way, no such name, no file descriptor left, a certificate that is not right. Undefined: the other side hung up.
 */
export function isHard(error: Error | undefined): boolean {
  return error !== undefined && !passing.has((error as { readonly code?: string }).code ?? '');
}
