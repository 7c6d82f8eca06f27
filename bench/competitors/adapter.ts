/**
 * What the benchmarks ask of a library. Each module in this folder adapts one library, as its own documentation
 * configures it, and exports the `open...` functions of what it can do.
 */

export type Key = string | number;

/** What the loaders answer: a small record, as a row of a database would be. */
export interface Product {
  readonly id: Key;
  readonly name: string;
  readonly price: number;
  readonly stock: number;
}

/** Lifetime in all caches that are compared: long enough that no entry expires while it is measured. */
export const lifetime = 5 * 60 * 1000;
/** Room for all entries that are used, with nothing evicted. */
export const capacity = 10_000;

/** A cache in this process that loads what it does not have. */
export interface LoadingCache {
  get(key: Key): Promise<Product | undefined> | Product | undefined;
}

export interface LoadingModule {
  readonly openLoadingCache: (
    load: (key: Key) => Promise<Product>,
    parameters: Record<string, unknown>,
  ) => LoadingCache;
}

/** What the caches inside the process hold. */
export interface Item {
  readonly id: number;
}

/** A cache in this process that is asked and filled, without loading. */
export interface NearCache {
  get(key: Key): Item | undefined;
  set(key: Key, value: Item): void;
}

export interface NearModule {
  readonly openNearCache: (capacity: number, parameters: Record<string, unknown>) => NearCache;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A value in the two forms that clients take it in; each takes the one that is cheaper for it. */
export interface Payload {
  readonly text: string;
  readonly bytes: Buffer;
}

/** A client of a cache server. What `get` answers is a string or bytes, whichever the client gives. */
export interface RemoteClient {
  get(key: string): Promise<string | Uint8Array | null | undefined>;
  set(key: string, value: Payload): Promise<unknown>;
  /** Present where it is measured. */
  delete?(key: string): Promise<unknown>;
  /** In the order of the keys. */
  getMany(keys: readonly string[]): Promise<readonly (string | Uint8Array | null | undefined)[]>;
  close(): Promise<void>;
}

export interface RemoteModule {
  readonly openRemoteClient: (address: Address, parameters: Record<string, unknown>) => Promise<RemoteClient>;
}

/** A proxy in a process of its own, for clients of memcached. */
export interface ProxyServer {
  /** The same proxy over TCP and over a unix socket. */
  readonly targets: { readonly tcp: Address; readonly unix: { readonly path: string } };
  /** All that its process has used so far. */
  cpuMicroseconds(): number;
  close(): Promise<void>;
}

export interface ProxyModule {
  readonly openProxy: (address: Address, parameters: Record<string, unknown>) => Promise<ProxyServer>;
}

/** A cache in front of a server that several processes share, as one of these processes sees it. */
export interface FleetCache {
  get(key: string): Promise<unknown>;
  close(): Promise<void>;
}

export interface FleetOptions {
  readonly address: Address;
  /** Milliseconds that an entry is fresh. */
  readonly freshFor: number;
  /** Milliseconds that it may be served stale after that. */
  readonly staleFor: number;
  readonly load: (key: string) => Promise<unknown>;
}

export interface FleetModule {
  readonly openFleetCache: (options: FleetOptions) => Promise<FleetCache>;
}
