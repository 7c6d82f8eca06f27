import type { Exchange } from './exchange.ts';

/** Bodies from this size on are handed to the socket as they are; smaller ones are cheaper to copy than to list. */
const ownPart = 32_768;

/**
 * Gathers requests into as few parts as a socket can write at once: requests without a body become one text, small
 * bodies are copied into one block with the lines around them, large ones stay where they are.
 */
export class WriteBatch {
  #parts: (string | Uint8Array)[] = [];
  #text = '';
  #pending: Exchange[] = [];
  #pendingBytes = 0;

  add(exchange: Exchange): void {
    const body = exchange.body;
    if (body === undefined && this.#pending.length === 0) {
      this.#text += exchange.head;
    } else if (body !== undefined && body.length >= ownPart) {
      this.#endBlock();
      this.#parts.push(this.#text + exchange.head, body);
      this.#text = '\r\n';
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

  /** Text before the block goes into it: a part more costs more than its copy. */
  #endBlock(): void {
    if (this.#pending.length === 0) return;
    const block = new Uint8Array(this.#text.length + this.#pendingBytes);
    let at = writeText(block, 0, this.#text);
    this.#text = '';
    for (const { head, body } of this.#pending) {
      at = writeText(block, at, head);
      if (body === undefined) continue;
      block.set(body, at);
      at += body.length;
      block[at++] = 13;
      block[at++] = 10;
    }
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#parts.push(block);
  }
}

function writeText(block: Uint8Array, start: number, text: string): number {
  for (let index = 0; index < text.length; index++) block[start + index] = text.charCodeAt(index);
  return start + text.length;
}
