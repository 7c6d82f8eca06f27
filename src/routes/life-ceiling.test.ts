import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Operation } from '../core/store.ts';
import { LifeCeiling } from './life-ceiling.ts';

const span = fc.integer({ min: 0, max: 100_000 });
const life = fc.record({ freshFor: span, staleFor: span });

test('a life is as asked for, or cut: its end first, and then its freshness', () => {
  fc.assert(
    fc.property(life, fc.integer({ min: 1, max: 100_000 }), (asked, most) => {
      const cut = new LifeCeiling(most).life(asked);
      expect(cut.freshFor + cut.staleFor).toBe(Math.min(asked.freshFor + asked.staleFor, most));
      expect(cut.freshFor).toBe(Math.min(asked.freshFor, most));
      if (asked.freshFor + asked.staleFor <= most) expect(cut).toBe(asked);
    }),
  );
});

test('every life of an operation is cut, and what needs no change is the same object', () => {
  const ceiling = new LifeCeiling(1000);
  const long = { freshFor: 5000, staleFor: 5000 };
  const cut = { freshFor: 1000, staleFor: 0 };
  const base = { key: 'k', deadline: 1 };
  const set: Operation = { kind: 'set', mode: 'set', value: new Uint8Array(), flags: 0, life: long, ...base };
  expect(ceiling.lowered(set)).toEqual({ ...set, life: cut });
  expect(ceiling.lowered({ kind: 'touch', life: long, ...base })).toMatchObject({ life: cut });
  expect(ceiling.lowered({ kind: 'get', touch: long, recache: 400, ...base })).toMatchObject({
    touch: cut,
    recache: 400,
  });
  expect(ceiling.lowered({ kind: 'get', recache: 501, ...base })).toMatchObject({ recache: 100 });
  expect(ceiling.lowered({ kind: 'delete', staleFor: 2000, ...base })).toMatchObject({ staleFor: 1000 });
  expect(
    ceiling.lowered({ kind: 'count', delta: 1n, initial: { value: 0n, life: long }, ...base }),
  ).toMatchObject({ initial: { life: cut } });
  const short = { freshFor: 500, staleFor: 500 };
  for (const operation of [
    { ...set, life: short },
    { kind: 'touch', life: short, ...base },
    { kind: 'get', touch: short, recache: 500, lease: 5000, ...base },
    { kind: 'delete', ...base },
    { kind: 'delete', staleFor: 1000, ...base },
    { kind: 'count', delta: 1n, ...base },
    { kind: 'count', delta: 1n, initial: { value: 0n, life: short }, ...base },
    { kind: 'release', right: 'lease', cas: '1', ...base },
  ] satisfies Operation[])
    expect(ceiling.lowered(operation)).toBe(operation);
});
