/** What fits into a byte. */
const most = 255;

/**
 * Numbers for lengths of time of which there are few: an entry keeps its stale span in one byte. When there are more different ones than a
 * byte can tell, the next shorter one that is known stands for a new one, so that nothing is served longer than was said.
 */
export class StaleSpans {
  readonly #spans: number[] = [0];
  readonly #codes = new Map<number, number>([[0, 0]]);
  #last = 0;
  #lastCode = 0;

  /** The code of a span in milliseconds. */
  code(span: number): number {
    if (span !== this.#last) {
      this.#lastCode = this.#codes.get(span) ?? this.#another(span);
      this.#last = span;
    }
    return this.#lastCode;
  }

  span(code: number): number {
    return this.#spans[code]!;
  }

  #another(span: number): number {
    if (this.#spans.length <= most) {
      this.#codes.set(span, this.#spans.length);
      return this.#spans.push(span) - 1;
    }
    let best = 0;
    for (const [code, known] of this.#spans.entries()) {
      if (known <= span && known > this.#spans[best]!) best = code;
    }
    return best;
  }
}
