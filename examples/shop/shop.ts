/** What the shop shows and takes. Money is in cents. */
export interface Shop {
  home(): Promise<HomePage>;
  product(id: number): Promise<ProductPage | undefined>;
  search(search: Search): Promise<SearchPage>;
  changePrice(id: number, cents: number): Promise<PriceChange | undefined>;
  changeStock(id: number, units: number): Promise<StockChange | undefined>;
}

/** One page of a category. */
export interface Search {
  readonly category: number;
  readonly sort: 'popular' | 'newest' | 'cheapest';
  /** From 1. */
  readonly page: number;
}

/** A product in a list. `version` counts the changes of its price. */
export interface Card {
  readonly id: number;
  readonly name: string;
  readonly cents: number;
  readonly version: number;
}

/** A product as it stands in a list: one card, or none for a product that is gone. */
export function cardOf(product: Card | undefined): Card[] {
  if (product === undefined) return [];
  const { id, name, cents, version } = product;
  return [{ id, name, cents, version }];
}

export interface HomePage {
  readonly bestSellers: readonly (Card & { readonly category: string; readonly units: number })[];
  readonly topRated: readonly (Card & { readonly stars: number; readonly reviews: number })[];
  readonly promotions: readonly (Card & { readonly percent: number; readonly endsOn: string })[];
  readonly lowStock: readonly {
    readonly department: string;
    readonly products: number;
    readonly sold: number;
  }[];
  readonly departments: readonly {
    readonly department: string;
    readonly products: number;
    readonly arrivals: number;
    readonly fromCents: number;
    readonly averageCents: number;
  }[];
}

export interface ProductPage extends Card {
  readonly description: string;
  readonly category: string;
  readonly units: number;
  readonly percentOff: number;
  readonly stars: number;
  readonly reviewCount: number;
  readonly reviews: readonly { readonly stars: number; readonly title: string; readonly body: string }[];
  readonly alsoLiked: readonly { readonly id: number; readonly name: string }[];
}

export interface SearchPage {
  readonly total: number;
  readonly products: readonly Card[];
}

export interface PriceChange {
  readonly id: number;
  readonly cents: number;
  readonly version: number;
}

export interface StockChange {
  readonly id: number;
  readonly units: number;
}
