import { wrongOption } from '../../core/error.ts';
import { realRuntime, type ServiceRecord } from '../../core/runtime.ts';
import { type PollOptions, polledServers } from './polled-servers.ts';
import type { Server, ServerList } from './server-list.ts';

/** A host name with an address per server (A, AAAA), which all listen on `port`; or a service with a host name and port for each (SRV). */
export type DnsName = { readonly host: string; readonly port: number } | { readonly service: string };

/**
 * Servers that a name server tells, asked again every 30 s by default. The host names of a service are ids that stay, as those of a
 * headless service of Kubernetes do: `{ service: '_memcached._tcp.cache.shop.svc.cluster.local' }`. Addresses are ids as long as they
 * stay: a server that comes back with another address is another server, and its keys move.
 *
 * Of SRV records those of the lowest priority number count; their weights where they are different, and 0 as 1.
 */
export function dnsServers(dns: DnsName, options: PollOptions = {}): ServerList {
  const runtime = options.runtime ?? realRuntime;
  const asked = 'service' in dns ? dns.service : dns.host;
  const option = 'service' in dns ? 'service' : 'host';
  if (typeof asked !== 'string' || asked === '') throw wrongOption(option, asked, 'a name');
  if ('port' in dns && !(Number.isInteger(dns.port) && dns.port >= 1 && dns.port <= 65_535))
    throw wrongOption('port', dns.port, 'a port, 1 to 65535');
  const read = async (): Promise<readonly Server[]> =>
    'service' in dns
      ? serversOf(await runtime.resolveSrv(dns.service))
      : (await runtime.resolve(dns.host)).map((address) => at(address, dns.port)).toSorted();
  return polledServers(read, { ...options, name: options.name ?? `dns ${asked}` });
}

/** The order of records says nothing, and changes with every answer. */
function serversOf(records: readonly ServiceRecord[]): readonly Server[] {
  const priority = Math.min(...records.map((record) => record.priority));
  const first = records.filter((record) => record.priority === priority);
  // Where all are alike the number tells nothing: some name servers divide 100 among those who are there.
  const alike = first.every((record) => record.weight === first[0]!.weight);
  return first
    .map(({ host, port, weight }) => ({ address: at(host, port), weight: alike ? 1 : Math.max(1, weight) }))
    .toSorted((one, other) => (one.address < other.address ? -1 : 1));
}

function at(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
