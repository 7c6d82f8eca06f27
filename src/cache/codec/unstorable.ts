const identifier = /^[A-Za-z_$][\w$]*$/;

/**
 * Why a value cannot be stored, and where in it. Thrown inside a codec and turned into `CISTERN_UNSTORABLE` by it: the path
 * grows from the inside outwards while the error passes the containers, so a value that can be stored pays nothing for it.
 */
export class Unstorable extends Error {
  readonly problem: string;
  /** From the whole value to the place: `.items[3].fn`. */
  path = '';

  constructor(problem: string, cause?: unknown) {
    super(problem, { cause });
    this.problem = problem;
  }

  /** The same error, one container further out. `step` is a property, an index, or (`literal`) a piece of path. Anything else that was thrown came from a getter. */
  static within(error: unknown, step: string | number, literal = false): Unstorable {
    const unstorable = Unstorable.from(error);
    unstorable.path = show(step, literal) + unstorable.path;
    return unstorable;
  }

  static from(error: unknown): Unstorable {
    return error instanceof Unstorable ? error : new Unstorable('threw when it was read', error);
  }
}

function show(step: string | number, literal: boolean): string {
  if (typeof step === 'number') return `[${step}]`;
  if (literal || identifier.test(step)) return `.${step}`;
  return `[${JSON.stringify(step.length > 64 ? `${step.slice(0, 61)}...` : step)}]`;
}
