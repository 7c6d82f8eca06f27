import type { Address, ProxyModule, RemoteModule } from '../competitors/adapter.ts';
import type { Runner, Sample } from '../harness/contest.ts';
import { quantile } from '../harness/statistics.ts';
import { ProxyClient } from './proxy-client.ts';
import { open as openRemote } from './remote.ts';

/** The work of a case: so many connections, each with so many requests under way. */
interface Shape {
  readonly connections: number;
  readonly depth: number;
  readonly over: 'tcp' | 'unix';
}

const shapes: Readonly<Record<string, Shape>> = {
  '1 connection of 256 callers': { connections: 1, depth: 256, over: 'tcp' },
  '4 connections of 64 callers': { connections: 4, depth: 64, over: 'tcp' },
  '4 connections of 64 callers, unix': { connections: 4, depth: 64, over: 'unix' },
};

export const proxyCases: readonly string[] = Object.keys(shapes);

const keys = 1024;

export interface ProxyParameters {
  readonly address: Address;
  readonly work: 'get' | 'set';
  readonly callers: number;
  readonly valueBytes: number;
}

/**
 * The leaf in this process, asked by its callers; or a proxy in a process of its own, asked over sockets by clients here that do as little
 * as they can. What is measured is the CPU of the process that does the work: this one, or the proxy's.
 */
export async function open(
  adapter: unknown,
  parameters: Record<string, unknown>,
  contender: string,
): Promise<Runner> {
  if ('openRemoteClient' in (adapter as RemoteModule | ProxyModule)) {
    return await openRemote(adapter, parameters, contender);
  }
  const { address, work, valueBytes } = parameters as unknown as ProxyParameters;
  const server = await (adapter as ProxyModule).openProxy(address, parameters);
  const filler = await ProxyClient.open(server.targets.tcp, { keys, valueBytes, work: 'set' });
  await filler.once(keys);
  filler.close();
  return {
    async measure(caseName, milliseconds): Promise<Sample> {
      const { connections, depth, over } = shapes[caseName]!;
      const clients = await Promise.all(
        Array.from({ length: connections }, () =>
          ProxyClient.open(server.targets[over], { keys, valueBytes, work }),
        ),
      );
      for (const [index, client] of clients.entries()) client.start(depth, index * 97);
      // Until every connection is in full swing.
      await sleep(50);
      for (const client of clients) client.answered = 0;
      const wall = performance.now();
      const cpu = server.cpuMicroseconds();
      await sleep(milliseconds);
      const operations = clients.reduce((sum, client) => sum + client.answered, 0);
      const cpuMicroseconds = server.cpuMicroseconds() - cpu;
      const wallMilliseconds = performance.now() - wall;
      await Promise.all(clients.map((client) => client.stop()));
      const waits = clients.flatMap((client) => client.waits);
      return {
        operations,
        cpuMicroseconds,
        wallMilliseconds,
        latency: { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99) },
      };
    },
    close: () => server.close(),
  };
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds));
}
