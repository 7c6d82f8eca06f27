import { execFileSync } from 'node:child_process';
import type { MemcachedServer } from '../../src/testing/memcached-server.ts';
import { type FaultProxy, startFaultProxy } from '../../src/testing/fault-proxy.ts';
import { type Ends, startServer, stop } from './servers.ts';

/** What goes wrong with one server, and how it ends. */
export interface Fault {
  /** In words, for what is printed. */
  readonly way: string;
  /** Where clients reach the server: another place than its own where something stands in between. */
  readonly address: string;
  readonly port: number;
  begin(): Promise<void>;
  end(): Promise<void>;
}

export type FaultName = 'stop' | 'kill' | 'drop';

/** Prepares a fault of this server; `ends` undoes it in every case. */
export async function prepareFault(name: FaultName, server: MemcachedServer, ends: Ends): Promise<Fault> {
  switch (name) {
    case 'stop':
      return new Stopped(server);
    case 'kill':
      return new Killed(server, ends);
    case 'drop':
      if (inOwnNetwork()) return ends.add(new Dropped(server), (fault) => fault.end());
      return new Hanging(
        server,
        ends.add(
          await startFaultProxy({ target: { host: '127.0.0.1', port: server.port }, seed: 1 }),
          (proxy) => proxy.stop(),
        ),
      );
  }
}

class Stopped implements Fault {
  readonly way = 'SIGSTOP, later SIGCONT: its kernel takes connections and bytes, nothing is answered';
  readonly address: string;
  readonly port: number;
  readonly #server: MemcachedServer;

  constructor(server: MemcachedServer) {
    this.address = server.address;
    this.port = server.port;
    this.#server = server;
  }

  async begin(): Promise<void> {
    this.#server.frozen();
  }

  async end(): Promise<void> {
    this.#server.thawed();
  }
}

class Killed implements Fault {
  readonly way = 'SIGKILL, later a new process on the same port: connections are refused meanwhile';
  readonly address: string;
  readonly port: number;
  readonly #ends: Ends;
  #server: MemcachedServer;

  constructor(server: MemcachedServer, ends: Ends) {
    this.address = server.address;
    this.port = server.port;
    this.#server = server;
    this.#ends = ends;
  }

  async begin(): Promise<void> {
    await this.#server.stop();
  }

  async end(): Promise<void> {
    this.#server = this.#ends.add(await startServer({ port: this.port }), stop);
  }
}

/** Of iproute2, which every Linux has. */
const iproute = 'ip';

const mark = 'CISTERN_CHAOS_NETWORK';

/** Whether this process has a network namespace of its own, with nothing in it but what it has started itself. */
export function inOwnNetwork(): boolean {
  return process.env[mark] === 'own';
}

/** How a process is started in a network namespace of its own. */
export const ownNetwork = { command: 'unshare', arguments: ['--net'], environment: { [mark]: 'own' } };

/** Needs the namespace. Its loopback device has to be switched on. */
export function openNetwork(): void {
  execFileSync(iproute, ['link', 'set', 'lo', 'up']);
  // The table of local addresses comes first otherwise, and no rule is looked at.
  execFileSync(iproute, ['rule', 'add', 'pref', '100', 'lookup', 'local']);
  execFileSync(iproute, ['rule', 'del', 'pref', '0']);
}

/** Nothing that the server's port sends arrives any more: no answer, no acknowledgement, no SYN-ACK. Works without any firewall. */
class Dropped implements Fault {
  readonly way =
    'in a network namespace of its own, a routing rule drops every packet from the port of the server';
  readonly address: string;
  readonly port: number;
  readonly #rule: readonly string[];
  #begun = false;

  constructor(server: MemcachedServer) {
    this.address = server.address;
    this.port = server.port;
    this.#rule = ['pref', '10', 'ipproto', 'tcp', 'sport', String(server.port)];
  }

  async begin(): Promise<void> {
    execFileSync(iproute, ['rule', 'add', ...this.#rule, 'blackhole']);
    this.#begun = true;
  }

  async end(): Promise<void> {
    if (this.#begun) execFileSync(iproute, ['rule', 'del', ...this.#rule]);
    this.#begun = false;
  }
}

class Hanging implements Fault {
  readonly way =
    'a proxy in front of the server holds back every byte (a network namespace of its own, where packets could be dropped, needs root and Linux)';
  readonly address: string;
  readonly port: number;
  readonly #proxy: FaultProxy;

  constructor(_server: MemcachedServer, proxy: FaultProxy) {
    this.address = proxy.address;
    this.port = proxy.port;
    this.#proxy = proxy;
  }

  async begin(): Promise<void> {
    this.#proxy.faults.hang = true;
  }

  async end(): Promise<void> {
    this.#proxy.faults.hang = false;
  }
}
