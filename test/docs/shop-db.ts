/** The database that the examples of the documentation read and write: two users and two products, in memory. */

export interface User {
  readonly id: number;
  readonly name: string;
}

export interface Product {
  readonly sku: string;
  readonly title: string;
  readonly cents: number;
}

const users = new Map<number, User>([
  [7, { id: 7, name: 'Ada' }],
  [8, { id: 8, name: 'Grace' }],
]);

const products = new Map<string, Product>([
  ['tea', { sku: 'tea', title: 'Green tea', cents: 450 }],
  ['cup', { sku: 'cup', title: 'Cup', cents: 900 }],
]);

/** How a driver offers to be cancelled. */
interface Cancellable {
  readonly signal?: AbortSignal;
}

async function answer<T>(value: T, { signal }: Cancellable = {}): Promise<T> {
  signal?.throwIfAborted();
  return await Promise.resolve(value);
}

export const db = {
  /** Throws when there is no such user. */
  async user(id: number, options?: Cancellable): Promise<User> {
    const user = users.get(id);
    if (user === undefined) throw new Error(`no user ${id}`);
    return await answer(user, options);
  },

  async product(sku: string, options?: Cancellable): Promise<Product | undefined> {
    return await answer(products.get(sku), options);
  },

  async products(skus: readonly string[], options?: Cancellable): Promise<Map<string, Product>> {
    const found = skus.flatMap((sku) => products.get(sku) ?? []);
    return await answer(new Map(found.map((product) => [product.sku, product])), options);
  },

  async setPrice(sku: string, cents: number): Promise<void> {
    const product = products.get(sku);
    if (product === undefined) throw new Error(`no product ${sku}`);
    products.set(sku, { ...product, cents });
    await answer(undefined);
  },
};
