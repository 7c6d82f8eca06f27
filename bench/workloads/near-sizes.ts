/** Entries that the caches of the near benchmarks may hold, and keys that there are. */
export const nearCapacity = 100_000;
export const universe = 1_000_000;

/** Operations of one step, and steps in one turn of the event loop. `universe` is a multiple of their product. */
export const operationsPerStep = 2000;
export const stepsAtOnce = 5;
