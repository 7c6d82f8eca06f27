/** Whole numbers from 0 to `count` - 1, the same for the same seed: xorshift. */
export function seededRandom(seed: number): (count: number) => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return (count) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 0) / 2 ** 32) * count);
  };
}
