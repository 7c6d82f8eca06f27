import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chartSvg, type Chart, spread } from '../../src/cli/chart.ts';
import { linearScale, logScale } from '../../src/cli/chart-scales.ts';
import { byteText, count, percent, points, timeText } from '../../src/cli/number-text.ts';
import { textTable } from '../../src/cli/text-table.ts';

const chartOf = (lines: Chart['lines']): string =>
  chartSvg({ title: 'a <b> & "c"', subtitle: 's', xTitle: 'entries', xText: count, lines });

test('names beside the lines keep their distance, their order, and to the plot', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 80, max: 490, noNaN: true }), { maxLength: 21 }), (wanted) => {
      const sorted = wanted.toSorted((a, b) => a - b);
      const places = spread(sorted, 19, 84, 488);
      for (const [index, place] of places.entries()) {
        expect(place).toBeGreaterThanOrEqual(84 - 1e-9);
        expect(place).toBeLessThanOrEqual(488 + 1e-9);
        if (index > 0) expect(place - places[index - 1]!).toBeGreaterThanOrEqual(19 - 1e-9);
      }
    }),
  );
});

test('a name that has room stands at the end of its line', () => {
  expect(spread([100, 200, 300], 19, 84, 488)).toEqual([100, 200, 300]);
});

describe('the chart', () => {
  test('has every line, dashes for the optimum, and nothing that is not escaped', () => {
    const lines = ['lru', 'arc', 'belady'].map((name, index) => ({
      name,
      bound: name === 'belady',
      points: [10, 100, 1000].map((x) => ({ x, y: (index + 1) * 0.1 + x / 5000 })),
    }));
    const svg = chartOf(lines);
    expect(svg.match(/<path d="M[\d.]+,[\d.]+L/g)).toHaveLength(3 + 3);
    expect(svg).toContain('stroke-dasharray="7 5"');
    expect(svg).toContain('a &#60;b&#62; &#38; &#34;c&#34;');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  test.each([
    ['one point', [{ x: 100, y: 0.5 }]],
    [
      'no hits at all',
      [
        { x: 10, y: 0 },
        { x: 20, y: 0 },
      ],
    ],
    [
      'sizes that are close',
      [
        { x: 1000, y: 0.5 },
        { x: 1010, y: 0.6 },
      ],
    ],
    [
      'sizes far apart',
      [
        { x: 1, y: 0.01 },
        { x: 1e9, y: 1 },
      ],
    ],
  ])('of %s has ticks on both axes', (_what, line) => {
    const svg = chartOf([{ name: 'lru', points: line }]);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svg.match(/text-anchor="end"/g)!.length).toBeGreaterThan(2);
    expect(svg.match(/text-anchor="middle"/g)!.length).toBeGreaterThan(2);
  });
});

test('ticks of a logarithmic axis are round, rising, and not too many', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 8, noNaN: true }),
      fc.double({ min: 0.01, max: 9, noNaN: true }),
      (from, decades) => {
        const domain = [10 ** from, 10 ** (from + decades)] as const;
        const { ticks, at } = logScale(domain, [0, 700], count);
        expect(ticks.length).toBeLessThanOrEqual(16);
        for (const [index, { value }] of ticks.entries()) {
          expect(at(value)).toBeGreaterThanOrEqual(-1e-6);
          expect(at(value)).toBeLessThanOrEqual(700 + 1e-6);
          if (index > 0) expect(at(value)).toBeGreaterThan(at(ticks[index - 1]!.value));
        }
      },
    ),
  );
});

test('a linear axis ends at or above its largest value', () => {
  const { ticks, at } = linearScale([0, 0.87], [100, 0], percent);
  expect(ticks.map(({ text }) => text)).toContain('80.0%');
  expect(at(0.87)).toBeGreaterThanOrEqual(0);
  expect(at(0)).toBe(100);
});

test.each([
  [percent(0), '0.0%'],
  [percent(1), '100.0%'],
  [percent(0.9999), '>99.9%'],
  [percent(0.0001), '<0.1%'],
  [percent(0.1234), '12.3%'],
  [points(0.031), '+3.1 points'],
  [points(-0.031), '-3.1 points'],
  [points(0), '+0.0 points'],
  [byteText(0), '0 B'],
  [byteText(999), '999 B'],
  [byteText(1536), '1.50 kB'],
  [byteText(64 * 1024 ** 2), '64.0 MB'],
  [byteText(5e12), '4.55 TB'],
  [timeText(1), '1 ms'],
  [timeText(90_000), '90 seconds'],
  [timeText(7_200_000), '2 hours'],
  [timeText(1e9), '11.6 days'],
])('%s', (text, expected) => {
  expect(text).toBe(expected);
});

test('a table is aligned', () => {
  expect(
    textTable(
      [['', 'b']],
      [
        ['long', '1'],
        ['c', '22'],
      ],
    ),
  ).toBe('       b\n────────\nlong   1\nc     22');
});
