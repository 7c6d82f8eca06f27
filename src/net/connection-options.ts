import type { Runtime, Target } from '../core/runtime.ts';

/** Where a connection goes, and its limits. */
export interface ConnectionOptions {
  /** For errors and events. */
  readonly name: string;
  readonly target: Target;
  /** Longest time for one exchange, in milliseconds. */
  readonly timeout: number;
  /** Longest time until a new socket is ready, in milliseconds. */
  readonly connectTimeout: number;
  /** Most requests that were asked and are not answered; those that were given up count too. */
  readonly maxInFlight: number;
  /** Most bytes of such requests. */
  readonly maxBytesInFlight: number;
  readonly runtime: Runtime;
}
