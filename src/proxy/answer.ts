import type { HitReply, Reply } from '../core/store.ts';
import { writeLine, writeValue } from '../wire/memcached-server/classic-answer.ts';
import { AnsweredEntry, writeCode, writeEntry } from '../wire/memcached-server/meta-answer.ts';
import type { ReplyWriter } from '../wire/memcached-server/reply-writer.ts';
import type { RequestLine } from '../wire/memcached-server/request-line.ts';
import { failureText } from './failure-text.ts';
import { describe } from './several-steps.ts';
import type { ProxyStatistics } from './statistics.ts';
import { secondsLeft } from './time-to-live.ts';

const noBytes = new Uint8Array(0);
const entry = new AnsweredEntry();

/** Turns replies of the store into answers, and counts them. */
export class AnswerWriter {
  readonly #statistics: ProxyStatistics;
  readonly #number: (key: string, cas: string) => string;

  /** `number`: what a client is told of a CAS. */
  constructor(statistics: ProxyStatistics, number: (key: string, cas: string) => string) {
    this.#statistics = statistics;
    this.#number = number;
  }

  /** `token`: the key as the client wrote it; `key`: its name in the store. */
  write(writer: ReplyWriter, line: RequestLine, token: string, key: string, reply: Reply): void {
    switch (line.command) {
      case 'mg':
        this.#metaGet(writer, line, token, key, reply);
        break;
      case 'get':
      case 'gets':
      case 'gat':
      case 'gats':
        this.#get(writer, line, token, key, reply);
        break;
      case 'ms':
        this.#metaStored(writer, line, token, key, reply);
        break;
      case 'md':
        this.#metaDeleted(writer, line, token, reply);
        break;
      case 'ma':
        this.#metaCounted(writer, line, token, key, reply);
        break;
      case 'me':
        if (reply.kind === 'hit') writeLine(writer, describe(token, reply, this.#number(key, reply.cas)));
        else this.#say(writer, reply.kind === 'failed' ? this.#failed(reply.error) : 'EN');
        break;
      default: {
        const text = this.#classic(line, reply);
        if (!line.quiet) this.#say(writer, text);
      }
    }
  }

  #metaGet(writer: ReplyWriter, line: RequestLine, token: string, key: string, reply: Reply): void {
    const statistics = this.#statistics;
    switch (reply.kind) {
      case 'hit':
        statistics.get_hits++;
        entry.won = reply.claim === 'won';
        entry.lost = reply.claim === 'lost';
        entry.stale = reply.marked;
        entry.clientFlags = reply.flags;
        entry.cas = this.#number(key, reply.cas);
        entry.timeToLive = secondsLeft(reply.expiresIn);
        writeEntry(writer, line, token, reply.value, entry);
        break;
      case 'miss':
        statistics.get_misses++;
        if (reply.lease === 'none') {
          if (!line.quiet) writeCode(writer, line, token, 'EN', '0');
          break;
        }
        entry.won = reply.lease === 'won';
        entry.lost = !entry.won;
        entry.stale = false;
        entry.clientFlags = 0;
        entry.cas = this.#number(key, reply.cas);
        entry.timeToLive = placeholderTime(line);
        writeEntry(writer, line, token, noBytes, entry);
        break;
      case 'failed':
        statistics.get_failures++;
        this.#say(writer, this.#failed(reply.error));
        break;
      default:
        this.#strange(writer, reply);
    }
  }

  #get(writer: ReplyWriter, line: RequestLine, token: string, key: string, reply: Reply): void {
    const statistics = this.#statistics;
    const touches = line.timeToLive !== undefined;
    if (reply.kind === 'hit') {
      if (touches) statistics.touch_hits++;
      else statistics.get_hits++;
      const tellsCas = line.command === 'gets' || line.command === 'gats';
      const cas = tellsCas ? this.#number(key, reply.cas) : '';
      writeValue(writer, token, reply.value, reply.flags, cas);
    } else {
      // Of several keys one that failed must not cost the others: to a classic client it is a miss.
      if (reply.kind === 'failed') {
        statistics.get_failures++;
        statistics.store_failures++;
      }
      if (touches) statistics.touch_misses++;
      else statistics.get_misses++;
    }
    if (line.last) writeLine(writer, 'END');
  }

  #metaStored(writer: ReplyWriter, line: RequestLine, token: string, key: string, reply: Reply): void {
    this.#countStore(line, reply);
    switch (reply.kind) {
      case 'stored':
        if (!line.quiet) writeCode(writer, line, token, 'HD', this.#number(key, reply.cas));
        break;
      case 'notStored':
        writeCode(writer, line, token, 'NS', '0');
        break;
      case 'conflict':
        writeCode(writer, line, token, 'EX', '0');
        break;
      case 'notFound':
        writeCode(writer, line, token, 'NF', '0');
        break;
      case 'failed':
        this.#say(writer, this.#failed(reply.error));
        break;
      default:
        this.#strange(writer, reply);
    }
  }

  #metaDeleted(writer: ReplyWriter, line: RequestLine, token: string, reply: Reply): void {
    switch (reply.kind) {
      case 'stored':
        this.#statistics.delete_hits++;
        if (!line.quiet) writeCode(writer, line, token, 'HD', '0');
        break;
      case 'notFound':
        this.#statistics.delete_misses++;
        writeCode(writer, line, token, 'NF', '0');
        break;
      case 'conflict':
        this.#statistics.delete_misses++;
        writeCode(writer, line, token, 'EX', '0');
        break;
      case 'failed':
        this.#say(writer, this.#failed(reply.error));
        break;
      default:
        this.#strange(writer, reply);
    }
  }

  #metaCounted(writer: ReplyWriter, line: RequestLine, token: string, key: string, reply: Reply): void {
    this.#countCount(line, reply);
    switch (reply.kind) {
      case 'hit':
        if (!line.quiet) this.#writeCounted(writer, line, token, key, reply);
        break;
      case 'notFound':
        writeCode(writer, line, token, 'NF', '0');
        break;
      case 'notStored':
        writeCode(writer, line, token, 'NS', '0');
        break;
      case 'failed':
        this.#say(writer, this.#failed(reply.error));
        break;
      default:
        this.#strange(writer, reply);
    }
  }

  #writeCounted(writer: ReplyWriter, line: RequestLine, token: string, key: string, hit: HitReply): void {
    entry.won = entry.lost = entry.stale = false;
    entry.cas = this.#number(key, hit.cas);
    entry.timeToLive = secondsLeft(hit.expiresIn);
    writeEntry(writer, line, token, hit.value, entry);
  }

  /** The word of a classic command that is no `get`. */
  #classic(line: RequestLine, reply: Reply): string {
    if (reply.kind === 'failed') return this.#failed(reply.error);
    const statistics = this.#statistics;
    switch (line.command) {
      case 'delete':
        if (reply.kind === 'stored') {
          statistics.delete_hits++;
          return 'DELETED';
        }
        statistics.delete_misses++;
        return 'NOT_FOUND';
      case 'touch':
        if (reply.kind === 'stored') {
          statistics.touch_hits++;
          return 'TOUCHED';
        }
        statistics.touch_misses++;
        return 'NOT_FOUND';
      case 'incr':
      case 'decr':
        this.#countCount(line, reply);
        return reply.kind === 'hit' ? Buffer.from(reply.value).toString('latin1') : 'NOT_FOUND';
      default:
        this.#countStore(line, reply);
        if (reply.kind === 'stored') return 'STORED';
        if (line.command !== 'cas') return 'NOT_STORED';
        return reply.kind === 'conflict' ? 'EXISTS' : 'NOT_FOUND';
    }
  }

  #countStore(line: RequestLine, reply: Reply): void {
    if (line.compare === undefined) return;
    if (reply.kind === 'stored') this.#statistics.cas_hits++;
    else if (reply.kind === 'conflict') this.#statistics.cas_badval++;
    else if (reply.kind === 'notFound') this.#statistics.cas_misses++;
  }

  #countCount(line: RequestLine, reply: Reply): void {
    const hit = reply.kind === 'hit';
    const down = line.delta < 0n;
    if (hit && down) this.#statistics.decr_hits++;
    else if (hit) this.#statistics.incr_hits++;
    else if (reply.kind === 'notFound' && down) this.#statistics.decr_misses++;
    else if (reply.kind === 'notFound') this.#statistics.incr_misses++;
  }

  #failed(error: Error): string {
    this.#statistics.store_failures++;
    return failureText(error);
  }

  #strange(writer: ReplyWriter, reply: Reply): void {
    this.#say(writer, this.#failed(new Error(`the store answered '${reply.kind}' where it never may`)));
  }

  #say(writer: ReplyWriter, text: string): void {
    writeLine(writer, text);
  }
}

/** What is told of the time of a placeholder: without end in front of `N`, and behind it the time that `N` gives (or would have given). */
function placeholderTime(line: RequestLine): number {
  const { letters, vivify = 0 } = line;
  const asked = letters.indexOf('t');
  return asked >= 0 && asked < letters.indexOf('N') ? -1 : Math.max(0, vivify);
}
