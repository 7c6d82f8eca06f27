import type { Runtime, Target } from '../core/runtime.ts';

/** Where a connection goes, and how long it waits. */
export interface ConnectionOptions {
  /** For errors and events. */
  readonly name: string;
  readonly target: Target;
  /** Longest time for one exchange, in milliseconds. */
  readonly timeout: number;
  /** Longest time until a new connection has done its greeting, in milliseconds. */
  readonly connectTimeout: number;
  /** The last request of each turn is handed to the socket as a part of its own. */
  readonly lastApart?: boolean | undefined;
  readonly runtime: Runtime;
}
