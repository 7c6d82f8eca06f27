import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jumpHash } from './jump.ts';
import { ketama } from './ketama.ts';
import { md5 } from './md5.ts';
import { modulo } from './modulo.ts';
import { murmur3 } from './murmur3.ts';
import { rendezvous } from './rendezvous.ts';
import { uhashring } from './uhashring.ts';

const equal = (ids: readonly string[]): { id: string; weight: number }[] =>
  ids.map((id) => ({ id, weight: 1 }));

/** One letter per server: `a` for the first. */
const placesOf = (places: readonly number[]): string =>
  places.map((place) => String.fromCharCode(97 + place)).join('');

describe('hashes are the published ones', () => {
  test.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['hello', 0, 0x248bfa47],
    ['hello, world', 0, 0x149bbb7f],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
    ['aaa', 0x9747b28c, 0x283e0130],
    ['\u03c0\u03c0\u03c0\u03c0\u03c0\u03c0\u03c0\u03c0', 0x9747b28c, 0xd58063c1],
  ])('murmur3 of %j', (text, seed, hash) => {
    expect(murmur3(text, seed) >>> 0).toBe(hash);
  });

  test('md5 is that of the platform', () => {
    const bytes = (text: string): string => Buffer.from(Uint32Array.from(md5(text)).buffer).toString('hex');
    const texts = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.string({ unit: 'grapheme', maxLength: 80 }),
      fc.integer({ min: 50, max: 140 }).map((length) => 'x'.repeat(length)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(bytes(text)).toBe(createHash('md5').update(text, 'utf8').digest('hex'));
      }),
      { numRuns: 500 },
    );
  });

  test('modulo is the CRC-32 of zlib', () => {
    const placement = modulo.make(equal(['a', 'b', 'c', 'd', 'e', 'f', 'g']), '');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(placement.place(text)).toBe(crc32(Buffer.from(text)) % 7);
      }),
    );
  });
});

describe('rings are those of others', () => {
  const three = ['1.1.1.1:11211', '2.2.2.2:11211', '3.3.3.3:11211'];
  const words = ['foo', 'bar', 'baz', 'user:1', 'user:2', 'user:3', 'key:1', '\u{1f37a}'];

  test('uhashring: what the Python package answered', () => {
    const placement = uhashring.make(equal(three), '');
    expect(words.map((word) => placement.place(word) + 1)).toEqual([2, 1, 3, 3, 3, 3, 2, 3]);
  });

  // Answers of libmemcached 1.1.4 (`memcached_generate_hash`, KETAMA_WEIGHTED) for key:0 to key:39.
  const keys = Array.from({ length: 40 }, (_, index) => `key:${index}`);
  test.each(ketamaAnswers())('ketama: what libmemcached answered for $name', ({ servers, answers }) => {
    const placement = ketama.make(servers, '');
    expect(placesOf(keys.map((key) => placement.place(key)))).toBe(answers);
  });

  test.each([
    [1, 1, 0],
    [42, 57, 43],
    [0xdead10cc, 1, 0],
    [0xdead10cc, 666, 361],
    [256, 1024, 520],
  ])('jump: %i among %i', (key, buckets, bucket) => {
    expect(jumpHash(0, key, buckets)).toBe(bucket);
  });

  test('jump takes all 64 bits, as counted in big integers', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.integer({ min: 1, max: 5000 }),
        (key, buckets) => {
          let state = key;
          let bucket = 0;
          for (let next = 0; next < buckets;) {
            bucket = next;
            state = BigInt.asUintN(64, state * 2862933555777941757n + 1n);
            next = Math.floor((bucket + 1) * (2 ** 31 / (Number(state >> 33n) + 1)));
          }
          expect(jumpHash(Number(key >> 32n), Number(key & 0xffffffffn), buckets)).toBe(bucket);
        },
      ),
    );
  });

  test('rendezvous stays as it is: other versions share its fleets', () => {
    const servers = equal(['a', 'b', 'c', 'd', 'e', 'f']);
    const place = (salt: string, list = servers): string => {
      const placement = rendezvous.make(list, salt);
      return placesOf([...words, ...keys.slice(0, 12)].map((key) => placement.place(key)));
    };
    expect(place('')).toBe('babdefcbdcbbcdbebabc');
    expect(place('mirror')).toBe('ecbfceadaaccbafaeeed');
    expect(
      place(
        '',
        servers.map(({ id }, index) => ({ id, weight: 1 + index })),
      ),
    ).toBe('bfddefdbddbefdbefdbe');
  });
});

function ketamaAnswers(): { name: string; servers: { id: string; weight: number }[]; answers: string }[] {
  const hosts = (count: number, weightOf: (index: number) => number): { id: string; weight: number }[] =>
    Array.from({ length: count }, (_, index) => ({
      id: `10.0.0.${index}:${index % 3 === 0 ? 11_300 + index : 11_211}`,
      weight: weightOf(index),
    }));
  return [
    { name: '5 servers', servers: hosts(5, () => 1), answers: 'ccbdceeaeacaacdddbecbebebdabbbeeadbbcdeb' },
    {
      name: '5 weights',
      servers: hosts(5, (index) => 1 + index),
      answers: 'ccedceeaebcaecdedbdcbeeebdebebeeedbbcdeb',
    },
    // 39 digests in place of 40: the rounding of single precision.
    { name: '25 servers', servers: hosts(25, () => 1), answers: 'ollvqovnhahglilslhtcfhsksljsssiirvhurrvb' },
  ];
}
