import { type Bytes, bytes } from '../core/bytes.ts';
import { type Duration, milliseconds } from '../core/duration.ts';
import { wrongOption } from '../core/error.ts';
import { type Place, realRuntime, type Runtime } from '../core/runtime.ts';

export interface ProxyOptions {
  /** Where clients connect: `'127.0.0.1:11211'`, `'[::1]:11211'` (port 0: one that is free) or `'unix:/run/cistern.sock'`. Several are possible. */
  readonly listen: string | readonly string[];
  /** Who may use the file of a unix socket. Default 0o700: the user of the proxy alone. */
  readonly socketMode?: number;
  /** Longest time for one request; the store's own timeouts count as well. Default 1 s. */
  readonly timeout?: Duration;
  /** Most connections; further ones are told and closed. Default 1024. */
  readonly maxConnections?: number;
  /** Most requests of one connection under way; of large answers it is less. Default 1024. */
  readonly maxPipelined?: number;
  /** Most requests of all connections under way; beyond it, no connection is read. Default 8192. */
  readonly maxUnderWay?: number;
  /** Most bytes of values in such requests. Default 32 MB. */
  readonly maxBytesUnderWay?: Bytes;
  /** The largest value that is taken. Default 1 MB. */
  readonly maxValueBytes?: Bytes;
  /** Connections that say nothing for so long are closed. Default: they never are. */
  readonly idleTimeout?: Duration;
  /** How long `close` waits for what is under way. Default 5 s. */
  readonly drainTimeout?: Duration;
  /** Whether clients may empty the store by `flush_all`. Default true. */
  readonly flush?: boolean;
  readonly runtime?: Runtime;
}

export interface ProxySettings {
  readonly places: readonly Place[];
  readonly timeout: number;
  readonly maxConnections: number;
  readonly maxPipelined: number;
  readonly maxUnderWay: number;
  readonly maxBytesUnderWay: number;
  readonly maxValueBytes: number;
  readonly idleTimeout: number | undefined;
  readonly drainTimeout: number;
  readonly flush: boolean;
  readonly runtime: Runtime;
}

/** Checks the options and fills in what is not given. Throws `CISTERN_OPTION`. */
export function settingsOf(options: ProxyOptions): ProxySettings {
  if (typeof options !== 'object' || options === null) throw wrongOption('options', options, 'an object');
  const { listen, socketMode = 0o700, flush = true, idleTimeout } = options;
  const names: unknown = typeof listen === 'string' ? [listen] : listen;
  if (!Array.isArray(names) || names.length === 0) {
    throw wrongOption('listen', listen, "an address such as '127.0.0.1:11211', or an array of such");
  }
  if (!Number.isInteger(socketMode) || socketMode < 0 || socketMode > 0o777) {
    throw wrongOption('socketMode', socketMode, 'the rights of a file, 0 to 0o777');
  }
  if (typeof flush !== 'boolean') throw wrongOption('flush', flush, 'true or false');
  return {
    places: names.map((name) => placeOf(name, socketMode)),
    timeout: milliseconds('timeout', options.timeout ?? '1s'),
    maxConnections: whole('maxConnections', options.maxConnections ?? 1024),
    maxPipelined: whole('maxPipelined', options.maxPipelined ?? 1024),
    maxUnderWay: whole('maxUnderWay', options.maxUnderWay ?? 8192),
    maxBytesUnderWay: bytes('maxBytesUnderWay', options.maxBytesUnderWay ?? '32mb'),
    maxValueBytes: bytes('maxValueBytes', options.maxValueBytes ?? '1mb', 1, 2 ** 30),
    idleTimeout: idleTimeout === undefined ? undefined : milliseconds('idleTimeout', idleTimeout),
    drainTimeout: milliseconds('drainTimeout', options.drainTimeout ?? '5s', { least: 0 }),
    flush,
    runtime: options.runtime ?? realRuntime,
  };
}

const allowedPlaces = "'host:port', '[IPv6 address]:port' or 'unix:/path'";

/** Reads where to listen; port 0 is one that is free. */
function placeOf(name: unknown, mode: number): Place {
  if (typeof name !== 'string') throw wrongOption('listen', name, allowedPlaces);
  if (name.startsWith('unix:')) {
    const path = name.slice('unix:'.length);
    if (!path.startsWith('/') || path.includes('\0')) throw wrongOption('listen', name, allowedPlaces);
    return { path, mode };
  }
  const match = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(name);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw wrongOption('listen', name, allowedPlaces);
  return { host: (match[1] ?? match[2])!, port };
}

function whole(option: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw wrongOption(option, value, 'a whole number from 1');
  return value;
}

/** The name of a place, as it is given in `listen`. */
export function placeName(place: Place): string {
  if ('path' in place) return `unix:${place.path}`;
  return place.host.includes(':') ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`;
}
