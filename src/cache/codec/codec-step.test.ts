import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { CisternError } from '../../core/error.ts';
import { applySteps, checkSteps, undoSteps, type CodecStep } from './codec-step.ts';

/** A real compression, small enough for a test: stops unfolding at the limit. */
const deflate: CodecStep = {
  id: 7,
  name: 'deflate',
  encode(bytes) {
    const packed = deflateRawSync(bytes);
    return packed.length < bytes.length ? packed : undefined;
  },
  decode: (bytes, { maxBytes }) => inflateRawSync(bytes, { maxOutputLength: maxBytes }),
};

/** The same, written by somebody who forgot the limit. */
const carelessDeflate: CodecStep = { ...deflate, decode: (bytes) => inflateRawSync(bytes) };

function stamp(id: number, required = false): CodecStep {
  return {
    id,
    name: `stamp ${id}`,
    required,
    encode: (bytes, { key }) => Buffer.concat([Buffer.of(id, key.length), bytes]),
    decode(bytes, { key }) {
      if (bytes[0] !== id || bytes[1] !== key.length) throw new Error('wrong stamp');
      return bytes.subarray(2);
    },
  };
}

const text = Buffer.from('to be or not to be, '.repeat(200));

describe('steps', () => {
  test('are undone in the reverse order', () => {
    const steps = [deflate, stamp(1), stamp(2)];
    const { bytes, ids } = applySteps(text, steps, 'k', 10_000);
    expect(ids).toEqual([7, 1, 2]);
    expect(bytes.length).toBeLessThan(text.length / 10);
    expect(Buffer.from(undoSteps(bytes, Uint8Array.from(ids), steps, 'k', 10_000))).toEqual(text);
  });

  test('that are not worth it leave no trace', () => {
    const short = Buffer.from('ab');
    const { bytes, ids } = applySteps(short, [deflate], 'k', 100);
    expect(ids).toEqual([]);
    expect(bytes).toBe(short);
  });

  test('see the key', () => {
    const { bytes, ids } = applySteps(text, [stamp(1)], 'long key', 10_000);
    expect(() => undoSteps(bytes, Uint8Array.from(ids), [stamp(1)], 'k', 10_000)).toThrow('wrong stamp');
  });

  test('may be added to a list while entries without them live', () => {
    const { bytes, ids } = applySteps(text, [deflate], 'k', 10_000);
    const longer = [stamp(1), deflate, stamp(2)];
    expect(Buffer.from(undoSteps(bytes, Uint8Array.from(ids), longer, 'k', 10_000))).toEqual(text);
  });

  test.each([
    ['unknown', [9]],
    ['in another order', [2, 1]],
    ['twice', [1, 1]],
    ['many times', Array.from({ length: 255 }, () => 1)],
  ])('that are %s are refused', (_, ids) => {
    let bytes: Uint8Array = text;
    for (const id of ids) bytes = stamp(id).encode(bytes, { key: 'k' })!;
    expect(() => undoSteps(bytes, Uint8Array.from(ids), [stamp(1), stamp(2)], 'k', 10_000)).toThrow(
      /unknown/,
    );
  });

  test('a required step cannot be left out, and is asked before the others unfold anything', () => {
    let unfolded = 0;
    const counting: CodecStep = {
      ...deflate,
      decode(bytes, context) {
        unfolded++;
        return deflate.decode(bytes, context);
      },
    };
    const { bytes } = applySteps(text, [deflate], 'k', 10_000);
    expect(() => undoSteps(bytes, Uint8Array.of(7), [counting, stamp(1, true)], 'k', 10_000)).toThrow(
      /stamp 1/,
    );
    expect(unfolded).toBe(0);
    const lazy = { ...stamp(1, true), encode: () => undefined };
    expect(() => applySteps(text, [lazy], 'k', 10_000)).toThrow(/required/);
  });

  test('a decompression bomb is refused, also by a step that forgot the limit', () => {
    const bomb = deflateRawSync(Buffer.alloc(64 * 2 ** 20));
    expect(bomb.length).toBeLessThan(100_000);
    expect(() => undoSteps(bomb, Uint8Array.of(7), [deflate], 'k', 2 ** 20)).toThrow(/larger/);
    const caught = thrown(() => undoSteps(bomb, Uint8Array.of(7), [carelessDeflate], 'k', 2 ** 20));
    expect(caught).toMatchObject({
      code: 'CISTERN_TOO_LARGE',
      details: { bytes: 64 * 2 ** 20, limit: 2 ** 20, option: 'maxValueBytes' },
    });
    expect(undoSteps(bomb, Uint8Array.of(7), [deflate], 'k', 64 * 2 ** 20).length).toBe(64 * 2 ** 20);
  });

  test('growing over the limit is refused on the way out', () => {
    expect(thrown(() => applySteps(text, [stamp(1)], 'k', text.length))).toMatchObject({
      code: 'CISTERN_TOO_LARGE',
    });
  });

  test.each([[[0]], [[256]], [[1.5]], [[Number.NaN]], [[3, 3]]])('the ids %j are refused by name', (ids) => {
    expect(
      thrown(() =>
        checkSteps(
          'steps',
          ids.map((id) => stamp(id)),
        ),
      ),
    ).toMatchObject({
      code: 'CISTERN_OPTION',
      details: { option: 'steps' },
    });
  });

  test('the ids 1 and 255 are allowed', () => {
    expect(checkSteps('steps', [stamp(1), stamp(255)])).toHaveLength(2);
  });
});

function thrown(body: () => unknown): CisternError {
  try {
    body();
  } catch (error) {
    return error as CisternError;
  }
  throw new Error('nothing was thrown');
}
