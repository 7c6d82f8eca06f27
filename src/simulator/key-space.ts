import { DistinctCounter } from './distinct-counter.ts';
import { TextHash } from './key-table.ts';

/** One part of keys of one form: a segment, or the value of a parameter. */
export interface KeyDimension {
  /** A key with the part in it, cut into what comes before, the part, and what comes after. */
  readonly example: readonly [before: string, part: string, after: string];
  /** The parameter's name, `undefined` for a segment. */
  readonly parameter: string | undefined;
  /** Different keys that have the part, and reads of them. */
  readonly keys: number;
  readonly reads: number;
  /** Different values of the part. Estimated within some per cent, as the next one is. */
  readonly values: number;
  /** Different keys that would be left if all values were one. */
  readonly keysWithout: number;
  /** The key space grows for nothing: half of the reads or more come with a value of their own, and without the part less than half of the keys would be left. */
  readonly explodes: boolean;
}

/** Parts that are told apart, and forms of keys. Beyond, a trace has no order in its keys, or no need for this. */
const mostDimensions = 256;
const mostForms = 4096;

/** By character code: 1 where keys are cut, 2 where keys are cut that have none of those. */
const delimiters = new Uint8Array(128);
for (const letter of ':/?&=,|;#') delimiters[letter.charCodeAt(0)] = 1;
for (const letter of '._-') delimiters[letter.charCodeAt(0)] = 2;
const word = /^[a-zA-Z][a-zA-Z_.-]{0,30}$/;

interface Part {
  readonly from: number;
  readonly to: number;
  /** What makes it the same dimension in another key. */
  readonly name: string;
  readonly parameter: string | undefined;
}

class Dimension {
  readonly values = new DistinctCounter();
  readonly keysWithout = new DistinctCounter();
  readonly example: readonly [string, string, string];
  readonly parameter: string | undefined;

  constructor(key: string, part: Part) {
    this.example = [key.slice(0, part.from), key.slice(part.from, part.to), key.slice(part.to)];
    this.parameter = part.parameter;
  }
}

/**
 * Finds the parts of keys that multiply the key space: for each segment between `: / ? & = , | ; #` (or, in keys without those, `. _ -`) and
 * each parameter `name=value`, how many values it has, and how many keys would be left without it.
 *
 * Memory: 4 kB per part, at most a megabyte.
 */
export class KeySpace {
  readonly #hash = new TextHash();
  readonly #dimensions = new Map<string, Dimension>();
  /** Each form of key is a list of dimensions; its place in the list is the label of its keys. The first has none. */
  readonly #forms: (readonly Dimension[])[] = [[]];
  readonly #formNumbers = new Map<string, number>();

  /** Tells of a key, once at least. Answers the number of its form: a label for `TraceBuilder`. */
  label(key: string): number {
    const parts = partsOf(key);
    if (parts.length < 2) return 0;
    const number = this.#formOf(key, parts);
    for (const [index, dimension] of this.#forms[number]!.entries()) {
      const { from, to } = parts[index]!;
      this.#hash.read(key.slice(from, to));
      dimension.values.add(this.#hash.first, this.#hash.second);
      this.#hash.read(key.slice(0, from));
      const { first, second } = this.#hash;
      this.#hash.read(key.slice(to));
      dimension.keysWithout.add(
        first ^ Math.imul(this.#hash.first, 0x9e3779b1),
        second ^ Math.imul(this.#hash.second, 0x85ebca6b),
      );
    }
    return number;
  }

  /** The parts whose removal would shrink the key space, the most first. Labels and reads of each key, and the share of the keys that they are. */
  dimensions(labels: Int32Array, readsOf: Int32Array, rate: number): readonly KeyDimension[] {
    const keysOf = new Map<Dimension, { keys: number; reads: number }>();
    for (let key = 0; key < labels.length; key++) {
      for (const dimension of this.#forms[labels[key]!]!) {
        const counts = keysOf.get(dimension) ?? { keys: 0, reads: 0 };
        counts.keys++;
        counts.reads += readsOf[key]!;
        keysOf.set(dimension, counts);
      }
    }
    const found = [...keysOf].map(([dimension, counts]): KeyDimension => {
      const keys = Math.round(counts.keys / rate);
      const reads = Math.round(counts.reads / rate);
      const values = Math.min(keys, dimension.values.estimate);
      const keysWithout = Math.min(keys, dimension.keysWithout.estimate);
      const explodes = keys >= 100 && values * 2 >= reads && keysWithout * 2 <= keys;
      const { example, parameter } = dimension;
      return { example, parameter, keys, reads, values, keysWithout, explodes };
    });
    return found
      .filter(({ keys, keysWithout, values }) => values > 1 && keysWithout < 0.9 * keys)
      .toSorted((a, b) => b.keys - b.keysWithout - (a.keys - a.keysWithout));
  }

  #formOf(key: string, parts: readonly Part[]): number {
    const name = parts.map((part) => part.name).join(' ');
    const known = this.#formNumbers.get(name);
    if (known !== undefined) return known;
    if (this.#forms.length === mostForms) return 0;
    const form: Dimension[] = [];
    for (const part of parts) {
      let dimension = this.#dimensions.get(part.name);
      if (dimension === undefined) {
        // A form is all or nothing, so that its dimensions stand where its parts do.
        if (this.#dimensions.size === mostDimensions) return 0;
        dimension = new Dimension(key, part);
        this.#dimensions.set(part.name, dimension);
      }
      form.push(dimension);
    }
    this.#formNumbers.set(name, this.#forms.length);
    return this.#forms.push(form) - 1;
  }
}

/** Cuts a key. A segment is named by how many there are, by its place, and by the first of them if that looks like a word; a value by its parameter. */
function partsOf(key: string): readonly Part[] {
  const pieces: { from: number; to: number; before: string; after: string }[] = [];
  const cut = (kind: number): void => {
    let from = 0;
    for (let at = 0; at <= key.length; at++) {
      if (at < key.length && delimiters[key.charCodeAt(at)] !== kind) continue;
      if (at > from) pieces.push({ from, to: at, before: key[from - 1] ?? '', after: key[at] ?? '' });
      from = at + 1;
    }
  };
  cut(1);
  if (pieces.length === 1 && pieces[0]!.to - pieces[0]!.from === key.length) {
    pieces.length = 0;
    cut(2);
  }
  const segments = pieces.filter((piece) => piece.before !== '=' && piece.after !== '=').length;
  const first = pieces[0] === undefined ? '' : key.slice(pieces[0].from, pieces[0].to);
  const family = word.test(first) ? first : '*';
  let place = 0;
  let parameter: string | undefined;
  const parts: Part[] = [];
  for (const piece of pieces) {
    if (piece.after === '=' && piece.before !== '=') {
      parameter = key.slice(piece.from, piece.to);
      continue;
    }
    const named = piece.before === '=' ? parameter : undefined;
    const name = named === undefined ? `${family}/${segments}/${place++}` : `${named}=`;
    // Of a parameter that comes twice, the first counts.
    if (!parts.some((part) => part.name === name))
      parts.push({ from: piece.from, to: piece.to, name, parameter: named });
  }
  return parts;
}
