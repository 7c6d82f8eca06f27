import { deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CisternError } from '../../core/error.ts';
import { storeKey } from '../../core/key.ts';
import { longestLife } from '../../core/store.ts';
import type { CodecStep } from './codec-step.ts';
import type { Codec } from './codec.ts';
import { decodeEntry, encodeEntry, type EntryContent, type EntryFormat } from './envelope.ts';
import { structured } from './structured-codec.ts';

const deflate: CodecStep = {
  id: 7,
  name: 'deflate',
  encode(bytes) {
    const packed = deflateRawSync(bytes);
    return packed.length < bytes.length ? packed : undefined;
  },
  decode: (bytes) => inflateRawSync(bytes),
};
/** Toy authentication: a sum over key and bytes, in front. */
const sum: CodecStep = {
  id: 255,
  name: 'sum',
  required: true,
  encode: (bytes, { key }) => Buffer.concat([Buffer.of(sumOf(bytes, key)), bytes]),
  decode(bytes, { key }) {
    if (bytes[0] !== sumOf(bytes.subarray(1), key)) throw new Error('forged');
    return bytes.subarray(1);
  },
};

function sumOf(bytes: Uint8Array, key: string): number {
  let total = 0;
  for (const byte of [...Buffer.from(key), ...bytes]) total = (total * 31 + byte) & 0xff;
  return total;
}

const plain: EntryFormat = { cache: 'user', codec: structured, steps: [], maxBytes: 100_000 };
const shortKey = storeKey('app:user:3:', "'42");
const longKey = storeKey('app:user:3:', `'${'x'.repeat(300)}`);
const user: EntryContent = {
  negative: false,
  value: { id: 42, name: 'Ada', at: new Date(1_700_000_000_123) },
  life: { freshFor: 300_000, staleFor: 60_000 },
  loadMilliseconds: 12.345,
};

function fails(code: string, body: () => unknown): CisternError {
  try {
    body();
  } catch (error) {
    expect(error).toBeInstanceOf(CisternError);
    expect((error as CisternError).code).toBe(code);
    return error as CisternError;
  }
  throw new Error('nothing was thrown');
}

describe('an entry', () => {
  const anyLife = fc.oneof(
    fc.nat(),
    fc.constantFrom(0, 127, 128, 2 ** 31, 2 ** 31 + 1, longestLife),
    fc.integer({ min: 0, max: longestLife }),
  );
  const anyContent = fc.record({
    negative: fc.boolean(),
    value: fc.jsonValue(),
    life: fc.tuple(anyLife, anyLife).map(([freshFor, staleFor]) => ({ freshFor, staleFor })),
    loadMilliseconds: fc.nat(2 ** 40).map((microseconds) => microseconds / 1000),
  });

  test.each([
    ['without steps', []],
    ['with steps', [deflate, sum]],
  ])('comes back as it went in, %s', (_, steps) => {
    fc.assert(
      fc.property(anyContent, fc.constantFrom(shortKey, longKey), (content, key) => {
        const format = { ...plain, steps };
        const decoded = decodeEntry(encodeEntry(content, key, format), key, format);
        expect(decoded).toStrictEqual({ ...content, value: content.negative ? undefined : content.value });
      }),
    );
  });

  test.each([0, '', false, null, undefined, Number.NaN, 0n])(
    'with the value %s is not a negative one',
    (value) => {
      const decoded = decodeEntry(encodeEntry({ ...user, value }, shortKey, plain), shortKey, plain);
      expect(decoded.negative).toBe(false);
      expect(decoded.value).toBe(value);
      const negative = decodeEntry(
        encodeEntry({ ...user, negative: true, value }, shortKey, plain),
        shortKey,
        plain,
      );
      expect(negative).toStrictEqual({ ...user, negative: true, value: undefined });
    },
  );

  test('may be negative with a value that could not be stored', () => {
    const bytes = encodeEntry({ ...user, negative: true, value: () => 1 }, shortKey, plain);
    expect(bytes.length).toBeLessThan(20);
  });

  test('keeps whole milliseconds of life between 0 and 30 days, and microseconds of loading', () => {
    const life = { freshFor: 1.6, staleFor: Infinity };
    const odd = { ...user, life, loadMilliseconds: 0.0004 };
    expect(decodeEntry(encodeEntry(odd, shortKey, plain), shortKey, plain)).toMatchObject({
      life: { freshFor: 2, staleFor: longestLife },
      loadMilliseconds: 0,
    });
    const wrong = { ...user, life: { freshFor: -1, staleFor: Number.NaN }, loadMilliseconds: Infinity };
    expect(decodeEntry(encodeEntry(wrong, shortKey, plain), shortKey, plain).life).toEqual({
      freshFor: 0,
      staleFor: 0,
    });
  });

  test('takes few bytes besides the value', () => {
    const value = structured.encode(user.value).length;
    expect(encodeEntry(user, shortKey, plain).length - value).toBeLessThanOrEqual(20);
  });

  test('holds no more memory than its bytes', () => {
    const bytes = encodeEntry(user, shortKey, plain);
    expect(bytes.buffer.byteLength - bytes.length).toBeLessThan(64);
  });
});

describe('what cannot be stored', () => {
  test('names the cache and the path', () => {
    const error = fails('CISTERN_UNSTORABLE', () =>
      encodeEntry({ ...user, value: { items: [{ fn: () => 1 }] } }, shortKey, plain),
    );
    expect(error.message).toContain("'user'");
    expect(error.message).toContain('value.items[0].fn is a function');
  });

  test('a codec that throws or answers no bytes, and a step that throws', () => {
    const codec = (encode: () => unknown): Codec => ({ name: 'mine', encode, decode: () => 1 }) as Codec;
    const throwing = { ...plain, codec: codec(() => JSON.parse('{')) };
    expect(fails('CISTERN_UNSTORABLE', () => encodeEntry(user, shortKey, throwing)).cause).toBeInstanceOf(
      SyntaxError,
    );
    fails('CISTERN_UNSTORABLE', () => encodeEntry(user, shortKey, { ...plain, codec: codec(() => 'text') }));
    const step: CodecStep = { ...deflate, encode: () => JSON.parse('{') as never };
    fails('CISTERN_UNSTORABLE', () => encodeEntry(user, shortKey, { ...plain, steps: [step] }));
  });

  test('too large a value, before and after the steps', () => {
    const value = 'x'.repeat(1000);
    const fits = encodeEntry({ ...user, value }, shortKey, plain).length;
    const at = (maxBytes: number, steps: readonly CodecStep[]): Uint8Array =>
      encodeEntry({ ...user, value }, shortKey, { ...plain, maxBytes, steps });
    expect(at(fits, []).length).toBe(fits);
    expect(fails('CISTERN_TOO_LARGE', () => at(fits - 1, [])).message).toContain('maxValueBytes');
    // What compression makes small would not be read back, as it unfolds over the limit.
    fails('CISTERN_TOO_LARGE', () => at(fits - 1, [deflate]));
    expect(at(fits, [deflate]).length).toBeLessThan(100);
    fails('CISTERN_TOO_LARGE', () => at(fits, [sum]));
  });
});

describe('what is not an entry of this format is refused as CISTERN_CODEC', () => {
  const good = encodeEntry(user, shortKey, plain);

  test('the good one is read', () => {
    expect(decodeEntry(good, shortKey, plain)).toStrictEqual(user);
  });

  test('foreign bytes, another version, a part of an entry', () => {
    for (const text of ['', 'x', '{"a":1}', '\u00c5', '123456']) {
      fails('CISTERN_CODEC', () => decodeEntry(Buffer.from(text, 'latin1'), shortKey, plain));
    }
    const other = Buffer.from(good);
    other[1] = 2;
    expect(fails('CISTERN_CODEC', () => decodeEntry(other, shortKey, plain)).message).toContain('format 2');
    for (let length = 0; length < good.length; length++) {
      fails('CISTERN_CODEC', () => decodeEntry(good.subarray(0, length), shortKey, plain));
    }
    fails('CISTERN_CODEC', () => decodeEntry(Buffer.concat([good, Buffer.of(0)]), shortKey, plain));
  });

  test('a codec of another name, even if it could read the bytes', () => {
    const renamed = { ...plain, codec: { ...structured, name: 'structured2' } };
    expect(fails('CISTERN_CODEC', () => decodeEntry(good, shortKey, renamed)).message).toContain(
      'structured2',
    );
  });

  test('another key behind the same hash', () => {
    const bytes = encodeEntry(user, longKey, plain);
    expect(decodeEntry(bytes, longKey, plain)).toStrictEqual(user);
    const twins = [`${longKey.hashed!.slice(0, -1)}y`, longKey.hashed!.slice(0, -1), `${longKey.hashed!}x`];
    for (const hashed of twins) {
      const error = fails('CISTERN_CODEC', () => decodeEntry(bytes, { key: longKey.key, hashed }, plain));
      expect(error.message).toContain('another key');
    }
    const unhashed = { key: longKey.key, hashed: undefined };
    expect(fails('CISTERN_CODEC', () => decodeEntry(bytes, unhashed, plain)).message).toContain(
      'another key',
    );
    const hashed = { key: shortKey.key, hashed: "'42" };
    expect(fails('CISTERN_CODEC', () => decodeEntry(good, hashed, plain)).message).toContain('another key');
  });

  test('a life that nobody writes', () => {
    const longest = { freshFor: longestLife, staleFor: longestLife };
    const bytes = Buffer.from(encodeEntry({ ...user, life: longest }, shortKey, plain));
    expect(decodeEntry(bytes, shortKey, plain).life).toEqual(longest);
    // The last of the five bytes of the first number, behind magic, version, steps and flags.
    bytes[8] = 0x7f;
    expect(fails('CISTERN_CODEC', () => decodeEntry(bytes, shortKey, plain)).message).toContain(
      'lives too long',
    );
  });

  test('a negative entry with a value', () => {
    const negative = encodeEntry({ ...user, negative: true }, shortKey, plain);
    const longer = Buffer.concat([negative, Buffer.of(1)]);
    expect(fails('CISTERN_CODEC', () => decodeEntry(longer, shortKey, plain)).message).toContain('negative');
  });

  test('an entry over the limit, and one that unfolds over it', () => {
    const small = { ...plain, maxBytes: good.length - 1 };
    fails('CISTERN_CODEC', () => decodeEntry(good, shortKey, small));
    const packed = encodeEntry({ ...user, value: 'x'.repeat(50_000) }, shortKey, {
      ...plain,
      steps: [deflate],
    });
    expect(packed.length).toBeLessThan(500);
    const limited = { ...plain, steps: [deflate], maxBytes: 10_000 };
    const error = fails('CISTERN_CODEC', () => decodeEntry(packed, shortKey, limited));
    expect(error.cause).toMatchObject({ code: 'CISTERN_TOO_LARGE' });
    expect(decodeEntry(packed, shortKey, { ...limited, maxBytes: 60_000 }).value).toBe('x'.repeat(50_000));
  });

  test('a step that is unknown here, or required and missing', () => {
    const packed = encodeEntry({ ...user, value: 'x'.repeat(500) }, shortKey, { ...plain, steps: [deflate] });
    const unknown = fails('CISTERN_CODEC', () => decodeEntry(packed, shortKey, plain));
    expect(unknown.message).toContain('step 7');
    const without = fails('CISTERN_CODEC', () => decodeEntry(good, shortKey, { ...plain, steps: [sum] }));
    expect(without.message).toContain("step 'sum'");
  });

  test('a step that authenticates covers life, negative flag and key, not only the value', () => {
    const signed = { ...plain, steps: [sum] };
    const bytes = Buffer.from(encodeEntry(user, shortKey, signed));
    for (let at = 0; at < bytes.length; at++) {
      const forged = Buffer.from(bytes);
      forged[at] = forged[at]! ^ 1;
      fails('CISTERN_CODEC', () => decodeEntry(forged, shortKey, signed));
    }
    const elsewhere = storeKey('app:user:3:', "'43");
    expect(fails('CISTERN_CODEC', () => decodeEntry(bytes, elsewhere, signed)).message).toContain('forged');
  });

  test('damaged bytes give an entry or CISTERN_CODEC, never another error', () => {
    const formats = [plain, { ...plain, steps: [deflate] }];
    fc.assert(
      fc.property(
        fc.constantFrom(...formats),
        fc.constantFrom(shortKey, longKey),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        (format, key, changes) => {
          const bytes = Buffer.from(encodeEntry({ ...user, value: { text: 'ab'.repeat(40) } }, key, format));
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          try {
            decodeEntry(bytes, key, format);
          } catch (error) {
            expect(error).toMatchObject({ code: 'CISTERN_CODEC' });
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('whatever a codec throws', () => {
    const throwing: Codec = {
      name: 'structured',
      encode: (value) => structured.encode(value),
      decode() {
        throw undefined; // oxlint-disable-line typescript/only-throw-error
      },
    };
    const error = fails('CISTERN_CODEC', () => decodeEntry(good, shortKey, { ...plain, codec: throwing }));
    expect(error.message).toContain('no error');
  });
});
