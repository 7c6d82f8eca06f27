import type { Figure } from './figures.ts';

/** How a scenario is run. */
export interface Settings {
  /** A few seconds instead of one or two minutes: for `npm test`. Its times say little. */
  readonly quick: boolean;
  /** What is drawn depends on it alone. When things happen does not: the servers are real. */
  readonly seed: number;
  /** A line for people. */
  readonly say: (line: string) => void;
}

/** What a scenario has counted. */
export interface Outcome {
  readonly scenario: string;
  /** Calls of the application: reads and writes. */
  readonly operations: number;
  /** Calls that were rejected. */
  readonly errors: number;
  /** Answers that were never true: another key's, or a version that there is not. */
  readonly wrong: number;
  /** Answers that were older than an invalidation that had been confirmed before they were asked for, or than the source when all is quiet. */
  readonly stale: number;
  /** Of reads, in milliseconds; `null` where a scenario measures no times. */
  readonly p99Ms: number | null;
  /** Loads of the source, as a multiple of what they are without the fault; `null` where that is not compared. */
  readonly dbRatio: number | null;
  readonly figures: readonly Figure[];
  readonly details: Readonly<Record<string, unknown>>;
}

/** Something that goes wrong in a fleet of real servers, and what must hold all the same. */
export interface Scenario {
  readonly title: string;
  /** It drops packets in a network namespace of its own, where the machine allows one. */
  readonly ownNetwork?: boolean;
  readonly run: (settings: Settings) => Promise<Outcome>;
}
