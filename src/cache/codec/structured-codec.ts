import { CisternError } from '../../core/error.ts';
import { writeTokens } from './cbor.ts';
import type { Codec } from './codec.ts';
import { Unstorable } from './unstorable.ts';
import { ValueReader } from './value-reader.ts';
import { ValueWriter } from './value-writer.ts';

/**
 * The default codec: CBOR (RFC 8949) with the types of the structured clone algorithm that are plain data. Keeps objects
 * (null prototypes too), arrays (holes too), every number, string and bigint, undefined apart from null, Date, Map, Set,
 * Buffer, ArrayBuffer, DataView and typed arrays. Refuses functions, symbols, cycles and instances of classes with
 * `CISTERN_UNSTORABLE`; `decode` throws plain errors. A reference that occurs twice comes back as two equal values.
 */
export const structured: Codec = {
  name: 'structured',
  encode(value) {
    const writer = new ValueWriter();
    try {
      writer.write(value, 0);
    } catch (error) {
      const { path, problem, cause } = Unstorable.from(error);
      throw new CisternError('CISTERN_UNSTORABLE', { cache: '', path: `value${path}`, problem }, cause);
    }
    return writeTokens(writer.tokens);
  },
  decode(bytes) {
    // The library slices, which copies out of a Uint8Array but would keep a view into a lent Buffer.
    const plain =
      bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const reader = new ValueReader(plain);
    const value = reader.read(0);
    if (!reader.done()) throw new Error(`it has ${plain.length - reader.pos()} bytes too many`);
    return value;
  },
};
