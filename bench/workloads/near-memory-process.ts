import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Item, NearModule } from '../competitors/adapter.ts';

/** What one process measures: a cache with so many entries, after as many again have been evicted as `evictions` says. */
export interface MemoryStart {
  readonly adapter: string;
  readonly parameters: Record<string, unknown>;
  readonly entries: number;
  readonly evictions: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function memory(): number {
  for (let time = 0; time < 4; time++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const start = JSON.parse(process.argv[2]!) as MemoryStart;
const { openNearCache } = (await import(start.adapter)) as NearModule;
const all = start.entries + start.evictions;
// Keys and values are here before the cache is, and stay after it has let go of some: what is added is the cache's own.
const keys = Array.from({ length: all }, (_, number) =>
  Buffer.from(`product:${String(number).padStart(16, '0')}`).toString('latin1'),
);
const values: Item[] = keys.map((_, id) => ({ id }));
// What the compiler makes of the cache's code is not the cache's.
const trial = openNearCache(1000, start.parameters);
for (let number = 0; number < 100_000; number++) {
  trial.set(keys[number]!, values[number]!);
  trial.get(keys[number >> 1]!);
}
const before = memory();
const cache = openNearCache(start.entries, start.parameters);
for (let number = 0; number < all; number++) cache.set(keys[number]!, values[number]!);
// Counts as they are in use: some entries have been asked for.
let found = 0;
for (let number = 0; number < all; number++) if (cache.get(keys[number]!) !== undefined) found++;
const bytes = memory() - before;
// All is still in use: nothing of it may have been collected before.
if (keys.length !== values.length || cache.get(keys[all - 1]!)?.id === -1 || trial.get('') !== undefined)
  throw new Error('lost');
if (found === 0 || found > start.entries) throw new Error(`${found} entries of ${start.entries}`);
console.log(JSON.stringify({ found, bytes, perEntry: bytes / found }));
