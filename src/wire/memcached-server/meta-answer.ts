import type { ReplyWriter } from './reply-writer.ts';
import type { RequestLine } from './request-line.ts';

/** What an answer of a meta command tells of an entry. Filled anew for every answer. */
export class AnsweredEntry {
  /** `W`: the asker has won the right to store. */
  won = false;
  /** `X`: it is marked stale. */
  stale = false;
  /** `Z`: somebody else has won the right. */
  lost = false;
  clientFlags = 0;
  /** Decimal. */
  cas = '0';
  /** Seconds, -1 for an entry that never expires. */
  timeToLive = -1;
}

const flagC = 99;
const flagF = 102;
const flagK = 107;
const flagO = 79;
const flagS = 115;
const flagT = 116;
const markW = 87;
const markX = 88;
const markZ = 90;

/** The answer to an `mg` or `ma` that found an entry: its value, if it was asked for, and the flags in the order of the request. */
export function writeEntry(
  writer: ReplyWriter,
  line: RequestLine,
  token: string,
  value: Uint8Array,
  entry: AnsweredEntry,
): void {
  if (line.wantsValue) {
    writer.text('VA ');
    writer.number(value.length);
  } else writer.text('HD');
  const { letters } = line;
  // `ma` tells neither size nor client flags.
  const all = line.command === 'mg';
  for (let index = 0; index < letters.length; index++) {
    switch (letters.charCodeAt(index)) {
      case flagC:
        writer.flag(flagC, entry.cas);
        break;
      case flagT:
        if (entry.timeToLive < 0) writer.flag(flagT, '-1');
        else writer.numberFlag(flagT, entry.timeToLive);
        break;
      case flagF:
        if (all) writer.numberFlag(flagF, entry.clientFlags);
        break;
      case flagS:
        if (all) writer.numberFlag(flagS, value.length);
        break;
      case flagK:
        writeKey(writer, line, token);
        break;
      case flagO:
        writer.text(' ');
        writer.text(line.opaque);
        break;
      default:
    }
  }
  if (entry.lost) writer.mark(markZ);
  if (entry.stale) writer.mark(markX);
  if (entry.won) writer.mark(markW);
  writer.lineEnd();
  if (line.wantsValue) writer.value(value);
}

/** An answer without an entry: a code, the key and the opaque if they were asked for, and behind an `ms` the CAS. */
export function writeCode(
  writer: ReplyWriter,
  line: RequestLine,
  token: string,
  code: string,
  cas: string,
): void {
  writer.text(code);
  const { letters } = line;
  for (let index = 0; index < letters.length; index++) {
    switch (letters.charCodeAt(index)) {
      case flagC:
        if (line.command === 'ms') writer.flag(flagC, cas);
        break;
      case flagK:
        writeKey(writer, line, token);
        break;
      case flagO:
        writer.text(' ');
        writer.text(line.opaque);
        break;
      default:
    }
  }
  writer.lineEnd();
}

function writeKey(writer: ReplyWriter, line: RequestLine, token: string): void {
  writer.flag(flagK, token);
  if (line.base64) writer.text(' b');
}
