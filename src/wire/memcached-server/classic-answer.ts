import type { ReplyWriter } from './reply-writer.ts';

/** `VALUE`: an entry that a `get` or one of its kin has found. `cas`: decimal, `''` where none was asked for. */
export function writeValue(
  writer: ReplyWriter,
  token: string,
  value: Uint8Array,
  clientFlags: number,
  cas: string,
): void {
  writer.text('VALUE ');
  writer.text(token);
  writer.text(' ');
  writer.number(clientFlags);
  writer.text(' ');
  writer.number(value.length);
  if (cas !== '') {
    writer.text(' ');
    writer.text(cas);
  }
  writer.lineEnd();
  writer.value(value);
}

/** Any answer of one line. */
export function writeLine(writer: ReplyWriter, text: string): void {
  writer.text(text);
  writer.lineEnd();
}
