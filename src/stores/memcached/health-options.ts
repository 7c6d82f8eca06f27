import { type Duration, milliseconds } from '../../core/duration.ts';
import { wrongOption } from '../../core/error.ts';
import type { HealthSettings } from '../../net/health.ts';
import { checkedOptions } from '../../routes/route-options.ts';

export interface HealthOptions {
  /** So many turns of requests without an answer in time, or lost connections, in a row mark a server down. Default 3. */
  readonly failures?: number;
  /** The pause before the first probe of a server that is down; it doubles. Each is shortened by up to half, by chance. Default 50 ms. */
  readonly firstPause?: Duration;
  /** The longest pause between probes. Default 2 s. */
  readonly longestPause?: Duration;
}

export function readHealth(options: HealthOptions | undefined = {}): HealthSettings {
  if (typeof options !== 'object' || options === null) throw wrongOption('health', options, 'an object');
  checkedOptions(options, ['failures', 'firstPause', 'longestPause']);
  const failures = options.failures ?? 3;
  if (!Number.isInteger(failures) || failures < 1) {
    throw wrongOption('health.failures', failures, 'a whole number from 1');
  }
  const firstPause = milliseconds('health.firstPause', options.firstPause ?? 50);
  const longestPause = milliseconds(
    'health.longestPause',
    options.longestPause ?? Math.max(2000, firstPause),
    {
      least: firstPause,
    },
  );
  return { failures, firstPause, longestPause };
}
