import { wrongOption } from '../../core/error.ts';

/** A line of the server's file of `-Y`. */
export interface Authentication {
  readonly username: string;
  readonly password: string;
}

/** The longest name or password that is taken, in bytes. The server's file has lines of at most 256. */
const longest = 250;

/** What is sent to log in: `username password`. Errors do not show the password. */
export function readCredentials(authentication: unknown): Uint8Array | undefined {
  if (authentication === undefined) return undefined;
  if (typeof authentication !== 'object' || authentication === null) {
    throw wrongOption('authentication', '(hidden)', 'an object: { username, password }');
  }
  const { username, password } = authentication as Partial<Record<string, unknown>>;
  const encoder = new TextEncoder();
  const fits = (text: unknown, wrong: RegExp): text is string =>
    typeof text === 'string' && text !== '' && !wrong.test(text) && encoder.encode(text).length <= longest;
  if (!fits(username, /[\s:\p{Cc}]/u)) {
    throw wrongOption(
      'authentication.username',
      username,
      `a text of up to ${longest} bytes without spaces and colons`,
    );
  }
  if (!fits(password, /[\s\p{Cc}]/u)) {
    throw wrongOption(
      'authentication.password',
      '(hidden)',
      `a text of up to ${longest} bytes without spaces`,
    );
  }
  return encoder.encode(`${username} ${password}`);
}
