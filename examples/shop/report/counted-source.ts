import type { HomePage, ProductPage, Search, SearchPage } from '../shop.ts';
import { Source } from '../source.ts';

/** What is loaded from the database under a key, by the page that it is for. */
export const loadedPages = ['home', 'product', 'search'] as const;
export type LoadedPage = (typeof loadedPages)[number];

/** The source, counting how often each key is loaded. */
export class CountedSource extends Source {
  readonly loads: Readonly<Record<LoadedPage, Map<string | number, number>>> = {
    home: new Map(),
    product: new Map(),
    search: new Map(),
  };

  override async home(): Promise<HomePage> {
    this.#count('home', 'page');
    return await super.home();
  }

  override async products(ids: readonly number[]): Promise<Map<number, ProductPage>> {
    for (const id of ids) this.#count('product', id);
    return await super.products(ids);
  }

  override async search(search: Search): Promise<SearchPage> {
    this.#count('search', `${search.category} ${search.sort} ${search.page}`);
    return await super.search(search);
  }

  #count(page: LoadedPage, key: string | number): void {
    this.loads[page].set(key, (this.loads[page].get(key) ?? 0) + 1);
  }
}
