import { encode, Token, Tokenizer, Type } from 'cborg';

/** The one file that imports the library: CBOR (RFC 8949) as tokens, and the words that our values have in it. */
export { Token, Tokenizer, Type };

/** Objects, arrays, maps and sets inside each other: as many as this, in both directions. */
export const deepestValue = 1024;

/** Values inside one entry (keys not counted): as many as this, in both directions. Long columns of numbers belong in typed arrays. */
export const mostItems: number = 2 ** 20;

/** The names of properties repeat: this many short ones are remembered for reading, and as many for writing. */
export const mostKnownKeys = 1024;
/** In characters of ASCII: the length that fits into the head of a CBOR text. */
export const longestKnownKey = 23;

/** RFC 8949, section 3.4.3. */
export const bigIntTag = 2;
export const negativeBigIntTag = 3;
/** IANA's registry of CBOR tags: a set, and a map with keys of any type. */
export const setTag = 258;
export const mapTag = 259;

/**
 * Tags of our own where CBOR has no exact word, from its first-come-first-served range (RFC 8949, section 9.2). A date is
 * its milliseconds, because the standard's seconds as a float come back one millisecond off now and then.
 */
export const dateTag = 0xc101;
/** Text that UTF-8 cannot carry (lone surrogates), or that its decoders drop (a leading byte order mark): UTF-16, little endian. */
export const textTag = 0xc102;
export const nullPrototypeTag = 0xc103;
/** Over null, inside an array only. */
export const holeTag = 0xc104;

let prepared: readonly Token[] = [];
/** The library asks for the tokens of `null` and writes the list that it is given. */
const writeOptions = { float64: true, typeEncoders: { null: (): Token[] => prepared as Token[] } };

/** The bytes of a flat list of tokens. */
export function writeTokens(tokens: readonly Token[]): Uint8Array {
  prepared = tokens;
  try {
    return encode(null, writeOptions);
  } finally {
    prepared = [];
  }
}
