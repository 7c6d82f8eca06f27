const empty = -1;

/**
 * Finds small numbers by 32-bit hashes, at most a fixed number of them: open addressing with linear probes, and a delete
 * that moves back what follows, so that nothing piles up. 12 to 24 bytes per place.
 */
export class HashDirectory {
  readonly #hashes: Int32Array;
  readonly #numbers: Int32Array;
  readonly #mask: number;

  constructor(most: number) {
    let cells = 4;
    while (cells < most * 1.5) cells *= 2;
    this.#hashes = new Int32Array(cells);
    this.#numbers = new Int32Array(cells).fill(empty);
    this.#mask = cells - 1;
  }

  /** -1 if it is not inside. */
  get(hash: number): number {
    return this.#numbers[this.#find(hash)]!;
  }

  set(hash: number, number: number): void {
    const cell = this.#find(hash);
    this.#hashes[cell] = hash;
    this.#numbers[cell] = number;
  }

  delete(hash: number): void {
    let hole = this.#find(hash);
    if (this.#numbers[hole] === empty) return;
    for (let cell = hole; ;) {
      cell = (cell + 1) & this.#mask;
      if (this.#numbers[cell] === empty) break;
      const way = (cell - start(this.#hashes[cell]!)) & this.#mask;
      if (way < ((cell - hole) & this.#mask)) continue;
      this.#hashes[hole] = this.#hashes[cell]!;
      this.#numbers[hole] = this.#numbers[cell]!;
      hole = cell;
    }
    this.#numbers[hole] = empty;
  }

  clear(): void {
    this.#numbers.fill(empty);
  }

  #find(hash: number): number {
    let cell = start(hash) & this.#mask;
    while (this.#numbers[cell] !== empty && this.#hashes[cell] !== hash) cell = (cell + 1) & this.#mask;
    return cell;
  }
}

/** The hashes in here may have many bits in common: they may be a sample. */
function start(hash: number): number {
  const mixed = Math.imul(hash, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
