import { sizes } from '../database/schema.ts';
import { type Random, randomFrom } from './random.ts';
import { zipf } from './zipf.ts';

/** What is asked of the shop, by name. */
export const endpoints = ['home', 'product', 'search', 'price', 'stock'] as const;
export type Endpoint = (typeof endpoints)[number];

/** One request of a shopper, and how long it thinks before the next, in milliseconds. */
export interface Step {
  readonly endpoint: Endpoint;
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly thinkFor: number;
}

/** Of a thousand requests: how many are for what. */
const mix: Readonly<Record<Endpoint, number>> = { home: 150, product: 590, search: 250, price: 7, stock: 3 };
const total = endpoints.reduce((sum, endpoint) => sum + mix[endpoint], 0);

const popularProduct = zipf(sizes.products, 1);
const popularCategory = zipf(sizes.categories, 1);
const likelyPage = zipf(5, 2);
const sorts = ['popular', 'popular', 'popular', 'cheapest', 'newest'] as const;

/** The requests of one shopper, without end. The same seed and number always give the same ones. */
export function* shopper(seed: number, number: number, meanThinkTime: number): Generator<Step, never> {
  const random = randomFrom(seed, number);
  for (;;) {
    const step = next(random);
    yield { ...step, thinkFor: -Math.log(1 - random.next()) * meanThinkTime };
  }
}

function next(random: Random): Omit<Step, 'thinkFor'> {
  const endpoint = choose(random);
  switch (endpoint) {
    case 'home':
      return { endpoint, method: 'GET', path: '/' };
    case 'product':
      return { endpoint, method: 'GET', path: `/products/${popularProduct(random)}` };
    case 'search': {
      const page = `category=${popularCategory(random)}&sort=${random.pick(sorts)}&page=${likelyPage(random)}`;
      return { endpoint, method: 'GET', path: `/search?${page}` };
    }
    case 'price':
      return change(endpoint, 'PUT', { cents: random.between(100, 50_000) }, random);
    case 'stock':
      return change(endpoint, 'POST', { units: random.between(-3, 3) }, random);
  }
}

function change(
  endpoint: 'price' | 'stock',
  method: 'PUT' | 'POST',
  body: object,
  random: Random,
): Omit<Step, 'thinkFor'> {
  const path = `/products/${popularProduct(random)}/${endpoint}`;
  return { endpoint, method, path, body: JSON.stringify(body) };
}

function choose(random: Random): Endpoint {
  let left = random.next() * total;
  for (const endpoint of endpoints) {
    left -= mix[endpoint];
    if (left < 0) return endpoint;
  }
  return 'product';
}
