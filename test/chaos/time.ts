export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds));
}

/** Waits until it has come to that; false: not within `patience` milliseconds. */
export async function until(
  met: () => boolean | Promise<boolean>,
  patience: number,
  every = 20,
): Promise<boolean> {
  const last = performance.now() + patience;
  while (!(await met())) {
    if (performance.now() > last) return false;
    await pause(every);
  }
  return true;
}

/** `12.3 s`. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
