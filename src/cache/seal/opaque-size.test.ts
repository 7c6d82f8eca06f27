import { describe, expect, test } from 'vitest';
import { isUnstorable, seal } from './seal.ts';
import type { Sealed, Sharing } from './seal.ts';

function sealed(value: unknown, sharing: Sharing): Sealed {
  const result = seal(value, sharing, true);
  if (isUnstorable(result)) throw new Error(`${result.path} ${result.problem}`);
  return result;
}

describe('opaque', () => {
  class Row {
    readonly #secret = 1;
    readonly name: string;
    readonly related: unknown[] = [this];
    save = (): number => this.#secret;
    constructor(name: string) {
      this.name = name;
    }
    get trap(): never {
      throw new Error('called');
    }
  }

  test('lets class instances through as they are, and freezes the rest', () => {
    const row = new Row('x'.repeat(1000));
    const value = { rows: [row] };
    for (const sharing of ['frozen', 'clone', 'shared'] as const) {
      const result = sealed({ rows: [row] }, sharing);
      expect((result.value as typeof value).rows[0]).toBe(row);
      expect(result.bytes).toBeGreaterThan(1000);
      expect(result.bytes).toBeLessThan(1500);
    }
    sealed(value, 'frozen');
    expect(Object.isFrozen(value.rows)).toBe(true);
    expect(Object.isFrozen(row)).toBe(false);
    expect(sealed(row, 'frozen')).toMatchObject({ value: row, copied: false });
  });

  test('what an instance leads to is still checked and frozen where it also stands in plain data', () => {
    const related = { list: [1] };
    const row = Object.assign(new Row('a'), { mine: related });
    sealed([row, related], 'frozen');
    expect(Object.isFrozen(related.list)).toBe(true);
    expect(seal([row, { fn: () => 1 }], 'frozen', true)).toEqual({
      path: 'value[1].fn',
      problem: 'is a function',
    });
  });

  test('weighs instances that lead to each other once, and not the whole world', () => {
    const rows = Array.from({ length: 50 }, (_, index) => new Row(`row ${index}`));
    for (const row of rows) row.related.push(...rows);
    const { bytes } = sealed(rows, 'shared');
    expect(bytes).toBeLessThan(50 * 1000);
    const chain = new Row('first');
    let last: object = chain;
    for (let index = 0; index < 100_000; index++) {
      const next = { index };
      Object.assign(last, { next });
      last = next;
    }
    expect(sealed(chain, 'shared').bytes).toBeLessThan(20_000);
  });
});
