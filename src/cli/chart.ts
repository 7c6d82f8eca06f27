import { linearScale, logScale } from './chart-scales.ts';

export interface ChartLine {
  readonly name: string;
  /** In the order of `x`. Hit ratios, 0 to 1. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Drawn with dashes: a bound rather than something to choose. */
  readonly bound?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  readonly xTitle: string;
  readonly xText: (value: number) => string;
  readonly lines: readonly ChartLine[];
}

const width = 960;
const height = 560;
const plot = { left: 72, right: 770, top: 84, bottom: 488 };
const lineHeight = 19;

/** Colours that people with any colour vision tell apart (Okabe and Ito, "Color Universal Design", 2008), without yellow, which is lost on white. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f7f7f'];
const boundColour = '#000000';

/** Marks, so that colour is not all that tells lines apart. */
const marks: readonly ((x: number, y: number) => string)[] = [
  (x, y) => `M${n(x - 4)},${n(y)}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z`,
  (x, y) => `M${n(x - 3.5)},${n(y - 3.5)}h7v7h-7z`,
  (x, y) => `M${n(x)},${n(y - 5)}l4.5,8h-9z`,
  (x, y) => `M${n(x)},${n(y - 5)}l5,5l-5,5l-5,-5z`,
  (x, y) => `M${n(x)},${n(y + 5)}l4.5,-8h-9z`,
];

const boundMark = (x: number, y: number): string => `M${n(x - 4)},${n(y - 1.5)}h8v3h-8z`;

/** Hit ratio over size, a line for each policy, as an SVG without anything from elsewhere. Sizes lie on a logarithmic axis. */
export function chartSvg(chart: Chart): string {
  const xs = chart.lines.flatMap((line) => line.points.map((point) => point.x));
  const ys = chart.lines.flatMap((line) => line.points.map((point) => point.y));
  const [least, most] = [Math.min(...xs), Math.max(...xs)];
  const xDomain: [number, number] = least === most ? [least / 2, most * 2] : [least, most];
  const x = logScale(xDomain, [plot.left + 12, plot.right - 12], chart.xText);
  const y = linearScale(
    [0, Math.max(0.01, ...ys)],
    [plot.bottom, plot.top],
    (value) => `${Number((value * 100).toPrecision(3))}%`,
  );
  const styles = stylesOf(chart.lines);
  const parts = [
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${plot.left}" y="34" font-size="19" font-weight="bold">${escaped(chart.title)}</text>`,
    `<text x="${plot.left}" y="57" fill="#555555">${escaped(chart.subtitle)}</text>`,
    ...y.ticks.map(
      ({ value, text }) =>
        `<path d="M${plot.left},${n(y.at(value))}H${plot.right}" stroke="#e4e4e4"/>` +
        `<text x="${plot.left - 10}" y="${n(y.at(value) + 5)}" text-anchor="end">${text}</text>`,
    ),
    ...x.ticks.map(
      ({ value, text }) =>
        `<path d="M${n(x.at(value))},${plot.top}V${plot.bottom}" stroke="#f1f1f1"/>` +
        `<path d="M${n(x.at(value))},${plot.bottom}v6" stroke="#555555"/>` +
        `<text x="${n(x.at(value))}" y="${plot.bottom + 22}" text-anchor="middle">${text}</text>`,
    ),
    `<path d="M${plot.left},${plot.top}V${plot.bottom}H${plot.right}" fill="none" stroke="#555555"/>`,
    `<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 50}" text-anchor="middle">${escaped(chart.xTitle)}</text>`,
    `<text transform="translate(20,${(plot.top + plot.bottom) / 2}) rotate(-90)" text-anchor="middle">hit ratio</text>`,
    ...chart.lines.map((line, index) => drawn(line, styles[index]!, x.at, y.at)),
    ...labels(chart.lines, styles, y.at),
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `font-family="Helvetica, Arial, sans-serif" font-size="14" fill="#222222" role="img">\n` +
    `<title>${escaped(chart.title)}</title>\n${parts.join('\n')}\n</svg>\n`
  );
}

interface Style {
  readonly colour: string;
  readonly dashes: string;
  readonly mark: (x: number, y: number) => string;
}

function stylesOf(lines: readonly ChartLine[]): readonly Style[] {
  let used = 0;
  return lines.map((line) => {
    if (line.bound === true)
      return { colour: boundColour, dashes: ' stroke-dasharray="7 5"', mark: boundMark };
    const turn = Math.floor(used / colours.length);
    const style = {
      colour: colours[used % colours.length]!,
      // When the colours are used up, dots tell the second turn from the first.
      dashes: turn > 0 ? ' stroke-dasharray="2 4"' : '',
      mark: marks[used % marks.length]!,
    };
    used++;
    return style;
  });
}

function drawn(
  line: ChartLine,
  style: Style,
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  const places = line.points.map((point) => [x(point.x), y(point.y)] as const);
  const path = places.map(([px, py], index) => `${index === 0 ? 'M' : 'L'}${n(px)},${n(py)}`).join('');
  const dots = places.map(([px, py]) => style.mark(px, py)).join('');
  return (
    `<path d="${path}" fill="none" stroke="${style.colour}" stroke-width="2.2" stroke-linejoin="round"${style.dashes}/>` +
    (dots === '' ? '' : `<path d="${dots}" fill="${style.colour}" stroke="#ffffff" stroke-width="0.8"/>`)
  );
}

/** The names beside the ends of their lines, moved apart where they would lie upon each other, and tied to the ends. */
function labels(
  lines: readonly ChartLine[],
  styles: readonly Style[],
  y: (value: number) => number,
): string[] {
  const ends = lines.map((line, index) => ({ line, style: styles[index]!, end: y(line.points.at(-1)!.y) }));
  ends.sort((a, b) => a.end - b.end);
  const places = spread(
    ends.map(({ end }) => end),
    lineHeight,
    plot.top,
    plot.bottom,
  );
  return ends.map(({ line, style, end }, index) => {
    const place = places[index]!;
    const tie = `M${plot.right - 6},${n(end)}L${plot.right + 22},${n(place)}H${plot.right + 30}`;
    const sample = `M${plot.right + 30},${n(place)}h22`;
    const last = line.points.at(-1)!.y;
    return (
      `<path d="${tie}" fill="none" stroke="${style.colour}" stroke-opacity="0.45"/>` +
      `<path d="${sample}" fill="none" stroke="${style.colour}" stroke-width="2.2"${style.dashes}/>` +
      `<path d="${style.mark(plot.right + 41, place)}" fill="${style.colour}"/>` +
      `<text x="${plot.right + 60}" y="${n(place + 5)}">${escaped(line.name)} ${(last * 100).toFixed(1)}%</text>`
    );
  });
}

/** Places at least `gap` apart, in the same order, as near to where they should be as goes, within the bounds if there is room. */
export function spread(wanted: readonly number[], gap: number, from: number, to: number): number[] {
  const places: number[] = [];
  for (const place of wanted) places.push(Math.max(place, (places.at(-1) ?? from - gap) + gap));
  let limit = Math.max(to, from + gap * (wanted.length - 1));
  for (let index = places.length - 1; index >= 0; index--) {
    places[index] = Math.min(places[index]!, limit);
    limit = places[index]! - gap;
  }
  return places;
}

function n(value: number): string {
  return String(Number(value.toFixed(1)));
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`).replace(/\p{Cc}/gu, '\ufffd');
}
