/** All that one turn of the event loop asked of a connection shares what is said about its time: numbers in each would be dear. */
export class Turn {
  /** When the connection took it up, in monotonic milliseconds; 0: not yet. */
  since = 0;
  /** When the connection gives it up. */
  until: number = Number.POSITIVE_INFINITY;
  /** When it was sent, or its last part was; 0: not yet. */
  sent = 0;
  /** Whether the owner of the connection knows that it was not answered in time: once is enough. */
  told = false;
}

const noTurn = new Turn();

/**
 * One request on its way, and the slot in which its answer will arrive. Answers come in the order of the requests and
 * carry no names, so a slot stays in its place until its answer has come or the connection is gone, whoever waits or
 * has left: that is what keeps answers from shifting.
 */
export abstract class Exchange {
  /** Bytes of the whole request. */
  readonly size: number;
  /** Sent behind the head, and CR LF behind it. It must not be changed before the exchange has settled. */
  readonly body: Uint8Array | undefined;
  /** Set by the connection. */
  turn: Turn = noTurn;
  /** Whether somebody waits for the answer. */
  awaited = true;
  /** Whether it must not be written without what `Protocol.refresh` puts in front of it. */
  refreshing = false;

  /** `headSize`: the bytes of the head; they and those of the body, with CR LF behind it, are the request. */
  constructor(headSize: number, body: Uint8Array | undefined) {
    this.size = body === undefined ? headSize : headSize + body.length + 2;
    this.body = body;
  }

  /** When the one who asked stops waiting: monotonic milliseconds. */
  abstract readonly deadline: number;

  /**
   * Writes the head into the block from `at` on. Called once at most, when it is sent. False: it must not be sent now, and nothing
   * counts that was written.
   */
  abstract encode(block: Uint8Array, at: number): boolean;

  /**
   * There is no answer for the one who asked: not in time, or not at all. `sent` says whether the other side may have
   * seen the request. Called at most once; after it, a late answer may still arrive in this slot.
   */
  abstract failed(error: Error, sent: boolean): void;
}

/** When an exchange times out: at its own deadline or at the connection's, whichever is nearer. NaN, which is past, stays. */
export function dueAt(exchange: Exchange): number {
  const { deadline, turn } = exchange;
  return turn.until < deadline ? turn.until : deadline;
}
