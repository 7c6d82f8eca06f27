/** The language that is spoken over one connection. Made for each connection anew. */
export interface Protocol {
  /**
   * The connection is there: `say()` what must be answered before anything else may be sent. Whoever takes the answers says `ready()`
   * or `lost()`.
   */
  greet(): void;
  /**
   * A chunk of answers, lent for the time of the call; takes the slot of each answer with `take()`. Returns what is wrong
   * with the stream, or undefined.
   */
  received(chunk: Uint8Array): string | undefined;
  /** From this time on `refresh` is called when requests are about to be written; whenever one of them is `refreshing`, it is called too. */
  readonly refreshAt: number;
  /** What is sent with `connection.accompany` inside goes along in the same write, in front of the requests. */
  refresh(now: number): void;
}
