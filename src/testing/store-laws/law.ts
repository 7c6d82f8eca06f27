import type { Trial } from '../store-trial.ts';

/** One sentence that every store keeps, and the code that tries it. */
export interface Law {
  readonly name: string;
  /** It lets seconds pass. */
  readonly slow: boolean;
  readonly run: (trial: Trial) => Promise<void>;
}

export function law(name: string, run: (trial: Trial) => Promise<void>): Law {
  return { name, slow: false, run };
}

export function slowLaw(name: string, run: (trial: Trial) => Promise<void>): Law {
  return { name, slow: true, run };
}
