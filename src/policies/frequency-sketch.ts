/** A block is one cache line: 4 rows of 32 counters of 4 bits, 8 to a word. */
const blockWords = 16;
const rowWords = 4;

/** Blocks per chunk: 32 KiB, so that a chunk is copied or halved in some microseconds. */
const chunkBits = 9;
const chunkBlocks = 1 << chunkBits;

/** Blocks of the smallest sketch: enough for 512 entries. */
const leastBlocks = 32;

/** Entries per block: 8 counters, or 4 bytes, for each entry. */
const entriesPerBlock = 16;

/** The highest count. */
export const mostCounted = 15;

/**
 * How often keys were asked for that are not resident: a count-min sketch of 4-bit counters (Cormode and Muthukrishnan, "An
 * improved data stream summary", 2005; in this form Einziger, Friedman and Manes, "TinyLFU", ACM ToS 2017, section 3). The four
 * counters of a key lie in one cache line, chosen by its hash, so that asking costs one cache miss. It never tells less than was put in, but for
 * `age`, which halves everything; each chunk is halved when it is next touched, so that no call takes long.
 *
 * It grows chunk by chunk, by linear hashing (Litwin, 1980): block `i + n` begins as a copy of block `i`, so that
 * nothing is forgotten and nothing stalls. 4 bytes per entry: twice or four times as much brings nothing that can be
 * measured where residents are counted elsewhere; half of it costs 0.05 points of mean hit ratio.
 */
export class FrequencySketch {
  readonly #chunks: Uint32Array[] = [new Uint32Array(leastBlocks * blockWords)];
  readonly #ages: number[] = [0];
  #blocks = leastBlocks;
  /** Blocks are numbered by so many low bits of the mixed hash, or, where that block is not there yet, by one bit less. */
  #mask = leastBlocks - 1;
  #age = 0;

  /** Makes room for the counts of so many entries; it never shrinks. At most one chunk more per call. */
  reserve(entries: number): void {
    if (this.#blocks * entriesPerBlock >= entries) return;
    if (this.#blocks < chunkBlocks) this.#double();
    else this.#extend();
  }

  /** The count of a key, at most 15. */
  count(hash: number): number {
    const mix = mixed(hash);
    const block = this.#block(mix);
    const words = this.#words(block);
    const start = (block & (chunkBlocks - 1)) * blockWords;
    const spread = spreadOf(mix);
    let least = mostCounted;
    for (let row = 0; row < 4; row++) {
      const counter = (spread >>> (row * 8)) & 31;
      const word = words[start + row * rowWords + (counter >>> 3)]!;
      const count = (word >>> ((counter & 7) * 4)) & 15;
      if (count < least) least = count;
    }
    return least;
  }

  /** The key was counted elsewhere, up to `count`: from now on the sketch tells no less. */
  raise(hash: number, count: number): void {
    const mix = mixed(hash);
    const block = this.#block(mix);
    const words = this.#words(block);
    const start = (block & (chunkBlocks - 1)) * blockWords;
    const spread = spreadOf(mix);
    for (let row = 0; row < 4; row++) {
      const counter = (spread >>> (row * 8)) & 31;
      const at = start + row * rowWords + (counter >>> 3);
      const shift = (counter & 7) * 4;
      const word = words[at]!;
      const present = (word >>> shift) & 15;
      if (present < count) words[at] = word + ((count - present) << shift);
    }
  }

  /** Halves all counts. */
  age(): void {
    this.#age++;
  }

  #block(mix: number): number {
    const block = mix & this.#mask;
    return block < this.#blocks ? block : block & (this.#mask >>> 1);
  }

  /** The chunk of a block, halved as often as it has missed. */
  #words(block: number): Uint32Array {
    const chunk = block >> chunkBits;
    const words = this.#chunks[chunk]!;
    const missed = this.#age - this.#ages[chunk]!;
    if (missed !== 0) {
      this.#ages[chunk] = this.#age;
      if (missed > 3) words.fill(0);
      else for (let time = 0; time < missed; time++) halve(words);
    }
    return words;
  }

  /** While there is but one chunk, and it is small. */
  #double(): void {
    const words = this.#words(0);
    const grown = new Uint32Array(2 * words.length);
    grown.set(words);
    grown.set(words, words.length);
    this.#chunks[0] = grown;
    this.#blocks *= 2;
    this.#mask = this.#blocks - 1;
  }

  #extend(): void {
    const chunk = this.#chunks.length;
    if (this.#blocks > this.#mask) this.#mask = 2 * this.#mask + 1;
    const twin = chunk - ((this.#mask + 1) >> (chunkBits + 1));
    this.#chunks.push(this.#words(twin << chunkBits).slice());
    this.#ages.push(this.#age);
    this.#blocks += chunkBlocks;
  }
}

function halve(words: Uint32Array): void {
  for (let index = 0; index < words.length; index++) words[index] = (words[index]! >>> 1) & 0x77777777;
}

/**
 * Who comes into a cache depends on what others have counted in the same block. So blocks must not be chosen by bits of the hash
 * that an index uses, or the keys that are inside crowd in some places of the index.
 */
function mixed(hash: number): number {
  let mix = Math.imul(hash ^ 0x5bd1e995, 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return mix ^ (mix >>> 16);
}

/** Four counters of five bits each, one in each byte; independent of the bits that choose the block. */
function spreadOf(mix: number): number {
  const spread = Math.imul(mix, 0x9e3779b1);
  return spread ^ (spread >>> 15);
}
