import { byteText } from './byte-text.ts';

/**
 * MurmurHash3 x86_32 over the UTF-8 bytes of a text, as a signed 32-bit number.
 *
 * Source: Austin Appleby, SMHasher, `MurmurHash3.cpp`.
 */
export function murmur3(text: string, seed: number): number {
  const { length } = text;
  let hash = seed | 0;
  let seen = 0;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const first = text.charCodeAt(at);
    const second = text.charCodeAt(at + 1);
    const third = text.charCodeAt(at + 2);
    const fourth = text.charCodeAt(at + 3);
    seen |= first | second | third | fourth;
    hash ^= scrambled(first | (second << 8) | (third << 16) | (fourth << 24));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let shift = 0; at < length; at++, shift += 8) {
    const unit = text.charCodeAt(at);
    seen |= unit;
    rest |= unit << shift;
  }
  // Beyond ASCII one character is not one byte.
  if (seen > 0x7f) return murmur3OfBytes(byteText(text), seed);
  return finished(hash ^ scrambled(rest) ^ length);
}

/** The same over a text of bytes. */
function murmur3OfBytes(bytes: string, seed: number): number {
  let hash = seed | 0;
  const whole = bytes.length & ~3;
  let block = 0;
  for (let at = 0; at < bytes.length; at++) {
    block |= bytes.charCodeAt(at) << ((at & 3) * 8);
    if ((at & 3) !== 3 || at >= whole) continue;
    hash ^= scrambled(block);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
    block = 0;
  }
  return finished(hash ^ scrambled(block) ^ bytes.length);
}

function scrambled(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

function finished(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
