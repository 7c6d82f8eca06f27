import type { Exchange } from './exchange.ts';

/** Bodies from this size on are handed to the socket as they are; smaller ones are cheaper to copy than to list. */
const ownPart = 32_768;
/** Blocks of these sizes are worth keeping: a new one costs more than filling it. */
const leastKept = 32_768;
const mostKept = 1_048_576;

const encoder = new TextEncoder();

/**
 * Gathers requests into as few parts as a socket can write at once: requests without a body become one text, small
 * bodies are copied into one block with the lines around them, large ones stay where they are.
 */
export class WriteBatch {
  #parts: (string | Uint8Array)[] = [];
  #text = '';
  #pending: Exchange[] = [];
  #pendingBytes = 0;
  /** A block that is used again and again; lent while a socket may still read from it. */
  #kept = new Uint8Array(0);
  #lent = false;

  add(exchange: Exchange): void {
    const { head, body } = exchange;
    if (body === undefined && this.#pending.length === 0) {
      this.#text += head;
      exchange.head = '';
    } else if (body !== undefined && body.length >= ownPart) {
      this.#endBlock();
      this.#parts.push(this.#text + head, body);
      this.#text = '\r\n';
      exchange.head = '';
      exchange.body = undefined;
    } else {
      this.#pending.push(exchange);
      this.#pendingBytes += exchange.size;
    }
  }

  /** The parts of everything added since the last call. */
  take(): readonly (string | Uint8Array)[] {
    this.#endBlock();
    if (this.#text !== '') this.#parts.push(this.#text);
    this.#text = '';
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  /** All that was ever taken has left the process. */
  sent(): void {
    this.#lent = false;
  }

  /** The socket is gone, and nobody can say what it still reads. */
  abandon(): void {
    this.#kept = new Uint8Array(0);
    this.#lent = false;
  }

  #endBlock(): void {
    if (this.#pending.length === 0) return;
    const size = this.#text.length + this.#pendingBytes;
    const block = this.#block(size);
    // Text before the block goes into it: a part more costs more than its copy.
    let at = encoder.encodeInto(this.#text, block).written;
    this.#text = '';
    for (const exchange of this.#pending) {
      const { head, body } = exchange;
      encoder.encodeInto(head, block.subarray(at));
      at += head.length;
      exchange.head = '';
      if (body === undefined) continue;
      exchange.body = undefined;
      block.set(body, at);
      at += body.length;
      block[at++] = 13;
      block[at++] = 10;
    }
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#parts.push(block.length === size ? block : block.subarray(0, size));
  }

  #block(size: number): Uint8Array {
    if (this.#lent || size < leastKept || size > mostKept) return new Uint8Array(size);
    if (this.#kept.length < size) this.#kept = new Uint8Array(Math.min(mostKept, 2 * size));
    this.#lent = true;
    return this.#kept;
  }
}
