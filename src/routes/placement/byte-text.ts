const encoder = new TextEncoder();

/** The UTF-8 bytes of a text as a text of as many characters: what hashes of bytes work on. Lone surrogates become U+FFFD. */
export function byteText(text: string): string {
  return String.fromCharCode(...encoder.encode(text));
}
