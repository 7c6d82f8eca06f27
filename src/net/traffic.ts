/** What is under way to one server, over all its connections, and what went wrong. Written by the connections themselves. */
export class Traffic {
  /** Asked and not answered; those that were given up count until their answer has come or their connection is gone. */
  requests = 0;
  /** Bytes of those requests. */
  bytes = 0;
  /** How many ever had no answer in time, sent or not. */
  timedOut = 0;
}
