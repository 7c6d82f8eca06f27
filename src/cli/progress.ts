/** Milliseconds between two looks of the bar. */
const interval = 100;
const width = 24;

/** A line on the terminal that tells how far a long work is, and is gone when it is done. Nothing where the errors go elsewhere. */
export class Progress {
  readonly #terminal: NodeJS.WriteStream | undefined = process.stderr.isTTY ? process.stderr : undefined;
  readonly #start: number = performance.now();
  #last: number = performance.now();
  #shown = false;

  /** How much of the work is done, 0 to 1 (`undefined`: nobody knows), and what it is. */
  show(done: number | undefined, what: string): void {
    if (this.#terminal === undefined) return;
    const now = performance.now();
    // Short work needs no bar.
    if (now - this.#last < interval || now - this.#start < 3 * interval) return;
    this.#last = now;
    this.#shown = true;
    const bar =
      done === undefined
        ? ''
        : `[${'#'.repeat(Math.round(done * width)).padEnd(width, '.')}] ${Math.floor(done * 100)}% `;
    const line = `${bar}${what}`.slice(0, (this.#terminal.columns || 80) - 1);
    this.#terminal.write(`\r\x1b[K${line}`);
  }

  clear(): void {
    if (this.#shown) this.#terminal?.write('\r\x1b[K');
    this.#shown = false;
  }
}
