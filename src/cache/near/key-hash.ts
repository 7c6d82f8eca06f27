import type { KeyPart } from '../../core/key.ts';

/**
 * Seeded 32-bit hashes of keys, signed. Equality is always of whole keys. Multiply and mix as in MurmurHash3's finaliser (Appleby, 2011, public domain).
 */
export type KeyHash = (key: KeyPart, seed: number) => number;

/** Characters at the end that a sample takes: ids grow there. */
const tail = 6;

/** Cheap, for choosing a segment of `Map`s: of a text its length, its last 6 characters and two from the middle. Keys that agree in all of them collide. */
export function sampleHash(key: KeyPart, seed: number): number {
  if (typeof key === 'string') return sampleText(key, seed);
  return typeof key === 'number' && (key | 0) === key ? finish(key ^ seed) : hashPrimitive(key, seed);
}

export function sampleText(key: string, seed: number): number {
  const { length } = key;
  let hash = seed ^ length;
  if (length > tail) {
    // Two characters of 16 bits at a time, without a loop: most of what a hit costs is here.
    const end = length - tail;
    hash ^= key.charCodeAt(length >> 1) | (key.charCodeAt(length - (length >> 2)) << 16);
    hash = Math.imul(hash, 0x9e3779b1) ^ (key.charCodeAt(end) | (key.charCodeAt(end + 1) << 16));
    hash = Math.imul(hash, 0x9e3779b1) ^ (key.charCodeAt(end + 2) | (key.charCodeAt(end + 3) << 16));
    hash = Math.imul(hash, 0x9e3779b1) ^ (key.charCodeAt(end + 4) | (key.charCodeAt(end + 5) << 16));
    return finish(hash);
  }
  for (let index = 0; index < length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x9e3779b1);
  return finish(hash);
}

/** Thorough: every character counts, and the high half of the running state is folded back, so the seed decides what collides. */
export function keyHash(key: KeyPart, seed: number): number {
  if (typeof key !== 'string') return hashPrimitive(key, ~seed);
  let hash = ~seed ^ key.length;
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  return finish(hash);
}

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

function hashPrimitive(key: number | bigint | boolean, seed: number): number {
  if (typeof key === 'bigint') return hashBigint(key, seed);
  // What is no key at all has a hash, too: it is looked up, not found, and refused where it can be told why.
  const number = typeof key === 'number' ? key : typeof key === 'boolean' ? Number(key) : Number.NaN;
  if ((number | 0) === number) return finish(number ^ seed);
  double[0] = number;
  return finish(mixed(words[0]! ^ seed) ^ words[1]!);
}

function hashBigint(key: bigint, seed: number): number {
  let hash = key < 0n ? ~seed : seed;
  for (let rest = key < 0n ? -key : key; rest > 0n; rest >>= 32n) {
    hash = mixed(hash ^ Number(BigInt.asUintN(32, rest)));
  }
  return finish(hash);
}

/** Twice: after less, some differences in one word can be undone by one in the next word, whatever the seed, so that thousands of keys collide. */
function mixed(state: number): number {
  return finish(finish(state) + 0x9e3779b1);
}

/** The hash of a whole number of 32 bits is that of the number, mixed with the seed by `^`. */
export function finish(state: number): number {
  let hash = state ^ (state >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
