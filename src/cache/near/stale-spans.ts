/** So many different ones are told exactly, 0 among them. */
const exact = 128;

/** The other codes stand for lengths that grow by this factor, from 1 ms to 30 days. */
const steps = 128;
const growth = (30 * 86_400_000) ** (1 / (steps - 1));

/**
 * Numbers for lengths of time of which there are few: an entry keeps its stale span in one byte. When there are more different ones than
 * that, a new one is kept as the next shorter of some lengths that are always there: it loses up to a sixth, and nothing is served longer than was said.
 */
export class StaleSpans {
  readonly #spans: number[] = [0];
  readonly #codes = new Map<number, number>([[0, 0]]);
  #last = 0;
  #lastCode = 0;

  /** The code of a span in whole milliseconds. */
  code(span: number): number {
    if (span !== this.#last) {
      this.#lastCode = this.#codes.get(span) ?? this.#another(span);
      this.#last = span;
    }
    return this.#lastCode;
  }

  span(code: number): number {
    return code < exact ? this.#spans[code]! : lengthOf(code - exact);
  }

  #another(span: number): number {
    if (this.#spans.length < exact) {
      this.#codes.set(span, this.#spans.length);
      return this.#spans.push(span) - 1;
    }
    let step = Math.min(steps - 1, Math.ceil(Math.log(span) / Math.log(growth)));
    while (step > 0 && lengthOf(step) > span) step--;
    return exact + step;
  }
}

function lengthOf(step: number): number {
  // Powers may be a little less than they are.
  return Math.floor(growth ** step * (1 + 1e-12));
}
