import { type CachedShop, staleBounds } from '../cached.ts';
import type { Console } from '../machine/console.ts';
import { sizes } from '../database/schema.ts';
import type { Options } from '../options.ts';
import type { Shops } from '../shops.ts';
import type { TrafficOrder } from '../traffic/run.ts';
import type { SideFigures } from './figures.ts';
import { measure, type Side } from './measure.ts';

const seed = 7;
/** How long a shopper looks at a page, on average, in milliseconds: short, so that few of them are many. */
const thinkTime = 150;
/** Sends the same shoppers to both shops, one after the other. */
export async function compare(
  { direct, cached }: Shops,
  { seconds, shoppers }: Options,
  console: Console,
  signal: AbortSignal,
): Promise<{ readonly without: SideFigures; readonly cached: SideFigures }> {
  const duration = seconds * 1000;
  const warmUp = Math.min(2000, duration / 2);
  const order = { seed, shoppers, thinkTime, warmUp, duration, staleBounds };
  const length = `${seconds} s, after ${warmUp / 1000} s to warm up`;
  console.say(`\n${shoppers} shoppers without Cistern (${length}) ...`);
  await direct.source.undoChanges();
  const without = await run(direct, order);

  await cached.source.undoChanges();
  const began = performance.now();
  await console.progress('Loading products and categories ahead', (advance) =>
    warm(cached.shop, advance, signal),
  );
  const took = ((performance.now() - began) / 1000).toFixed(1);
  console.say(`Loaded all products and the first pages of all categories ahead, in ${took} s.`);
  console.say(`The same shoppers with Cistern (${length}) ...`);
  return { without, cached: await run(cached, order) };

  async function run(side: Side, orderOf: Omit<TrafficOrder, 'url'>): Promise<SideFigures> {
    const { figures, firstError } = await measure(side, orderOf, signal);
    if (firstError !== undefined) {
      console.say(`${figures.errors} requests of the time measured failed; the first of all: ${firstError}`);
    }
    return figures;
  }
}

/** As before a deploy: visitors meet a warm cache. In batches, so that neither the database nor memcached is swamped. */
async function warm(
  shop: CachedShop,
  advance: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const products = batches(sizes.products, 200);
  const categories = batches(sizes.categories, 12);
  const total = products.length + categories.length;
  let done = 0;
  for (const ids of products) {
    signal.throwIfAborted();
    advance(done++, total);
    await shop.warmProducts(ids);
  }
  for (const ids of categories) {
    signal.throwIfAborted();
    advance(done++, total);
    await shop.warmCategories(ids);
  }
}

/** The numbers from 1 to `last`, so many at a time. */
function batches(last: number, size: number): number[][] {
  return Array.from({ length: Math.ceil(last / size) }, (_, batch) =>
    Array.from({ length: Math.min(size, last - batch * size) }, (_item, index) => batch * size + index + 1),
  );
}
