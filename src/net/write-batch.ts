import type { Exchange } from './exchange.ts';

/** Bodies from this size on are handed to the socket as they are; smaller ones are cheaper to copy than to list. */
const ownPart = 32_768;
/** A block is for several batches: a new one costs more than filling it. */
const leastBlock = 16_384;
const mostBlock = 1_048_576;

/**
 * Gathers requests into as few parts as a socket can write at once: heads and small bodies are copied into one block,
 * large bodies stay where they are. What a socket may still read is not written over.
 */
export class WriteBatch {
  #parts: Uint8Array[] = [];
  #block = new Uint8Array(0);
  /** Where the current part begins in the block, and where it ends so far. */
  #begin = 0;
  #end = 0;
  /** Bytes of the block in use by the batch before this one and by this one: the next block has room for more than that. */
  #before = 0;
  #copied = 0;

  /** False: the exchange must not be sent now, and nothing was added. */
  add(exchange: Exchange): boolean {
    const { body, size } = exchange;
    if (body === undefined) {
      const at = this.#room(size);
      return exchange.encode(this.#block, at) || this.#giveBack(size);
    }
    const copies = body.length < ownPart;
    const headSize = size - body.length - 2;
    const taken = copies ? size : headSize;
    const begin = this.#room(taken);
    if (!exchange.encode(this.#block, begin)) return this.#giveBack(taken);
    if (copies) {
      this.#block.set(body, begin + headSize);
      this.#endBody(this.#end - 2);
    } else {
      this.#endPart();
      this.#parts.push(body);
      const at = this.#room(2);
      this.#endBody(at);
    }
    return true;
  }

  /** What is added next begins a part of its own. */
  cut(): void {
    this.#endPart();
  }

  /** The parts of everything added since the last call. */
  take(): readonly Uint8Array[] {
    this.#endPart();
    this.#before = this.#copied;
    this.#copied = 0;
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  /** All that was ever taken has left the process. */
  sent(): void {
    this.#begin = this.#end = 0;
  }

  /** The socket is gone, and nobody can say what it still reads. */
  abandon(): void {
    this.#block = new Uint8Array(0);
    this.#begin = this.#end = 0;
  }

  #endBody(at: number): void {
    this.#block[at] = 13;
    this.#block[at + 1] = 10;
  }

  /** Keeps so many bytes of the block; returns where they begin. */
  #room(size: number): number {
    if (this.#end + size > this.#block.length) this.#nextBlock(size);
    const at = this.#end;
    this.#end = at + size;
    this.#copied += size;
    return at;
  }

  #giveBack(size: number): false {
    this.#end -= size;
    this.#copied -= size;
    return false;
  }

  #nextBlock(size: number): void {
    this.#endPart();
    const wanted = 2 * Math.max(this.#before, this.#copied);
    this.#block = new Uint8Array(Math.max(size, Math.min(mostBlock, Math.max(leastBlock, wanted))));
    this.#begin = this.#end = 0;
  }

  #endPart(): void {
    if (this.#begin < this.#end) this.#parts.push(this.#block.subarray(this.#begin, this.#end));
    this.#begin = this.#end;
  }
}
