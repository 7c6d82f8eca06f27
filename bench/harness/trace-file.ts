import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { root } from './result.ts';

/** The folder of recorded traces and of what other simulators make of them; not part of the repository. */
export const traceFolder: string = join(root, '../shared/traces');

const ending = '.trace.gz';
const newline = 10;
const comma = 44;
const zero = 48;

/** The keys of a trace in the order they were asked for, numbered from 0 in the order they first came. */
export interface Trace {
  readonly name: string;
  readonly requests: Int32Array;
  /** Different keys: one more than the greatest. */
  readonly keys: number;
}

/** The names of the traces that are there, none if the folder is not. */
export function traceNames(folder: string = traceFolder): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith(ending));
  return files.map((file) => file.slice(0, -ending.length)).toSorted();
}

export function readTrace(name: string, folder: string = traceFolder): Trace {
  return parseTrace(name, gunzipSync(readFileSync(join(folder, `${name}${ending}`))));
}

/** Reads lines `key` or `key,size`; the size is left out. */
export function parseTrace(name: string, text: Uint8Array): Trace {
  let lines = text.length > 0 && text.at(-1) !== newline ? 1 : 0;
  for (const byte of text) if (byte === newline) lines++;
  const requests = new Int32Array(lines);
  let greatest = -1;
  let at = 0;
  for (let line = 0; line < lines; line++) {
    let key = 0;
    const start = at;
    for (; at < text.length && text[at] !== newline && text[at] !== comma; at++) {
      const digit = text[at]! - zero;
      if (!(digit >= 0 && digit <= 9)) throw new SyntaxError(`${name}: line ${line + 1} is not a number`);
      key = key * 10 + digit;
    }
    if (at === start) throw new SyntaxError(`${name}: line ${line + 1} has no key`);
    while (at < text.length && text[at] !== newline) at++;
    at++;
    requests[line] = key;
    if (key > greatest) greatest = key;
  }
  return { name, requests, keys: greatest + 1 };
}
