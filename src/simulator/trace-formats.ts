import { wrongOption } from '../core/error.ts';
import { accessLog } from './formats/access-log.ts';
import { csv } from './formats/csv.ts';
import { memcachedMetadump } from './formats/memcached-metadump.ts';
import { memcachedWatch } from './formats/memcached-watch.ts';
import { keys, plain } from './formats/plain.ts';
import { redisMonitor } from './formats/redis-monitor.ts';
import type { TraceFormat } from './trace-format.ts';

/** All formats, the ones that are easiest to tell first. */
export const traceFormats: readonly TraceFormat[] = [
  memcachedWatch,
  memcachedMetadump,
  redisMonitor,
  accessLog,
  csv,
  plain,
  keys,
];

/** Less than this share of lines is chance: a damaged file is one thing, another kind of file is another. */
const leastLikeness = 0.25;

/** The format of a file by its first lines, `undefined` if it looks like none. */
export function guessFormat(lines: readonly string[]): TraceFormat | undefined {
  const content = lines.filter((line) => line !== '' && line !== 'OK' && line !== '+OK');
  if (content.length === 0) return undefined;
  const likeness = traceFormats.map((format) => format.likeness(content));
  // What half of the lines look like is that, though all of them may look like a plain key, too.
  const sure = likeness.findIndex((each) => each > 0.5);
  const best = sure >= 0 ? sure : likeness.indexOf(Math.max(...likeness));
  return likeness[best]! >= leastLikeness ? traceFormats[best] : undefined;
}

export function formatByName(name: string): TraceFormat {
  const format = traceFormats.find((each) => each.name === name);
  if (format === undefined)
    throw wrongOption('format', name, `one of ${traceFormats.map((each) => each.name).join(', ')}`);
  return format;
}
