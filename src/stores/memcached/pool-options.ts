import { type Duration, milliseconds } from '../../core/duration.ts';
import { wrongOption } from '../../core/error.ts';
import type { PoolSettings } from '../../net/connection-pool.ts';
import { checkedOptions } from '../../routes/route-options.ts';

/** How many connections there are to one server. One carries everything in nearly all cases, as requests do not wait for each other's answers. */
export interface PoolOptions {
  /** Opened when the store is made and whenever the server has come back, and never closed for being idle. Default 1. */
  readonly initial?: number;
  /** Up to so many are opened, one by one, while all have 256 requests under way. Default `initial`, at least 1. */
  readonly max?: number;
  /** So many more for a short time, when all others are stuck: behind a lost packet, say. Default 1. */
  readonly burst?: number;
  /** Connections above `initial` are closed when they were not used for so long; those above `max` after a second. Default `'1m'`. */
  readonly idle?: Duration;
}

const mostConnections = 1000;

export function readPool(options: PoolOptions | undefined = {}): PoolSettings {
  if (typeof options !== 'object' || options === null) throw wrongOption('pool', options, 'an object');
  checkedOptions(options, ['initial', 'max', 'burst', 'idle']);
  const initial = count('pool.initial', options.initial ?? 1, 0);
  const max = count('pool.max', options.max ?? Math.max(1, initial), Math.max(1, initial));
  return {
    initial,
    max,
    burst: count('pool.burst', options.burst ?? 1, 0),
    idle: milliseconds('pool.idle', options.idle ?? 60_000),
  };
}

function count(option: string, value: unknown, least: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > mostConnections) {
    throw wrongOption(option, value, `a whole number from ${least} to ${mostConnections}`);
  }
  return value;
}
