import type { Database } from './database/database.ts';
import { today } from './database/schema.ts';
import type { Card, HomePage, PriceChange, ProductPage, Search, SearchPage, StockChange } from './shop.ts';

/** Products on one page of a search. */
export const pageSize = 20;

const orders: Readonly<Record<Search['sort'], string>> = {
  popular: 'p.popularity DESC, p.id',
  newest: 'p.added_on DESC, p.id',
  cheapest: 'r.cents, p.id',
};

/** Everything that the shop asks of its database. It knows nothing of a cache. */
export class Source {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The home page is put together from five reports over the whole shop. */
  async home(): Promise<HomePage> {
    const [bestSellers, topRated, promotions, lowStock, departments] = await Promise.all([
      this.#database.query<HomePage['bestSellers'][number]>('home-best-sellers', homeQueries.bestSellers, [
        today,
      ]),
      this.#database.query<HomePage['topRated'][number]>('home-top-rated', homeQueries.topRated, [today]),
      this.#database.query<HomePage['promotions'][number]>('home-promotions', homeQueries.promotions, [
        today,
      ]),
      this.#database.query<HomePage['lowStock'][number]>('home-low-stock', homeQueries.lowStock, [today]),
      this.#database.query<HomePage['departments'][number]>('home-departments', homeQueries.departments, [
        today,
      ]),
    ]);
    return { bestSellers, topRated, promotions, lowStock, departments };
  }

  async product(id: number): Promise<ProductPage | undefined> {
    return (await this.products([id])).get(id);
  }

  /** Several products with three queries, whatever their number. Those that do not exist are left out. */
  async products(ids: readonly number[]): Promise<Map<number, ProductPage>> {
    const [details, reviews, liked] = await Promise.all([
      this.#database.query<Details>('product-details', productQueries.details, [ids, today]),
      this.#database.query<ReviewSummary>('product-reviews', productQueries.reviews, [ids]),
      this.#database.query<AlsoLiked>('product-liked', productQueries.alsoLiked, [ids]),
    ]);
    const reviewsOf = new Map(reviews.map(({ id, ...summary }) => [id, summary]));
    const likedOf = new Map(liked.map((row) => [row.id, row.alsoLiked]));
    return new Map(
      details.map((row) => [
        row.id,
        {
          ...row,
          ...(reviewsOf.get(row.id) ?? { stars: 0, reviewCount: 0, reviews: [] }),
          alsoLiked: likedOf.get(row.id) ?? [],
        },
      ]),
    );
  }

  async search(search: Search): Promise<SearchPage> {
    const [products, total] = await Promise.all([
      this.#database.query<Card>(`search-${search.sort}`, searchQueries[search.sort], [
        search.category,
        (search.page - 1) * pageSize,
      ]),
      this.#total(search.category),
    ]);
    return { total, products };
  }

  /** The price as it is after the change has been committed. */
  async changePrice(id: number, cents: number): Promise<PriceChange | undefined> {
    const [row] = await this.#database.query<PriceChange>('price-change', changes.price, [id, cents]);
    return row;
  }

  async changeStock(id: number, units: number): Promise<StockChange | undefined> {
    const [row] = await this.#database.query<StockChange>('stock-change', changes.stock, [id, units]);
    return row;
  }

  /** Puts prices and stock back to what they were when the shop was filled. */
  async undoChanges(): Promise<void> {
    await this.#database.query('undo-prices', changes.undoPrices);
    await this.#database.query('undo-stock', changes.undoStock);
  }

  async #total(category: number): Promise<number> {
    const [row] = await this.#database.query<{ total: number }>('search-total', searchQueries.total, [
      category,
    ]);
    return row?.total ?? 0;
  }
}

interface Details extends Card {
  readonly description: string;
  readonly category: string;
  readonly units: number;
  readonly percentOff: number;
}

type ReviewSummary = Pick<ProductPage, 'id' | 'stars' | 'reviewCount' | 'reviews'>;
type AlsoLiked = Pick<ProductPage, 'id' | 'alsoLiked'>;

/** The five reports of the home page; `$1` is today. */
export const homeQueries = {
  /** What sold best in each department in the last four weeks. */
  bestSellers: `
    SELECT best.id, best.name, r.cents, r.version, best.department AS category, best.units::int AS units
    FROM (
      SELECT p.id, p.name, c.department, sum(s.units) AS units,
        row_number() OVER (PARTITION BY c.department ORDER BY sum(s.units) DESC, p.id) AS place
      FROM sales s JOIN products p ON p.id = s.product_id JOIN categories c ON c.id = p.category_id
      WHERE s.week_of > $1::date - 28
      GROUP BY p.id, c.department
    ) best,
    LATERAL (SELECT cents, version FROM prices WHERE product_id = best.id LIMIT 1) r
    WHERE best.place <= 2 ORDER BY best.department, best.place`,
  /** The best loved of those that enough people wrote about in the last year. */
  topRated: `
    SELECT p.id, p.name, r.cents, r.version, loved.stars::float8 AS stars, loved.reviews::int AS reviews
    FROM (
      SELECT product_id, round(avg(stars), 2) AS stars, count(*) AS reviews
      FROM reviews WHERE written_on > $1::date - 365
      GROUP BY product_id HAVING count(*) >= 8
      ORDER BY avg(stars) DESC, count(*) DESC, product_id LIMIT 12
    ) loved
    JOIN products p ON p.id = loved.product_id JOIN prices r ON r.product_id = p.id
    ORDER BY loved.stars DESC, loved.reviews DESC, p.id`,
  /** The running promotions that save most, of what is in stock. */
  promotions: `
    SELECT p.id, p.name, r.cents, r.version, o.percent, o.ends_on::text AS "endsOn"
    FROM promotions o JOIN products p ON p.id = o.product_id
    JOIN prices r ON r.product_id = p.id JOIN stock k ON k.product_id = p.id
    WHERE $1::date BETWEEN o.starts_on AND o.ends_on AND k.units > 0
    ORDER BY o.percent * r.cents DESC, o.id LIMIT 12`,
  /** How many products of each department are about to run out although they sell. */
  lowStock: `
    SELECT c.department, count(*)::int AS products, sum(sold.units)::int AS sold
    FROM stock k
    JOIN (SELECT product_id, sum(units) AS units FROM sales WHERE week_of > $1::date - 28 GROUP BY product_id) sold
      ON sold.product_id = k.product_id
    JOIN products p ON p.id = k.product_id JOIN categories c ON c.id = p.category_id
    WHERE k.units <= k.reorder_at
    GROUP BY c.department ORDER BY sold DESC, c.department`,
  /** The range of each department: how much there is, what is new, what things cost. */
  departments: `
    SELECT c.department, count(*)::int AS products,
      (count(*) FILTER (WHERE p.added_on > $1::date - 14))::int AS arrivals,
      min(r.cents) AS "fromCents", avg(r.cents)::int AS "averageCents"
    FROM products p JOIN categories c ON c.id = p.category_id JOIN prices r ON r.product_id = p.id
    GROUP BY c.department ORDER BY c.department`,
} as const;

/** The parts of a product page; `$1` are the ids. */
const productQueries = {
  details: `
    SELECT p.id, p.name, p.description, c.name AS category, r.cents, r.version, k.units,
      coalesce((SELECT max(o.percent) FROM promotions o
        WHERE o.product_id = p.id AND $2::date BETWEEN o.starts_on AND o.ends_on), 0) AS "percentOff"
    FROM products p JOIN categories c ON c.id = p.category_id
    JOIN prices r ON r.product_id = p.id JOIN stock k ON k.product_id = p.id
    WHERE p.id = ANY ($1::int[])`,
  reviews: `
    SELECT wanted.id, round(told.stars, 2)::float8 AS stars, told.count::int AS "reviewCount", told.latest AS reviews
    FROM unnest($1::int[]) AS wanted (id), LATERAL (
      SELECT avg(w.stars) AS stars, count(*) AS count,
        json_agg(json_build_object('stars', w.stars, 'title', w.title, 'body', w.body)
          ORDER BY w.written_on DESC, w.id DESC) FILTER (WHERE w.place <= 3) AS latest
      FROM (
        SELECT v.*, row_number() OVER (ORDER BY v.written_on DESC, v.id DESC) AS place
        FROM reviews v WHERE v.product_id = wanted.id
      ) w
    ) told WHERE told.count > 0`,
  alsoLiked: `
    SELECT p.id, json_agg(json_build_object('id', near.id, 'name', near.name)) AS "alsoLiked"
    FROM products p, LATERAL (
      SELECT q.id, q.name FROM products q WHERE q.category_id = p.category_id AND q.id <> p.id
      ORDER BY q.popularity DESC, q.id LIMIT 4
    ) near WHERE p.id = ANY ($1::int[]) GROUP BY p.id`,
} as const;

/** One page of a category; `$1` is the category, `$2` what comes before the page. */
const searchQueries = {
  popular: searchQuery('popular'),
  newest: searchQuery('newest'),
  cheapest: searchQuery('cheapest'),
  total: 'SELECT count(*)::int AS total FROM products WHERE category_id = $1',
} as const;

function searchQuery(sort: Search['sort']): string {
  return `
    SELECT p.id, p.name, r.cents, r.version FROM products p JOIN prices r ON r.product_id = p.id
    WHERE p.category_id = $1 ORDER BY ${orders[sort]} LIMIT ${pageSize} OFFSET $2`;
}

const changes = {
  price: `
    UPDATE prices SET cents = $2, version = version + 1 WHERE product_id = $1
    RETURNING product_id AS id, cents, version`,
  stock: `
    UPDATE stock SET units = greatest(0, units + $2) WHERE product_id = $1 RETURNING product_id AS id, units`,
  undoPrices: 'UPDATE prices SET cents = list_cents, version = 1 WHERE version > 1',
  undoStock: 'UPDATE stock SET units = first_units WHERE units <> first_units',
} as const;
