import { expect, test } from 'vitest';
import type { Reply } from '../../core/store.ts';
import {
  asked,
  begins,
  hour,
  type MigrationBench,
  migrationAt,
  skew,
} from '../../../test/routes/migration-bench.ts';
import { life, said, setOf } from '../../../test/routes/wire.ts';

const get = { kind: 'get', key: 'k', lease: 30_000 } as const;
const plain = { kind: 'get', key: 'k' } as const;
const populate = begins.populate + hour / 2;

/** Reads the key, and answers what the new pool holds once all is quiet. */
async function readAndLook(bench: MigrationBench): Promise<Reply> {
  await bench.ask(get);
  await bench.runtime.settle();
  return await bench.askTo(plain);
}

test('a hit is copied behind its answer: value, flags and the life that is left', async () => {
  const bench = migrationAt(populate);
  await bench.askFrom(setOf('k', 'v', { flags: 7, life: { freshFor: 10_000, staleFor: 5000 } }));
  await bench.runtime.advance(4000);
  expect(await readAndLook(bench)).toMatchObject({
    kind: 'hit',
    flags: 7,
    freshFor: 6000,
    expiresIn: 11_000,
  });
  expect(said(await bench.askTo(plain))).toBe('v');
  expect(asked(bench.from)).toEqual(['get k', 'get k']);
  expect(asked(bench.to)).toEqual(['get k', 'set k by CAS']);
  expect(bench.store.stats()).toMatchObject({ copies: { stored: 1 }, sampled: { gets: 1, hits: 0 } });
  await readAndLook(bench);
  expect(bench.store.stats()).toMatchObject({ copies: { stored: 1 }, sampled: { gets: 2, hits: 1 } });
});

test('an entry that never expires is copied with the longest life', async () => {
  const bench = migrationAt(populate);
  bench.from.execute = async () => ({
    kind: 'hit',
    value: Buffer.from('v'),
    flags: 0,
    cas: '1',
    freshFor: Number.POSITIVE_INFINITY,
    expiresIn: Number.POSITIVE_INFINITY,
    marked: false,
    claim: 'none',
  });
  expect(await readAndLook(bench)).toMatchObject({ kind: 'hit', expiresIn: 30 * 24 * hour });
});

test('nothing is copied before populate, from the skew before the switch on, or afterwards', async () => {
  for (const begin of [-1, begins.populate - 1, begins.readTo - skew, begins.readTo + 1, begins.onlyTo + 1]) {
    const bench = migrationAt(begin);
    await bench.askFrom(setOf('k', 'v'));
    expect((await readAndLook(bench)).kind).toBe('miss');
  }
  const last = migrationAt(begins.readTo - skew - 1);
  await last.askFrom(setOf('k', 'v'));
  expect((await readAndLook(last)).kind).toBe('hit');
});

test('a share of the hits is copied', async () => {
  const wall = Date.UTC(2026, 0, 1);
  const few = migrationAt(populate, {
    schedule: [
      { stage: 'mirror', at: wall - hour },
      { stage: 'populate', at: wall - 1, share: '10%' },
    ],
  });
  for (let key = 0; key < 1000; key++) await few.askFrom(setOf(`k${key}`, 'v'));
  for (let key = 0; key < 1000; key++) await few.ask({ ...get, key: `k${key}` });
  await few.runtime.settle();
  const { stored } = few.store.stats().copies;
  expect(stored).toBeGreaterThan(60);
  expect(stored).toBeLessThan(150);
});

test('what is aged, marked, being loaded or gone is not copied, and no right is left behind', async () => {
  const cases: readonly ((bench: MigrationBench) => Promise<unknown>)[] = [
    async ({ askFrom }) => await askFrom(setOf('k', 'v', { life: { freshFor: 0, staleFor: 60_000 } })),
    async ({ askFrom }) => {
      await askFrom(setOf('k', 'v'));
      await askFrom({ kind: 'delete', key: 'k', staleFor: 60_000 });
    },
    async ({ askFrom }) => {
      await askFrom(setOf('k', 'v'));
      await askFrom({ kind: 'get', key: 'k', recache: 1_000_000 });
    },
    async ({ askFrom }) => await askFrom({ kind: 'get', key: 'k', lease: 60_000 }),
  ];
  for (const prepare of cases) {
    const bench = migrationAt(populate);
    await prepare(bench);
    // Somebody else has the right in the old pool, so that this read takes none.
    await bench.askFrom({ kind: 'get', key: 'k', lease: 60_000, recache: 1 });
    expect((await readAndLook(bench)).kind).toBe('miss');
    expect(await bench.askTo(get)).toMatchObject({ kind: 'miss', lease: 'won' });
  }
});

test('what changes between the read and the copy is not copied, and the right to reload it is given back', async () => {
  const bench = migrationAt(populate);
  await bench.askFrom(setOf('k', 'v'));
  const execute = bench.to.execute.bind(bench.to);
  bench.to.execute = async (operation) => {
    const reply = await execute(operation);
    if (operation.kind === 'get')
      await bench.from.execute({ kind: 'delete', key: 'k', staleFor: 60_000, deadline: Number.MAX_VALUE });
    return reply;
  };
  expect((await readAndLook(bench)).kind).toBe('miss');
  expect(await bench.askTo(get)).toMatchObject({ lease: 'won' });
  expect(await bench.askFrom(get)).toMatchObject({ kind: 'hit', marked: true, claim: 'won' });
});

test('a right that comes when others may read the new pool is given back unused', async () => {
  const bench = migrationAt(begins.readTo - skew - 100);
  await bench.askFrom(setOf('k', 'v'));
  const execute = bench.to.execute.bind(bench.to);
  const gate = Promise.withResolvers<void>();
  bench.to.execute = async (operation) => {
    const reply = await execute(operation);
    await gate.promise;
    return reply;
  };
  await bench.ask(get);
  await bench.runtime.settle();
  expect(asked(bench.to)).toEqual(['get k']);
  await bench.at(begins.readTo - skew);
  gate.resolve();
  await bench.runtime.settle();
  expect(asked(bench.to)).toEqual(['release k by CAS']);
  expect(asked(bench.from)).toEqual(['get k']);
  expect(bench.store.stats().copies).toMatchObject({ stored: 0, refused: 1 });
});

test('a marked entry of the new pool is replaced by its right, one that is fresh is left alone', async () => {
  const bench = migrationAt(populate);
  await bench.askFrom(setOf('k', 'new'));
  await bench.askTo(setOf('k', 'old'));
  expect(said(await readAndLook(bench))).toBe('old');
  await bench.askTo({ kind: 'delete', key: 'k', staleFor: 60_000 });
  expect(await readAndLook(bench)).toMatchObject({ marked: false });
  expect(said(await bench.askTo(plain))).toBe('new');
});

test('so many are under way at most, and each key once', async () => {
  const bench = migrationAt(populate, { copiesAtOnce: 2 });
  for (const key of ['a', 'b', 'c']) await bench.askFrom(setOf(key, 'v', { life }));
  const execute = bench.to.execute.bind(bench.to);
  const gate = Promise.withResolvers<void>();
  bench.to.execute = async (operation) => {
    await gate.promise;
    return await execute(operation);
  };
  for (const key of ['a', 'a', 'b', 'c']) await bench.ask({ ...get, key });
  expect(bench.store.stats().copies.skipped).toBe(1);
  gate.resolve();
  await bench.runtime.settle();
  expect(bench.store.stats().copies).toMatchObject({ stored: 2, skipped: 1 });
});

test('a pool that fails fails the copy, and nothing else', async () => {
  for (const broken of ['from', 'to'] as const) {
    const bench = migrationAt(populate);
    await bench.askFrom(setOf('k', 'v'));
    let reads = 0;
    bench[broken].fate = () => (broken === 'to' || ++reads > 1 ? 'lost' : undefined);
    expect((await bench.ask(plain)).kind).toBe('hit');
    await bench.runtime.settle();
    expect(bench.store.stats().copies).toMatchObject({ stored: 0, failed: 1 });
  }
});
