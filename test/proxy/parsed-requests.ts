import { type Received, RequestParser } from '../../src/wire/memcached-server/request-parser.ts';
import { expect } from 'vitest';

export const largestValue = 1000;

/** One request as a test sees it. */
export interface Told {
  readonly command: string;
  readonly key: string;
  readonly value: string | undefined;
  readonly text: string;
  readonly closes: boolean;
}

export class Listener {
  readonly told: Told[] = [];
  readonly lines: Received['line'][] = [];
  full = false;
  /** Full after so many requests, until it is emptied. */
  limit = Number.POSITIVE_INFINITY;

  requested({ line, key, value }: Received): void {
    this.lines.push(line);
    this.told.push({
      command: line.command,
      key,
      value: value && Buffer.from(value).toString('latin1'),
      text: line.text,
      closes: line.closes,
    });
    if (this.told.length % this.limit === 0) this.full = true;
  }
}

export function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Parses chunks as a connection does: each is lent, and garbage afterwards; what was not read is handed over again. */
export function parse(
  chunks: readonly Buffer[],
  limit = Number.POSITIVE_INFINITY,
): Listener & { parser: RequestParser } {
  const listener = new Listener();
  listener.limit = limit;
  const parser = new RequestParser(listener, largestValue);
  for (const chunk of chunks) {
    let rest: Uint8Array = Uint8Array.from(chunk);
    for (let turn = 0; ; turn++) {
      const at = parser.push(rest, 0);
      const next = rest.slice(at);
      rest.fill(0xee);
      rest = next;
      if (parser.over || !listener.full) break;
      listener.full = false;
      expect(turn).toBeLessThan(100_000);
    }
    if (!parser.over) expect(rest.length).toBe(0);
  }
  return Object.assign(listener, { parser });
}

export function tell(text: string): readonly Told[] {
  return parse([latin1(text)]).told;
}
