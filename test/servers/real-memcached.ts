import { findMemcached } from '../../src/testing/memcached-server.ts';

/**
 * Whether tests that need a real memcached are skipped: there is none on this machine, and this is not CI, where a missing
 * server is a failure.
 */
export const withoutMemcached: boolean = findMemcached() === undefined && !process.env['CI'];
