/** The door `cistern/memcached`: a memcached server as a store. */
export { memcached, type MemcachedOptions } from './stores/memcached/memcached.ts';
