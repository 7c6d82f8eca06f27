/** Pseudo-random numbers from a seed: the same seed gives the same numbers, on every machine. */
export interface Random {
  /** 0 <= number < 1. */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  pick<T>(items: readonly T[]): T;
}

/** The generator sfc32, seeded by splitmix32 from the numbers given. */
export function randomFrom(...seed: readonly number[]): Random {
  let mixed = 0x9e3779b9;
  const split = (): number => {
    mixed = (mixed + 0x9e3779b9) | 0;
    let bits = mixed ^ (mixed >>> 16);
    bits = Math.imul(bits, 0x21f0aaad);
    bits ^= bits >>> 15;
    bits = Math.imul(bits, 0x735a2d97);
    return bits ^ (bits >>> 15);
  };
  for (const part of seed) {
    mixed ^= part | 0;
    mixed = split();
  }
  let a = split();
  let b = split();
  let c = split();
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 12; round++) next();
  return {
    next,
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    pick: (items) => items[Math.floor(next() * items.length)]!,
  };
}
