import { type Cache, cistern } from 'cistern';
import { lifetime } from './competitors/adapter.ts';
import { type Figure, type Outcome, packageVersions } from './harness/result.ts';
import type { Benchmark, RunOptions } from './harness/side-by-side.ts';
import { median, spread } from './harness/statistics.ts';
import { figure, textTable } from './harness/table.ts';
import { seededRandom } from '../src/testing/seeded-random.ts';

/** At most so much of a hit may the estimate cost. */
const wanted = 0.02;

const entries = 100_000;
/** Gets of one slice: a millisecond or so, so that what else the machine does meets both sides alike. */
const gets = 10_000;

const random = seededRandom(5);
const order = Int32Array.from({ length: 1 << 18 }, () => Math.floor(random() * entries));

interface Value {
  readonly id: number;
}

type Hit = (ids: Int32Array) => Promise<void>;

/** Slices per pair of caches, after so many that warm it up. */
const slices = 60;
const warmUp = 20;

/**
 * What `near: { estimate }` adds to a hit: pairs of caches of one process, the same but for it. The two take turns slice by slice, and each slice of the one is held
 * against those of the other before and after it. Where a cache happens to lie in memory differs by more than what is looked for: so there are many pairs, and
 * in each second one the other one is made first. Both run the same compiled code, so the one comparison and the one count that also the
 * cache without an estimate has are not in the difference: a nanosecond.
 */
export const benchmark: Benchmark = {
  title: `what the live estimate adds to a hit of the near tier with ${entries} entries, CPU per get`,
  async run(options: RunOptions): Promise<Outcome> {
    const pairs = options.rounds ?? (options.quick ? 4 : 60);
    const results: Figure[] = [];
    const rows: string[][] = [];
    for (const [name, hit] of Object.entries({ 'await cache.get(id)': awaited, 'cache.peek(id)': peeked })) {
      const added: number[] = [];
      const bare: number[] = [];
      for (let pair = 0; pair < pairs; pair++) {
        options.progress(`${name}: pair ${pair + 1} of ${pairs}`);
        const first = await filled(pair % 2 === 0);
        const second = await filled(pair % 2 !== 0);
        const [with_, without] = pair % 2 === 0 ? [first, second] : [second, first];
        const found = await compared(hit(with_), hit(without));
        added.push(found.added);
        bare.push(found.bare);
      }
      const middle = mean(added);
      const reach = (1.96 * deviation(added, middle)) / Math.sqrt(pairs);
      results.push(
        { name: `${name}: added share`, median: middle, min: middle - reach, max: middle + reach },
        { name: `${name}: without, ns`, ...spread(bare) },
      );
      rows.push([
        name,
        figure(median(bare)),
        ...[middle, middle - reach, middle + reach].map((share) => `${(100 * share).toFixed(1)} %`),
      ]);
    }
    return {
      bench: 'near-estimate',
      unit: 'share of the CPU of a hit: mean over pairs, and its 95 % interval',
      rounds: pairs,
      quick: options.quick,
      skipped: [],
      versions: packageVersions(['cistern']),
      results,
      table: `${textTable(['hit', 'ns without', 'added', 'from', 'to (95 %)'], rows)}\n\nWanted of a get: at most ${100 * wanted} %.`,
      details: { entries, gets, slices, wanted },
    };
  },
};

/** The share that one adds to the other, and what the other takes, in ns. */
async function compared(
  with_: Hit,
  without: Hit,
): Promise<{ readonly added: number; readonly bare: number }> {
  const slice = async (of: Hit, number: number): Promise<number> => {
    const at = (number * gets) % (order.length - gets);
    const begin = process.cpuUsage();
    await of(order.subarray(at, at + gets));
    const { user, system } = process.cpuUsage(begin);
    return ((user + system) * 1000) / gets;
  };
  const added: number[] = [];
  const bare: number[] = [];
  let before = await slice(without, 0);
  for (let number = 0; number < warmUp + slices; number++) {
    const middle = await slice(with_, number);
    const after = await slice(without, number);
    if (number >= warmUp) {
      bare.push((before + after) / 2);
      added.push((2 * middle) / (before + after) - 1);
    }
    before = after;
  }
  return { added: median(added), bare: median(bare) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[], middle: number): number {
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}

/** A cache with all its entries in the near tier. */
async function filled(estimate: boolean): Promise<Cache<number, Value>> {
  const family = cistern({ name: 'bench', near: { maxEntries: entries, estimate } });
  const cache = family.define('product', { load: (id: number) => ({ id }), ttl: lifetime });
  for (let id = 0; id < entries; id++) await cache.get(id);
  return cache;
}

function awaited(cache: Cache<number, Value>): Hit {
  return async (ids) => {
    for (const id of ids)
      if ((await cache.get(id)).id !== id) throw new Error(`${id} is not what was asked for`);
  };
}

function peeked(cache: Cache<number, Value>): Hit {
  return async (ids) => {
    for (const id of ids) if (cache.peek(id)?.id !== id) throw new Error(`${id} is not there`);
  };
}
