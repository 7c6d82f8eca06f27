/** What `stats` tells, by the names that memcached has for it. Numbers that say nothing of a proxy are left out. */
export class ProxyStatistics {
  curr_connections = 0;
  total_connections = 0;
  rejected_connections = 0;
  cmd_get = 0;
  cmd_set = 0;
  cmd_flush = 0;
  cmd_touch = 0;
  cmd_meta = 0;
  get_hits = 0;
  get_misses = 0;
  /** Gets that the store failed at: to a classic client they are misses too. */
  get_failures = 0;
  delete_hits = 0;
  delete_misses = 0;
  incr_misses = 0;
  incr_hits = 0;
  decr_misses = 0;
  decr_hits = 0;
  cas_misses = 0;
  cas_hits = 0;
  cas_badval = 0;
  touch_hits = 0;
  touch_misses = 0;
  store_too_large = 0;
  /** Requests that were answered by an error of the store. */
  store_failures = 0;
  /** Lines that were no requests. */
  protocol_errors = 0;
  bytes_read = 0;
  bytes_written = 0;

  /** To zero, but for the connections that are open. */
  reset(): void {
    const { curr_connections } = this;
    Object.assign(this, new ProxyStatistics(), { curr_connections });
  }
}
