const padded = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes of a key in padded base64, as Latin-1; undefined when it is none. */
export function decodeKey(token: string): string | undefined {
  if (token === '' || !padded.test(token)) return undefined;
  return Buffer.from(token, 'base64').toString('latin1');
}

/** Whether all of a key is printable ASCII, as it is with most. */
export function isPrintable(key: string): boolean {
  return /^[!-~]*$/.test(key);
}
