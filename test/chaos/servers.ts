import { execFileSync } from 'node:child_process';
import {
  findMemcached,
  type MemcachedServer,
  type MemcachedServerOptions,
  startMemcached,
} from '../../src/testing/memcached-server.ts';

/** What a run has to end, last first, whatever happens. */
export class Ends {
  readonly #all: (() => unknown)[] = [];

  add<T>(made: T, end: (made: T) => unknown): T {
    this.#all.push(() => end(made));
    return made;
  }

  async run(): Promise<void> {
    for (const end of this.#all.splice(0).toReversed()) await end();
  }
}

/** Little memory and one thread each: there are many of them on one machine. */
const small = ['-m', '32', '-t', '1'];

/** Starts so many memcached processes, all on free loopback ports. */
export async function startServers(count: number, ends: Ends): Promise<MemcachedServer[]> {
  const starting = Array.from({ length: count }, async () => ends.add(await startServer(), stop));
  return await Promise.all(starting);
}

export async function startServer(options: MemcachedServerOptions = {}): Promise<MemcachedServer> {
  return await startMemcached({ args: small, ...options });
}

export async function stop(server: MemcachedServer): Promise<void> {
  await server.stop();
}

/** The id by which servers are known, whatever port they have. */
export function idOf(index: number): string {
  return `m${index}`;
}

export function member(
  server: MemcachedServer,
  index: number,
): { readonly id: string; readonly address: string } {
  return { id: idOf(index), address: server.address };
}

/** What the memcached on the PATH says of itself: `1.6.18`. */
export function versionOf(): string {
  return /(\d[\w.]+)/.exec(execFileSync(findMemcached()!, ['-V'], { encoding: 'latin1' }))?.[1] ?? 'unknown';
}
