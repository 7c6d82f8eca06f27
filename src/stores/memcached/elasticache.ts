import { milliseconds } from '../../core/duration.ts';
import { CisternError, wrongOption } from '../../core/error.ts';
import { realRuntime, type Runtime, type Target } from '../../core/runtime.ts';
import { type PollOptions, polledServers } from '../../routes/server-list/polled-servers.ts';
import type { Server, ServerList } from '../../routes/server-list/server-list.ts';
import { readTarget, type TlsOptions } from './address.ts';

export interface ElastiCacheOptions extends PollOptions {
  /** Where the cluster encrypts in transit; then its servers are reached by their host names, which their certificates are for. */
  readonly tls?: TlsOptions;
}

/** What a cluster says about itself. */
interface Cluster {
  /** Grows with every change of its servers. */
  readonly version: number;
  readonly servers: readonly Server[];
}

/** So often in a row an older version must be told to be believed: the endpoint leads to any server, and one may not know yet. */
const olderTimes = 3;
/** Of an answer: about 500 servers. */
const mostBytes = 65_536;

/**
 * The servers of an Amazon ElastiCache cluster for memcached, by its configuration endpoint
 * (`'shop.abc123.cfg.use1.cache.amazonaws.com:11211'`), asked every minute by default. The host names of servers are their ids: one that is
 * replaced keeps its place. Node-based clusters alone: serverless ones have one endpoint, and it is the server.
 *
 * Source: Amazon ElastiCache user guide, "Adding auto discovery to your client library" (`config get cluster`).
 */
export function elastiCacheServers(endpoint: string, options: ElastiCacheOptions = {}): ServerList {
  const { tls, ...poll } = options;
  const target = readTarget('endpoint', endpoint, tls);
  if (!('host' in target)) throw wrongOption('endpoint', endpoint, "'host:port'");
  const runtime = poll.runtime ?? realRuntime;
  const timeout = milliseconds('timeout', poll.timeout ?? '5s');
  const name = poll.name ?? `elasticache ${endpoint}`;
  let known: Cluster | undefined;
  let older = 0;
  const read = async (): Promise<readonly Server[]> => {
    const found = readCluster(await asked(runtime, target, timeout, name), tls !== undefined, name);
    if (known !== undefined && found.version < known.version && ++older < olderTimes) return known.servers;
    older = 0;
    known = found;
    return found.servers;
  };
  return polledServers(read, { every: '1m', ...poll, name });
}

/** Asks once, over a connection of its own. */
function asked(runtime: Runtime, target: Target, timeout: number, name: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let answer = '';
  const fail = (problem: string): void => {
    reject(new CisternError('CISTERN_UNAVAILABLE', { store: name, problem }));
    socket.destroy();
    timer.cancel();
  };
  const timer = runtime.after(timeout, () => fail(`it did not answer within ${timeout} ms`), false);
  const socket = runtime.connect(target, {
    connected: () => void socket.write(['config get cluster\r\n']),
    data: (chunk) => {
      answer += String.fromCharCode(...chunk);
      if (answer.length > mostBytes) fail('its answer does not end');
      else if (/^(?:ERROR|CLIENT_ERROR|SERVER_ERROR)[^\n]*\n/.test(answer))
        fail(`it answered '${answer.trim()}': is it a configuration endpoint?`);
      else if (answer.endsWith('END\r\n')) {
        resolve(answer);
        socket.destroy();
        timer.cancel();
      }
    },
    drained: () => undefined,
    closed: (error) => fail(error?.message ?? 'the connection was closed before it had answered'),
  });
  socket.keepAlive(false);
  return promise;
}

/** `CONFIG cluster 0 <bytes>`, then a line with the version and one with the servers, `host|address|port` each. */
function readCluster(answer: string, byName: boolean, name: string): Cluster {
  const [, bytes, rest] = /^CONFIG cluster \d+ (\d+)\r\n([\s\S]*)$/.exec(answer) ?? [];
  const content = rest?.slice(0, Number(bytes));
  const [, version, list] = /^(\d+)\n([^\n]+)\n$/.exec(content ?? '') ?? [];
  if (list === undefined || rest !== `${content}\r\nEND\r\n`)
    throw new CisternError('CISTERN_PROTOCOL', { store: name, problem: 'it is no list of servers' });
  return {
    version: Number(version),
    servers: list
      .trim()
      .split(' ')
      .map((each) => readServer(each, byName, name)),
  };
}

function readServer(text: string, byName: boolean, name: string): Server {
  const [, host, address, port] = /^([^|]+)\|([^|]*)\|(\d+)$/.exec(text) ?? [];
  if (host === undefined)
    throw new CisternError('CISTERN_PROTOCOL', {
      store: name,
      problem: `'${text.slice(0, 100)}' is no server`,
    });
  // The address may not be known yet.
  const reached = byName || address === '' ? host : address!.includes(':') ? `[${address}]` : address!;
  return { id: `${host}:${port}`, address: `${reached}:${port}` };
}
