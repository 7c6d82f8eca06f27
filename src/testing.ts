/** What tests of Cistern, of stores made for it, and of programs that use it need. */
export type { Listener, NetworkConditions, Peer } from './testing/fake-network.ts';
export { type FakeRuntime, type FakeRuntimeOptions, fakeRuntime } from './testing/fake-runtime.ts';
export {
  findMemcached,
  type MemcachedServer,
  type MemcachedServerOptions,
  startMemcached,
} from './testing/memcached-server.ts';
export {
  type ContractSubject,
  type StoreOnTrial,
  storeContract,
  storeLaws,
  type TestRunner,
} from './testing/store-contract.ts';
