import { randomFrom, type Random } from '../traffic/random.ts';
import { zipf } from '../traffic/zipf.ts';
import { seed, sizes, today } from './schema.ts';

/** A table's name, the types of its columns as PostgreSQL calls them, and its rows, made one after the other. */
export interface TableRows {
  readonly table: string;
  readonly columns: Readonly<Record<string, string>>;
  readonly count: number;
  rows(): Generator<readonly (string | number)[]>;
}

const departments: Readonly<Record<string, readonly string[]>> = {
  Kitchen: ['Pans', 'Knives', 'Kettles', 'Scales', 'Bakeware', 'Blenders'],
  Garden: ['Spades', 'Seeds', 'Hoses', 'Pots', 'Lanterns', 'Sheds'],
  Sports: ['Balls', 'Weights', 'Tents', 'Bicycles', 'Skates', 'Ropes'],
  Books: ['Novels', 'Atlases', 'Comics', 'Cookbooks', 'Poetry', 'Biographies'],
  Toys: ['Puzzles', 'Trains', 'Dolls', 'Kites', 'Blocks', 'Board games'],
  Clothing: ['Shirts', 'Coats', 'Socks', 'Hats', 'Boots', 'Gloves'],
  Office: ['Pens', 'Desks', 'Lamps', 'Chairs', 'Binders', 'Printers'],
  Music: ['Guitars', 'Drums', 'Keyboards', 'Flutes', 'Microphones', 'Stands'],
  Tools: ['Hammers', 'Saws', 'Drills', 'Ladders', 'Wrenches', 'Clamps'],
  Beauty: ['Soaps', 'Creams', 'Combs', 'Mirrors', 'Perfumes', 'Brushes'],
  Pets: ['Leashes', 'Baskets', 'Bowls', 'Aquariums', 'Cages', 'Treats'],
  Electronics: ['Headphones', 'Chargers', 'Cameras', 'Speakers', 'Routers', 'Watches'],
};
const ranges = ['Everyday', 'Premium'];
const adjectives = ['Quiet', 'Sturdy', 'Bright', 'Folding', 'Silver', 'Nordic', 'Classic', 'Little', 'Grand'];
const makers = [
  'Aldin',
  'Berova',
  'Castell',
  'Dunmore',
  'Elvira',
  'Fjord',
  'Gilda',
  'Harrow',
  'Iskra',
  'Juno',
];
const praise = ['Does what it says', 'Better than expected', 'A fine gift', 'Bought it twice', 'Good value'];
const blame = ['Broke too soon', 'Smaller than it looks', 'Not for me', 'Arrived late', 'Too loud'];
const words = (
  'the a very this one is was works fits feels looks and but with for after before every day week box colour size ' +
  'weight handle price family kitchen house well fine nice light heavy strong soft quick slow easy'
).split(' ');

/** All tables, in the order in which they are filled. */
export function catalogue(): readonly TableRows[] {
  return [categories, products, prices, stock, reviews, sales, promotions];
}

/** The number of days before today, as a date. */
function daysAgo(days: number): string {
  return new Date(Date.parse(today) - days * 86_400_000).toISOString().slice(0, 10);
}

function sentence(random: Random, length: number): string {
  const text = Array.from({ length }, () => random.pick(words)).join(' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function* numbers(count: number): Generator<number> {
  for (let id = 1; id <= count; id++) yield id;
}

const categories: TableRows = {
  table: 'categories',
  columns: { id: 'int', department: 'text', name: 'text' },
  count: sizes.categories,
  *rows() {
    let id = 0;
    for (const [department, names] of Object.entries(departments)) {
      for (const name of names) {
        for (const range of ranges) yield [++id, department, `${range} ${name.toLowerCase()}`];
      }
    }
  },
};

const products: TableRows = {
  table: 'products',
  columns: {
    id: 'int',
    category_id: 'int',
    name: 'text',
    description: 'text',
    popularity: 'int',
    added_on: 'date',
  },
  count: sizes.products,
  *rows() {
    const random = randomFrom(seed, 1);
    const nouns = Object.values(departments).flat();
    for (const id of numbers(sizes.products)) {
      const category = random.between(1, sizes.categories);
      const noun = nouns[Math.floor((category - 1) / ranges.length)]!.toLowerCase();
      yield [
        id,
        category,
        `${random.pick(adjectives)} ${noun} by ${random.pick(makers)}, model ${random.between(100, 999)}`,
        `${sentence(random, 14)} ${sentence(random, 18)}`,
        // Low ids are the popular ones, more or less: so does the traffic ask for them.
        Math.floor(10_000_000 / (id + random.between(0, 500))),
        daysAgo(random.between(0, 1500)),
      ];
    }
  },
};

const prices: TableRows = {
  table: 'prices',
  columns: { product_id: 'int', list_cents: 'int', cents: 'int' },
  count: sizes.products,
  *rows() {
    const random = randomFrom(seed, 2);
    for (const id of numbers(sizes.products)) {
      const cents = Math.round(Math.exp(5.5 + random.next() * 5)) + 99;
      yield [id, cents, cents];
    }
  },
};

const stock: TableRows = {
  table: 'stock',
  columns: { product_id: 'int', first_units: 'int', units: 'int', reorder_at: 'int' },
  count: sizes.products,
  *rows() {
    const random = randomFrom(seed, 3);
    for (const id of numbers(sizes.products)) {
      const units = Math.floor(random.next() ** 2 * 400);
      yield [id, units, units, random.between(2, 20)];
    }
  },
};

const reviews: TableRows = {
  table: 'reviews',
  columns: {
    id: 'int',
    product_id: 'int',
    stars: 'smallint',
    title: 'text',
    body: 'text',
    written_on: 'date',
  },
  count: sizes.reviews,
  *rows() {
    const random = randomFrom(seed, 4);
    for (const id of numbers(sizes.reviews)) {
      // Two draws: products near the low ids have more reviews than others, as in every shop some have.
      const product = 1 + Math.floor(random.next() * random.next() * sizes.products);
      const stars = Math.max(1, 5 - Math.floor(random.next() ** 2 * 5));
      yield [
        id,
        product,
        stars,
        random.pick(stars >= 3 ? praise : blame),
        sentence(random, random.between(6, 14)),
        daysAgo(random.between(0, 900)),
      ];
    }
  },
};

const sales: TableRows = {
  table: 'sales',
  columns: { product_id: 'int', week_of: 'date', units: 'int' },
  count: sizes.sales,
  *rows() {
    const random = randomFrom(seed, 5);
    const popular = zipf(sizes.products, 0.6);
    for (const number of numbers(sizes.sales)) {
      yield [popular(random), daysAgo(7 * (number % 12)), random.between(1, 30)];
    }
  },
};

const promotions: TableRows = {
  table: 'promotions',
  columns: { id: 'int', product_id: 'int', percent: 'int', starts_on: 'date', ends_on: 'date' },
  count: sizes.promotions,
  *rows() {
    const random = randomFrom(seed, 6);
    for (const id of numbers(sizes.promotions)) {
      const start = random.between(-10, 30);
      yield [
        id,
        random.between(1, sizes.products),
        5 * random.between(1, 12),
        daysAgo(start),
        daysAgo(start - 21),
      ];
    }
  },
};
