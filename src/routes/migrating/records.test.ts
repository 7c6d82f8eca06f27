import { describe, expect, test } from 'vitest';
import { begins, hour, migrationAt, skew } from '../../../test/routes/migration-bench.ts';
import { said, setOf } from '../../../test/routes/wire.ts';
import type { MissReply } from '../../core/store.ts';

const remove = { kind: 'delete', key: 'k' } as const;
const mirror = hour / 2;
const populate = begins.populate + hour / 2;
const readTo = begins.readTo + hour;

describe('records', () => {
  const record = { kind: 'get', key: 'shop:~record', copy: 0 } as const;
  const write = (value: string, cas?: string): ReturnType<typeof setOf> =>
    setOf(record.key, value, { copy: 0, ...(cas === undefined ? { mode: 'add' } : { cas }) });

  test('are read in the new pool, else in the old one, from where they are copied', async () => {
    for (const begin of [mirror, populate, readTo]) {
      const bench = migrationAt(begin);
      await bench.askFrom(write('r1'));
      expect(said(await bench.ask(record))).toBe('r1');
      await bench.runtime.settle();
      expect(said(await bench.askTo(record))).toBe('r1');
      await bench.askTo(setOf(record.key, 'r2', { copy: 0 }));
      expect(said(await bench.ask(record))).toBe('r2');
    }
  });

  test('are changed in the old pool first, so that no older one is read or copied', async () => {
    for (const begin of [-skew, mirror, readTo, begins.onlyTo + 1]) {
      const bench = migrationAt(begin);
      expect((await bench.ask(write('r1'))).kind).toBe('stored');
      const read = (await bench.ask(record)) as MissReply;
      await bench.runtime.settle();
      expect((await bench.ask(write('r2', read.cas))).kind).toBe('stored');
      expect(said(await bench.ask(record))).toBe('r2');
      for (const pool of [bench.askFrom, bench.askTo]) expect(said(await pool(record))).not.toBe('r1');
      await bench.ask({ ...remove, ...record, kind: 'delete' });
      for (const pool of [bench.askFrom, bench.askTo]) expect((await pool(record)).kind).toBe('miss');
    }
  });

  test('are not changed when the old pool does not answer', async () => {
    const bench = migrationAt(readTo);
    await bench.askTo(write('r1'));
    const read = (await bench.ask(record)) as MissReply;
    bench.from.down();
    expect((await bench.ask(write('r2', read.cas))).kind).toBe('failed');
    expect(said(await bench.askTo(record))).toBe('r1');
    expect(said(await bench.ask(record))).toBe('r1');
  });
});
