import Table from 'cli-table3';
import { endpoints } from '../traffic/shopper.ts';
import { type Figures, type Ratio, ratioOf, type SideFigures } from './figures.ts';

const heading =
  'page|Cistern|requests per s|p50 ms|p99 ms|database queries/s|near hits|remote hits|loads per key|stale answers'
    .split('|')
    .map((title) => title.replace(' ', '\n'));
const chars = {
  middle: ' ',
  'mid-mid': '─',
  'top-mid': '─',
  'bottom-mid': '─',
  ...noBorder(
    'top-left',
    'top-right',
    'bottom-left',
    'bottom-right',
    'left',
    'right',
    'left-mid',
    'right-mid',
  ),
};
const titles = {
  home: 'home',
  product: 'product',
  search: 'search',
  price: 'price\nchange',
  stock: 'stock\nchange',
};

/** The two sides under each other, per kind of request and in all, with how many times better the second is. */
export function tableOf(without: SideFigures, cached: SideFigures): string {
  const table = new Table({
    head: heading,
    colAligns: heading.map((_, column) => (column < 2 ? 'left' : 'right')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    chars,
  });
  for (const endpoint of endpoints) {
    const [one, other] = [without.endpoints[endpoint], cached.endpoints[endpoint]];
    const ratio = ratioOf(one, other);
    // A change is one query, with a cache or without.
    const changes = endpoint === 'price' || endpoint === 'stock';
    table.push(row(titles[endpoint], one, other, changes ? { ...ratio, dbQueries: null } : ratio));
  }
  table.push(row('all', without, cached, ratioOf(without, cached)));
  return table.toString();
}

/** Three lines in each cell: without, with, and how many times better that is. */
function row(title: string, without: Figures, cached: Figures, ratio: Ratio): string[] {
  const lines = [cells(without), cells(cached), ratioCells(ratio)];
  const figures = cells(without).map((_, column) => lines.map((line) => line[column]).join('\n'));
  return [title, 'without\nwith\nbetter', ...figures];
}

function noBorder(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, '']));
}

function cells(figures: Figures): string[] {
  return [
    number(figures.rps),
    figures.rps > 0 ? number(figures.p50) : '-',
    figures.rps > 0 ? number(figures.p99) : '-',
    number(figures.dbQueries),
    figures.hitRatio === undefined ? '-' : percent(figures.hitRatio.near),
    figures.hitRatio === undefined ? '-' : percent(figures.hitRatio.remote),
    figures.loadsPerKey === 0 ? '-' : number(figures.loadsPerKey),
    String(figures.staleAnswers),
  ];
}

function ratioCells({ rps, p50, p99, dbQueries }: Ratio): string[] {
  const times = (ratio: number | null): string => (ratio === null ? '-' : `${number(ratio)} x`);
  return [times(rps), times(p50), times(p99), times(dbQueries), '', '', '', ''];
}

/** Three digits that count, and no more. */
function number(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
