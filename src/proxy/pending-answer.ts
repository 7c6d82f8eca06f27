import type { Reply } from '../core/store.ts';
import type { RequestLine } from '../wire/memcached-server/request-line.ts';

/** A request whose answer has its place in the order of a connection. */
export class PendingAnswer {
  readonly line: RequestLine;
  /** The key as the client wrote it. */
  readonly token: string;
  /** Its name in the store. */
  readonly key: string;
  /** Bytes of its value. */
  readonly bytes: number;
  reply: Reply | undefined = undefined;
  /** In place of a reply: what is answered, CR LF included; `''` nothing. */
  text: string | undefined = undefined;
  next: PendingAnswer | undefined = undefined;

  constructor(line: RequestLine, token: string, key: string, bytes: number) {
    this.line = line;
    this.token = token;
    this.key = key;
    this.bytes = bytes;
  }
}
