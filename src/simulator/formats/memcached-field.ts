/** Lines of memcached's logs and dumps: `name=value` with blanks between. */

/** The value of a field, `undefined` if the line has none of that name. `name` with its `=`. */
export function fieldOf(line: string, name: string): string | undefined {
  let at = line.startsWith(name) ? 0 : line.indexOf(` ${name}`) + 1;
  if (at === 0 && !line.startsWith(name)) return undefined;
  at += name.length;
  const end = line.indexOf(' ', at);
  return end < 0 ? line.slice(at) : line.slice(at, end);
}

/** The bytes of a key, which memcached writes as in a URL. */
export function decodedKey(encoded: string): string {
  if (!encoded.includes('%')) return encoded;
  return encoded.replace(/%([0-9A-Fa-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
