import type { Exchange } from './exchange.ts';

/** Exchanges in order, on a ring that grows: taking the first one costs the same however many there are. */
export class ExchangeQueue {
  #ring: (Exchange | undefined)[] = Array.from({ length: 64 }, () => undefined);
  #mask = 63;
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(exchange: Exchange): void {
    if (this.#length > this.#mask) this.#grow();
    this.#ring[(this.#head + this.#length++) & this.#mask] = exchange;
  }

  /** In front of all others. */
  unshift(exchange: Exchange): void {
    if (this.#length > this.#mask) this.#grow();
    this.#head = (this.#head - 1) & this.#mask;
    this.#ring[this.#head] = exchange;
    this.#length++;
  }

  shift(): Exchange | undefined {
    if (this.#length === 0) return undefined;
    const exchange = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    this.#length--;
    return exchange;
  }

  /** The exchange at a place, 0 being the first. */
  at(index: number): Exchange | undefined {
    return index < this.#length ? this.#ring[(this.#head + index) & this.#mask] : undefined;
  }

  /** Takes out the chosen ones, in order. */
  take(chosen: (exchange: Exchange) => boolean): Exchange[] {
    const taken = [];
    for (let count = this.#length; count > 0; count--) {
      const exchange = this.shift()!;
      if (chosen(exchange)) taken.push(exchange);
      else this.push(exchange);
    }
    return taken;
  }

  #grow(): void {
    const ring = Array.from({ length: this.#ring.length * 2 }, (_, index) => this.at(index));
    this.#ring = ring;
    this.#mask = ring.length - 1;
    this.#head = 0;
  }
}
