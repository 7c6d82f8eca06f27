import Table from 'cli-table3';
import { endpoints } from '../traffic/shopper.ts';
import { type Figures, type Ratio, ratioOf, type SideFigures } from './figures.ts';

const heading = [
  ...[
    'page',
    '',
    'requests\nper s',
    'p50\nms',
    'p99\nms',
    'database\nqueries/s',
    'near\nhits',
    'remote\nhits',
  ],
  ...['loads\nper key', 'stale\nanswers'],
];
const titles = {
  home: 'home',
  product: 'product',
  search: 'search',
  price: 'price change',
  stock: 'stock change',
};

/** The two sides under each other, per kind of request and in all, with how many times better the second is. */
export function tableOf(without: SideFigures, cached: SideFigures): string {
  const table = new Table({
    head: heading,
    colAligns: ['left', 'left', ...heading.slice(2).map(() => 'right' as const)],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1 },
    chars: {
      ...{ left: '', right: '', middle: ' ', 'mid-mid': '─', 'left-mid': '', 'right-mid': '' },
      ...{
        'top-mid': '─',
        'top-left': '',
        'top-right': '',
        'bottom-mid': '─',
        'bottom-left': '',
        'bottom-right': '',
      },
    },
  });
  for (const endpoint of endpoints) {
    const [one, other] = [without.endpoints[endpoint], cached.endpoints[endpoint]];
    const ratio = ratioOf(one, other);
    // A change is one query, with a cache or without.
    const changes = endpoint === 'price' || endpoint === 'stock';
    table.push(...rows(titles[endpoint], one, other, changes ? { ...ratio, dbQueries: null } : ratio));
  }
  table.push(...rows('all', without, cached, ratioOf(without, cached)));
  // One line between the groups, none within them.
  const lines = table.toString().split('\n');
  return lines.filter((line, index) => !isRule(line) || !isInner(lines[index + 1])).join('\n');
}

function isRule(line: string): boolean {
  return /^[^\w ]/.test(line);
}

function isInner(line: string | undefined): boolean {
  return line !== undefined && /^\s+(with|better)\b/.test(line);
}

function rows(title: string, without: Figures, cached: Figures, ratio: Ratio): string[][] {
  return [
    [title, 'without', ...cells(without)],
    ['', 'with', ...cells(cached)],
    ['', 'better', ...ratioCells(ratio)],
  ];
}

function cells(figures: Figures): string[] {
  return [
    number(figures.rps),
    number(figures.p50),
    number(figures.p99),
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
