/** A figure that was asked for, and what was measured. */
export interface Figure {
  readonly name: string;
  readonly asked: string;
  readonly got: string;
  readonly met: boolean;
}

/** The figures of one run. */
export class Figures {
  readonly all: Figure[] = [];

  atMost(name: string, limit: number, got: number, unit = ''): void {
    this.all.push({ name, asked: `<= ${text(limit)}${unit}`, got: `${text(got)}${unit}`, met: got <= limit });
  }

  atLeast(name: string, limit: number, got: number, unit = ''): void {
    this.all.push({ name, asked: `>= ${text(limit)}${unit}`, got: `${text(got)}${unit}`, met: got >= limit });
  }

  none(name: string, got: number): void {
    this.all.push({ name, asked: '0', got: text(got), met: got === 0 });
  }
}

/** As a table, one line each. */
export function figureTable(figures: readonly Figure[]): string {
  const name = widest(figures.map((each) => each.name));
  const asked = widest(figures.map((each) => each.asked));
  return figures
    .map(
      (each) =>
        `${each.met ? 'ok    ' : 'MISSED'}  ${each.name.padEnd(name)}  asked ${each.asked.padEnd(asked)}  got ${each.got}`,
    )
    .join('\n');
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((each) => each.length));
}

/** Counts as they are, everything else with three digits. */
function text(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}
