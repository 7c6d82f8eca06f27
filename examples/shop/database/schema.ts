/** How much there is of everything. */
export const sizes = {
  departments: 12,
  categories: 144,
  products: 50_000,
  reviews: 90_000,
  sales: 36_000,
  promotions: 4_000,
} as const;

/** What all rows are made from: another seed gives another shop of the same size. */
export const seed = 20_261;

/** "Now", as far as the data goes: the days before it are the past, so that the same seed always gives the same shop. */
export const today = '2026-11-20';

/** The tables, without the indexes: those are made when the rows are in. Money is in cents. */
export const tables = `
  CREATE TABLE categories (
    id int PRIMARY KEY,
    department text NOT NULL,
    name text NOT NULL
  );
  CREATE TABLE products (
    id int PRIMARY KEY,
    category_id int NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    popularity int NOT NULL,
    added_on date NOT NULL
  );
  CREATE TABLE prices (
    product_id int PRIMARY KEY,
    list_cents int NOT NULL,
    cents int NOT NULL,
    version int NOT NULL DEFAULT 1
  ) WITH (fillfactor = 80);
  CREATE TABLE stock (
    product_id int PRIMARY KEY,
    first_units int NOT NULL,
    units int NOT NULL,
    reorder_at int NOT NULL
  ) WITH (fillfactor = 80);
  CREATE TABLE reviews (
    id int PRIMARY KEY,
    product_id int NOT NULL,
    stars smallint NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    written_on date NOT NULL
  );
  CREATE TABLE sales (
    product_id int NOT NULL,
    week_of date NOT NULL,
    units int NOT NULL
  );
  CREATE TABLE promotions (
    id int PRIMARY KEY,
    product_id int NOT NULL,
    percent int NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL
  );
`;

/** The indexes that such a shop has: every page but the home page is answered from them. */
export const indexes = `
  CREATE INDEX products_of_category ON products (category_id, popularity DESC, id);
  CREATE INDEX products_by_age ON products (added_on DESC, id);
  CREATE INDEX reviews_of_product ON reviews (product_id, written_on DESC, id DESC);
  CREATE INDEX promotions_of_product ON promotions (product_id);
`;
