/**
 * One request on its way, and the slot in which its answer will arrive. Answers come in the order of the requests and
 * carry no names, so a slot stays in its place until its answer has come or the connection is gone, whoever waits or
 * has left: that is what keeps answers from shifting.
 */
export abstract class Exchange {
  /** What is sent, as ASCII text; emptied once it was handed to the socket. */
  head: string;
  /** Sent behind the head, and CR LF behind it. It must not be changed before the exchange has settled. */
  body: Uint8Array | undefined;
  /** Bytes of the whole request. */
  readonly size: number;
  /** When the one who asked stops waiting: monotonic milliseconds. The connection moves it forward to its own timeout. */
  deadline: number;
  /** When the connection took it up. */
  since = 0;
  /** Whether somebody waits for the answer. */
  awaited = true;

  constructor(head: string, body: Uint8Array | undefined, deadline: number) {
    this.head = head;
    this.body = body;
    this.size = body === undefined ? head.length : head.length + body.length + 2;
    this.deadline = deadline;
  }

  /**
   * There is no answer for the one who asked: not in time, or not at all. `sent` says whether the other side may have
   * seen the request. Called at most once; after it, a late answer may still arrive in this slot.
   */
  abstract failed(error: Error, sent: boolean): void;
}
