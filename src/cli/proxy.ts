import type { Bytes } from '../core/bytes.ts';
import type { Duration } from '../core/duration.ts';
import type { ProxyOptions } from '../proxy/proxy-options.ts';
import { type Proxy, serveProxy } from '../proxy/proxy.ts';
import { narrowLeaves } from '../proxy/store-traits.ts';
import { type Command, InputError } from './command.ts';
import { type ProxyArguments, readProxyArguments } from './proxy-arguments.ts';
import { named, storeOf } from './store-options.ts';

const help = `cistern proxy --servers LIST | --memory SIZE | --config FILE [options]

Serves a store over the memcached protocol (meta and classic text), so that any
client, and any number of processes, share one set of connections and policies.
SIGTERM and SIGINT let what is under way end.

What is served:
  --servers LIST          memcached servers, for example 10.0.0.1:11211,10.0.0.2:11211
  --memory SIZE           a store in this process, for example 64mb
  --config FILE           a .js, .mjs or .ts module that exports a store (as default
                          or as 'store', or a function that answers one), or a
                          .json file with these options by their names

  --listen LIST           where clients connect: 127.0.0.1:11211 (default), [::1]:0,
                          unix:/run/cistern.sock; several with commas
  --socket-mode MODE      who may use a unix socket, in octal (default 700)
  --timeout TIME          how long a server may take to answer (default 50ms)
  --pool-name NAME        names the pool in the servers' records (default main)
  --no-fence              keys on the servers as clients write them, for sharing
                          the servers with clients of another kind; a server that
                          comes back may then serve old values

  --max-connections N     (default 1024)
  --max-pipelined N       requests of one connection under way (default 1024)
  --max-value SIZE        the largest value (default 1mb)
  --idle-timeout TIME     close connections that say nothing for so long
  --drain-timeout TIME    how long the end may take (default 5s)
  --no-flush              refuse flush_all
`;

export const command: Command = { help, run };

async function run(args: readonly string[]): Promise<number> {
  const given = await readProxyArguments(args);
  const store = await storeOf(given);
  let proxy: Proxy;
  try {
    proxy = await named(() => serveProxy(store, optionsOf(given)));
  } catch (error) {
    await store.close();
    throw listenError(error);
  }
  const stopped = stopSignal();
  // In one line, and first: who starts this program reads where to connect.
  process.stdout.write(`cistern proxy serves '${store.name}' on ${proxy.addresses.join(', ')}\n`);
  for (const { name } of narrowLeaves(store)) {
    process.stderr.write(
      `cistern: the store '${name}' keeps client flags from 0 to 511 and lives of at most 30 days; 'raw: true' keeps all.\n`,
    );
  }
  await stopped;
  await proxy.close();
  await store.close();
  return 0;
}

function optionsOf(given: ProxyArguments): ProxyOptions {
  return {
    listen: given.listen,
    flush: given.flush,
    ...(given.socketMode !== undefined && { socketMode: given.socketMode }),
    ...(given.maxConnections !== undefined && { maxConnections: given.maxConnections }),
    ...(given.maxPipelined !== undefined && { maxPipelined: given.maxPipelined }),
    ...(given.maxValue !== undefined && { maxValueBytes: given.maxValue as Bytes }),
    ...(given.idleTimeout !== undefined && { idleTimeout: given.idleTimeout as Duration }),
    ...(given.drainTimeout !== undefined && { drainTimeout: given.drainTimeout as Duration }),
  };
}

/** What the system says of a place, in words. */
function listenError(error: unknown): unknown {
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  const place = port === undefined || port === -1 ? address : `${address}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return new InputError(`${place} is taken: another process listens there, or a file has that name.`);
    case 'EACCES':
      return new InputError(`${place} may not be used: it is not this user's, or its folder is not there.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'ENOENT':
      return new InputError(`${place ?? (error as Error).message} is no place on this machine.`);
    default:
      return error;
  }
}

/** Fulfilled at the first signal; the next one ends the program at once. */
async function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  let stopping = false;
  for (const signal of signals) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      resolve();
    });
  }
  await promise;
}
