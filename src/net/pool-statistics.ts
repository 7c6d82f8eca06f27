/** What is and was with the connections to one server. All but the states of now only grow. */
export interface PoolStatistics {
  /** Marked down at present. */
  readonly down: boolean;
  /** How often it was. */
  readonly marks: number;
  readonly probes: number;
  /** Connections that serve, and those that are being opened. */
  readonly open: number;
  readonly connecting: number;
  /** Connections that ever came to serve, that could not be opened, and that ended after they had served. */
  readonly opened: number;
  readonly failed: number;
  readonly closed: number;
  /** Requests that are not answered (given up or not), their bytes, and how many of them are not sent. */
  readonly inFlight: number;
  readonly bytesInFlight: number;
  readonly waiting: number;
  /** Requests without an answer in time. */
  readonly timedOut: number;
  /** Requests over `maxInFlight` or `maxBytesInFlight`, which failed at once. */
  readonly overloaded: number;
  /** Requests that failed at once because the server was marked down, or its fence was closed, or the store was. */
  readonly refused: number;
}
