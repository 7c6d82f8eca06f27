import type { RequestLine } from './request-line.ts';

const places = 16;

/**
 * Lines that were read before. The lines of most requests differ in their key alone: what stands around it is compared with
 * what stood there the last time, which is cheaper than reading it again. One place per hash.
 */
export class LineCache {
  readonly #places: (CachedLine | undefined)[] = Array.from({ length: places }, () => undefined);

  /** The line with these bytes in front of its key and behind it, if it is known. */
  find(
    hash: number,
    bytes: Uint8Array,
    headStart: number,
    headEnd: number,
    tailStart: number,
    tailEnd: number,
  ): RequestLine | undefined {
    const cached = this.#places[hash & (places - 1)];
    if (cached === undefined || cached.hash !== hash) return undefined;
    const { head, tail } = cached;
    if (headEnd - headStart !== head.length || tailEnd - tailStart !== tail.length) return undefined;
    for (let index = 0; index < tail.length; index++) {
      if (tail[index] !== bytes[tailStart + index]) return undefined;
    }
    for (let index = 0; index < head.length; index++) {
      if (head[index] !== bytes[headStart + index]) return undefined;
    }
    return cached.line;
  }

  keep(hash: number, head: Uint8Array, tail: Uint8Array, line: RequestLine): void {
    this.#places[hash & (places - 1)] = { hash, head, tail, line };
  }
}

interface CachedLine {
  readonly hash: number;
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  readonly line: RequestLine;
}
