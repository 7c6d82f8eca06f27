/**
 * The request lines of the meta commands without their keys: `writeRequest` writes the key in behind `mg `, so that the
 * line of most reads is one text for all keys. Keys must be printable ASCII without spaces and at most
 * `longestServerKey` characters, spans are whole seconds from 1 to `longestRelative`, times to live too (or what else the server knows: 0 without
 * end, a Unix time, -1 over at once): nothing is checked here.
 * Flags stand in the order R, T, N: the server carries them out from left to right, so `T` before `R` could never win a
 * recache, and `N` after `T` leaves its placeholder for the time of `N`.
 *
 * Source: memcached's `doc/protocol.txt`, "Meta Commands".
 */

/** The longest key that a server takes. */
export const longestServerKey = 250;

/** The longest time to live in seconds, 30 days: the server takes more for a Unix time. */
export const longestRelative = 2_592_000;

/** `version`: answered with a line of words, `VERSION 1.6.18`. */
export const versionRequest = 'version\r\n';

/**
 * Logs in where the server was started with `-Y`: a `set` whose key, flags and time count for nothing, and whose value is the name and
 * the password. Answered with `STORED`, or with `CLIENT_ERROR authentication failure`.
 *
 * Source: memcached's `proto_text.c`, `process_auth_command`; research on 1.6.18.
 */
export function loginRequest(credentials: Uint8Array): string {
  return `set auth 0 0 ${credentials.length}\r\n`;
}

/** Removes all entries: answered with the code `OK`. */
export const clearRequest = 'flush_all\r\n';

/** Where the key goes in a line: all commands have two letters, and a space behind them. */
const keyPlace = 3;

/** Writes a line and the key that belongs into it, a prefix in front of it: as many bytes as all have characters. */
export function writeRequest(
  line: string,
  prefix: string,
  key: string,
  block: Uint8Array,
  start: number,
): void {
  let at = start;
  for (let index = 0; index < keyPlace; index++) block[at++] = line.charCodeAt(index);
  for (let index = 0; index < prefix.length; index++) block[at++] = prefix.charCodeAt(index);
  for (let index = 0; index < key.length; index++) block[at++] = key.charCodeAt(index);
  for (let index = keyPlace; index < line.length; index++) block[at++] = line.charCodeAt(index);
}

let lastLease = 0;
let lastLine = '';

/** The line of a plain read, made once as long as the lease is the same. */
function leaseRequest(lease: number): string {
  if (lease !== lastLease) {
    lastLease = lease;
    lastLine = `mg  v f c t N${lease}\r\n`;
  }
  return lastLine;
}

/** `mg` for value, client flags, CAS and time left (as it is after a touch). 0 leaves an option out; for the touch, undefined does. */
export function getRequest(recache: number, touch: number | undefined, lease: number): string {
  if (recache === 0 && touch === undefined) {
    return lease === 0 ? 'mg  v f c t\r\n' : leaseRequest(lease);
  }
  return (
    'mg  v f c' +
    (recache === 0 ? '' : ` R${recache}`) +
    (touch === undefined ? ' t' : ` T${touch} t`) +
    (lease === 0 ? '\r\n' : ` N${lease}\r\n`)
  );
}

/** The modes of `ms`, as the server writes them. */
export const storeModes = { set: '', add: ' ME', replace: ' MR', append: ' MA', prepend: ' MP' } as const;

/** The line of an `ms`; the value and CR LF follow it. With `cas` only an entry that has it is changed. */
export function storeRequest(
  bytes: number,
  timeToLive: number,
  clientFlags: number,
  mode: keyof typeof storeModes,
  cas: string | undefined,
): string {
  return `ms  ${bytes} T${timeToLive} F${clientFlags}${storeModes[mode]} c${compare(cas)}\r\n`;
}

/** `ms` that appends nothing: the entry stays as it is, and a won right to recache it is free again. */
export function unwinRequest(cas: string): string {
  return `ms  0 MA c${compare(cas)}\r\n\r\n`;
}

/** `md`: removes the entry. */
export function deleteRequest(cas: string | undefined): string {
  return `md ${compare(cas)}\r\n`;
}

/** `md I`: marks the entry stale and destroys every right to it; undefined keeps its time to live. */
export function invalidateRequest(timeToLive: number | undefined, cas: string | undefined): string {
  return `md  I${timeToLive === undefined ? '' : ` T${timeToLive}`}${compare(cas)}\r\n`;
}

/** `mg` without a value: gives a new time to live. On a stale entry it may win a right, so it asks for the CAS. */
export function touchRequest(timeToLive: number): string {
  return `mg  s f c T${timeToLive}\r\n`;
}

/** `ma`: adds or takes away; creates the number when `initial` is given. Decimal numbers of 64 bits without sign. */
export function countRequest(
  delta: bigint,
  initial: { readonly value: bigint; readonly timeToLive: number } | undefined,
): string {
  return (
    `ma  ${delta < 0n ? `MD D${-delta}` : `D${delta}`}` +
    (initial === undefined ? '' : ` N${initial.timeToLive} J${initial.value}`) +
    ' v t c\r\n'
  );
}

function compare(cas: string | undefined): string {
  return cas === undefined ? '' : ` C${cas}`;
}
