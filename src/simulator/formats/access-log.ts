import {
  type LineParser,
  shareOf,
  read,
  type TraceFormat,
  type TraceSink,
  unknownSize,
} from '../trace-format.ts';

/** Host, identity, user, time, request line, status, bytes; perhaps a virtual host before, and referrer, agent and more behind. */
const form = /^(?:\S+ )?\S+ \S+ .*?\[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?: |$)/;
const month = /^(\d{2})\/(\w{3})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/;
const months = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/**
 * Access logs as nginx and Apache write them unless told otherwise: "common" and "combined". `GET` and `HEAD` are requests for their path and
 * query; other methods are not what a cache answers. Only a status of 200 tells the size.
 */
class AccessLog implements LineParser {
  #lastText = '';
  #lastTime = Number.NaN;

  line(text: string, sink: TraceSink): string | undefined {
    const match = form.exec(text);
    if (match === null) return 'is no line of an access log';
    const time = this.#time(match[1]!);
    if (Number.isNaN(time)) return 'has no time that can be read';
    const [method, path] = match[2]!.split(' ', 2);
    if ((method !== 'GET' && method !== 'HEAD') || path === undefined || path === '') {
      sink.ignored();
      return undefined;
    }
    const whole = method === 'GET' && match[3] === '200' && match[4] !== '-';
    sink.request(path, read, whole ? Number(match[4]) : unknownSize, time);
    return undefined;
  }

  /** Lines come many to a second. */
  #time(text: string): number {
    if (text !== this.#lastText) {
      this.#lastText = text;
      this.#lastTime = timeOf(text);
    }
    return this.#lastTime;
  }
}

function timeOf(text: string): number {
  const match = month.exec(text);
  if (match === null) return Number.NaN;
  const index = months.indexOf(match[2]!);
  if (index < 0 || index % 3 !== 0) return Number.NaN;
  const [day, year, hour, minute, second] = [match[1], match[3], match[4], match[5], match[6]].map(Number);
  const offset = (Number(match[8]) * 60 + Number(match[9])) * (match[7] === '-' ? -1 : 1);
  return Date.UTC(year!, index / 3, day, hour, minute! - offset, second);
}

export const accessLog: TraceFormat = {
  name: 'access-log',
  title: 'access log of nginx or Apache (common, combined)',
  example: '10.0.0.1 - - [26/Nov/2026:09:00:00 +0000] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8"',
  likeness: (lines) => shareOf(lines, form),
  parser: () => new AccessLog(),
};
