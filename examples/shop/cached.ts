import { type CacheStatistics, cistern, notFound, type Store } from 'cistern';
import { cardOf, type Search, type Shop } from './shop.ts';
import type { Source } from './source.ts';

export interface CachedShop extends Shop {
  /** Loads products ahead of their first visitor, as before a deploy. */
  warmProducts(ids: readonly number[]): Promise<unknown>;
  /** Loads the first pages of categories ahead. */
  warmCategories(categories: readonly number[]): Promise<unknown>;
  stats(): Readonly<Record<'home' | 'product' | 'search', CacheStatistics>>;
  close(): Promise<void>;
}

/** The oldest that a price may be in an answer that was asked for after the change was confirmed, in milliseconds. */
export const staleBounds = { home: 4000, product: 0, search: 0 } as const;

/**
 * The shop with a cache: the same pages, asked of the caches, which ask the database for what they do not have. This file is
 * all that the service needs for it.
 */
export function cachedShop(source: Source, remote: Store): CachedShop {
  const caches = cistern({ name: 'shop', near: { maxBytes: '64mb' }, remote });

  // Five reports over the whole shop: nobody minds a bestseller list that is two seconds old, so nobody ever waits for it.
  const home = caches.define('home', {
    load: (_page: 'home') => source.home(),
    ttl: '2s',
    staleWhileRevalidate: '2s',
    staleIfError: '10m',
  });

  const products = caches.define('product', {
    load: async (id: number) => (await source.product(id)) ?? notFound,
    loadMany: (ids: readonly number[]) => source.products(ids),
    ttl: '10m',
    staleIfError: '1h',
  });

  // Only which products are on the page: the products themselves come from their own cache, with today's price.
  const results = caches.define('search', {
    key: (search: Search) => [search.category, search.sort, search.page],
    load: async (search: Search) => {
      const page = await source.search(search);
      return { total: page.total, ids: page.products.map((product) => product.id) };
    },
    ttl: '1m',
    staleWhileRevalidate: '5m',
  });

  return {
    home: () => home.get('home'),
    product: (id) => products.get(id),
    async search(search) {
      const { total, ids } = await results.get(search);
      const found = await products.getMany(ids);
      return { total, products: ids.flatMap((id) => cardOf(found.get(id))) };
    },
    // After `mutate` has answered, no reader here gets the old price; in other processes, after at most `nearTtl` (5 s).
    changePrice: async (id, cents) => (await products.mutate(id, () => source.changePrice(id, cents))).result,
    changeStock: async (id, units) => (await products.mutate(id, () => source.changeStock(id, units))).result,
    warmProducts: (ids) => products.warm(ids),
    warmCategories: (categories) => results.warm(categories.flatMap(firstPages)),
    stats: () => ({ home: home.stats(), product: products.stats(), search: results.stats() }),
    close: () => caches.close(),
  };
}

function firstPages(category: number): Search[] {
  const sorts = ['popular', 'newest', 'cheapest'] as const;
  return sorts.flatMap((sort) => [1, 2, 3, 4, 5].map((page) => ({ category, sort, page })));
}
