import type { Shop } from './shop.ts';
import type { Source } from './source.ts';

/** The shop without a cache: every page is asked of the database. */
export function directShop(source: Source): Shop {
  return {
    home: () => source.home(),
    product: (id) => source.product(id),
    search: (search) => source.search(search),
    changePrice: (id, cents) => source.changePrice(id, cents),
    changeStock: (id, units) => source.changeStock(id, units),
  };
}
