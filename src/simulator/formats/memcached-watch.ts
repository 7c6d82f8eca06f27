import {
  type LineParser,
  shareOf,
  read,
  remove,
  type TraceFormat,
  type TraceSink,
  unknownSize,
  write,
} from '../trace-format.ts';
import { decodedKey, fieldOf } from './memcached-field.ts';

/** Misses that are remembered while it is open whether a `set` follows. */
const mostOpenMisses = 100_000;

/**
 * What memcached prints after `watch fetchers`, perhaps with `mutations` and `deletions`.
 *
 * A `set` looks its key up before it stores, and the log shows that as an `item_get`, too. Where mutations are watched, the
 * `item_store` that follows at once on the same connection says so. Where they are not, the second `not_found` in a row for
 * a key on one connection is taken for the `set` that fills the cache after the first. As requests they would be hits that nobody had.
 */
class MemcachedWatch implements LineParser {
  #sawStores = false;
  /** The `item_get` that may turn out to belong to the next line. */
  #pending: { key: string; connection: string; size: number; time: number } | undefined;
  readonly #openMisses = new Set<string>();

  line(text: string, sink: TraceSink): string | undefined {
    if (text === 'OK' || text === 'END') return undefined;
    const skipped = /^\[?skipped[=:] ?(\d+)\]?$/.exec(text);
    if (skipped !== null) {
      sink.warn('memcached left out requests, as nobody read its log fast enough');
      return undefined;
    }
    const type = fieldOf(text, 'type=');
    if (type === undefined || !text.startsWith('ts=')) return 'is no line of a memcached log';
    if (type !== 'item_get' && type !== 'item_store' && type !== 'deleted') {
      sink.ignored();
      return undefined;
    }
    const encoded = fieldOf(text, 'key=');
    const time = timeOf(fieldOf(text, 'ts=')!);
    if (encoded === undefined || encoded === '') return 'has no key';
    if (Number.isNaN(time)) return 'has no time';
    const key = decodedKey(encoded);
    const connection = fieldOf(text, 'cfd=') ?? '';
    const bytes = fieldOf(text, 'size=');
    const size = bytes !== undefined && /^[1-9]\d{0,14}$/.test(bytes) ? Number(bytes) : unknownSize;
    const status = fieldOf(text, 'status=');
    if (type === 'item_get') {
      this.#flush(sink);
      if (status === 'not_found' && this.#fills(key, connection)) sink.request(key, write, size, time);
      else this.#pending = { key, connection, size, time };
    } else if (type === 'item_store') {
      this.#sawStores = true;
      if (this.#pending?.key === key && this.#pending.connection === connection) this.#pending = undefined;
      this.#flush(sink);
      if (status === 'stored') sink.request(key, write, size, time);
      else sink.ignored();
    } else {
      // Its own look-up, as above.
      if (this.#pending?.key === key) this.#pending = undefined;
      this.#flush(sink);
      sink.request(key, remove, unknownSize, time);
    }
    return undefined;
  }

  end(sink: TraceSink): void {
    this.#flush(sink);
  }

  #flush(sink: TraceSink): void {
    if (this.#pending === undefined) return;
    const { key, size, time } = this.#pending;
    this.#pending = undefined;
    sink.request(key, read, size, time);
  }

  /** Whether this miss is the look-up of the `set` after the last miss. Remembers it if not. */
  #fills(key: string, connection: string): boolean {
    if (this.#sawStores) return false;
    const name = `${connection} ${key}`;
    if (this.#openMisses.delete(name)) return true;
    this.#openMisses.add(name);
    if (this.#openMisses.size > mostOpenMisses) {
      for (const oldest of this.#openMisses) {
        this.#openMisses.delete(oldest);
        break;
      }
    }
    return false;
  }
}

/** memcached writes seconds and microseconds with a dot between, the latter without leading zeros. */
function timeOf(text: string): number {
  const dot = text.indexOf('.');
  if (!/^\d+\.\d{1,6}$/.test(text)) return Number.NaN;
  return Number(text.slice(0, dot)) * 1000 + Number(text.slice(dot + 1)) / 1000;
}

export const memcachedWatch: TraceFormat = {
  name: 'memcached-watch',
  title: "memcached's log of requests (watch fetchers, perhaps mutations and deletions)",
  example: 'ts=1795655827.26384 gid=2 type=item_get key=user%3A7 status=found clsid=1 cfd=24 size=5',
  likeness: (lines) => shareOf(lines, /^ts=\d+\.\d+ gid=\d+ type=\w+ /),
  parser: () => new MemcachedWatch(),
};
