/** A command of the program: one file each, loaded only when it is asked for. */
export interface Command {
  /** What `--help` prints. */
  readonly help: string;
  /** Fulfilled with the exit code. Throws `UsageError` for what was asked wrongly, `InputError` for what cannot be read. */
  run(args: readonly string[]): Promise<number>;
}

/** The command line was wrong: exit code 2. */
export class UsageError extends Error {}

/** What the command was to read cannot be read: exit code 1. */
export class InputError extends Error {}
