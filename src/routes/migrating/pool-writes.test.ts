import { describe, expect, test } from 'vitest';
import type { MissReply, Operation, Reply } from '../../core/store.ts';
import { asked, begins, hour, migrationAt, skew } from '../../../test/routes/migration-bench.ts';
import { life, said, setOf, type Wire } from '../../../test/routes/wire.ts';

const lease = 30_000;
const get = { kind: 'get', key: 'k', lease } as const;
const remove = { kind: 'delete', key: 'k' } as const;
const mirror = hour / 2;
const populate = begins.populate + hour / 2;
const readTo = begins.readTo + hour;

/** Answers when it is told to. */
function held(wire: Wire, kind: Operation['kind']): () => void {
  const execute = wire.execute.bind(wire);
  const gate = Promise.withResolvers<void>();
  wire.execute = async (operation) => {
    const reply = await execute(operation);
    if (operation.kind === kind) await gate.promise;
    return reply;
  };
  return () => {
    wire.execute = execute;
    gate.resolve();
  };
}

describe('deletes', () => {
  test.each([
    ['only-from', -hour, ['a']],
    ['the skew before mirror', -skew, ['a', 'b']],
    ['mirror', mirror, ['a', 'b']],
    ['populate', populate, ['a', 'b']],
    ['read-to', readTo, ['a', 'b']],
    ['the skew after only-to', begins.onlyTo + skew - 1, ['a', 'b']],
    ['only-to', begins.onlyTo + skew, ['b']],
  ])('of every kind reach, in %s', async (_stage, begin, reached) => {
    for (const how of [{}, { staleFor: 5000 }]) {
      const bench = migrationAt(begin);
      for (const pool of [bench.askFrom, bench.askTo]) await pool(setOf('k', 'old'));
      expect(await bench.ask({ ...remove, ...how })).toMatchObject({ kind: 'stored' });
      const names = [bench.from, bench.to].filter((wire) => wire.asked.length > 0).map((wire) => wire.name);
      expect(names).toEqual(reached);
      for (const [pool, name] of [
        [bench.askFrom, 'a'],
        [bench.askTo, 'b'],
      ] as const) {
        const left = await pool({ kind: 'get', key: 'k' });
        if (!reached.includes(name)) expect(said(left)).toBe('old');
        else if (how.staleFor === undefined) expect(left.kind).toBe('miss');
        else expect(left).toMatchObject({ kind: 'hit', marked: true });
      }
    }
  });

  test('reach the new pool when the old one has answered, as long as entries may be copied', async () => {
    for (const begin of [-skew, mirror, populate, begins.readTo - 1]) {
      const bench = migrationAt(begin);
      const release = held(bench.from, 'delete');
      const answer = bench.ask(remove);
      await bench.runtime.settle();
      expect([asked(bench.from), asked(bench.to)]).toEqual([['delete k'], []]);
      release();
      await answer;
      expect(asked(bench.to)).toEqual(['delete k']);
    }
  });

  test('reach both at once after the switch', async () => {
    const bench = migrationAt(readTo);
    const release = held(bench.from, 'delete');
    const answer = bench.ask(remove);
    await bench.runtime.settle();
    expect([asked(bench.from), asked(bench.to)]).toEqual([['delete k'], ['delete k']]);
    release();
    await answer;
  });

  test('that were sent to the old pool alone reach the new one, if they are answered when it counts', async () => {
    for (const change of [remove, setOf('k', 'v'), { kind: 'touch', key: 'k', life } as const]) {
      const bench = migrationAt(-skew - 1);
      const release = held(bench.from, change.kind);
      const answer = bench.ask(change);
      await bench.at(-skew);
      expect(asked(bench.to)).toEqual([]);
      release();
      await answer;
      expect(asked(bench.to).length).toBeGreaterThan(0);
    }
  });

  test('of a process that was stopped while all others finished reach the new pool, and its reads of the old one are none', async () => {
    for (const change of [remove, setOf('k', 'v'), { kind: 'touch', key: 'k', life } as const]) {
      const bench = migrationAt(-hour);
      const release = held(bench.from, change.kind);
      const answer = bench.store.execute({ ...change, deadline: Number.MAX_VALUE });
      await bench.at(begins.onlyTo + hour);
      release();
      await answer;
      expect(asked(bench.to).length).toBeGreaterThan(0);
    }
    const bench = migrationAt(mirror);
    await bench.askFrom(setOf('k', 'old'));
    const release = held(bench.from, 'get');
    const answer = bench.store.execute({ kind: 'get', key: 'k', deadline: Number.MAX_VALUE });
    await bench.at(begins.onlyTo + skew);
    release();
    expect((await answer).kind).toBe('failed');
  });

  test('leave half of the time for the new pool', async () => {
    const bench = migrationAt(mirror);
    const deadline = bench.runtime.clock.read() + 1000;
    await bench.ask({ ...remove, deadline });
    expect(bench.from.asked[0]!.deadline).toBe(deadline - 500);
    expect(bench.to.asked[0]!.deadline).toBe(deadline);
  });

  test('with the CAS of an entry remove it in the other pool without one', async () => {
    for (const begin of [mirror, readTo]) {
      const bench = migrationAt(begin);
      for (const pool of [bench.askFrom, bench.askTo]) await pool(setOf('k', 'old'));
      const { cas } = (await bench.ask({ kind: 'get', key: 'k' })) as MissReply;
      expect(await bench.ask({ ...remove, cas: `${cas}0` })).toMatchObject({ kind: 'conflict' });
      expect((await bench.ask({ kind: 'get', key: 'k' })).kind).toBe('hit');
      expect(await bench.ask({ ...remove, cas })).toMatchObject({ kind: 'stored' });
      for (const pool of [bench.askFrom, bench.askTo])
        expect((await pool({ kind: 'get', key: 'k' })).kind).toBe('miss');
    }
  });
});

describe('one pool fails', () => {
  const failed = { kind: 'failed', applied: 'unknown' };

  test.each([
    ['mirror', mirror],
    ['read-to', readTo],
  ])(
    'a delete is failed if either is, and is repeated until both have confirmed it: %s',
    async (_stage, begin) => {
      for (const broken of ['from', 'to'] as const) {
        const bench = migrationAt(begin);
        for (const pool of [bench.askFrom, bench.askTo]) await pool(setOf('k', 'old'));
        bench[broken].down();
        expect(await bench.ask(remove)).toMatchObject(failed);
        expect(bench.store.stats().unfinished).toBe(1);
        await bench.runtime.advance(2000);
        expect(bench.store.stats().unfinished).toBe(1);
        bench[broken].up();
        await bench.runtime.advance(10_000);
        expect(bench.store.stats().unfinished).toBe(0);
        for (const pool of [bench.askFrom, bench.askTo])
          expect((await pool({ kind: 'get', key: 'k' })).kind).toBe('miss');
      }
    },
  );

  test('what was not removed in the old pool is removed in the new one once more, as it may have been copied', async () => {
    const bench = migrationAt(populate);
    await bench.askFrom(setOf('k', 'old'));
    bench.from.fate = (operation) => (operation.kind === 'delete' ? 'unsent' : undefined);
    expect((await bench.ask(remove)).kind).toBe('failed');
    await bench.ask(get);
    await bench.runtime.settle();
    expect(said(await bench.askTo({ kind: 'get', key: 'k' }))).toBe('old');
    bench.from.up();
    await bench.runtime.advance(1000);
    expect((await bench.askTo({ kind: 'get', key: 'k' })).kind).toBe('miss');
  });

  test('the pool that is read decides what a get answers', async () => {
    for (const [begin, decides, other] of [
      [mirror, 'from', 'to'],
      [readTo, 'to', 'from'],
    ] as const) {
      const bench = migrationAt(begin);
      await bench.ask(setOf('k', 'v'));
      bench[other].down();
      expect(said(await bench.ask({ kind: 'get', key: 'k' }))).toBe('v');
      expect(await bench.ask({ ...get, key: 'other' })).toMatchObject({ kind: 'miss', lease: 'won' });
      bench[other].up();
      bench[decides].down();
      expect((await bench.ask({ kind: 'get', key: 'k' })).kind).toBe('failed');
    }
  });

  test('a write is not confirmed that left an older value in the other pool; a count counts all the same', async () => {
    const bench = migrationAt(mirror);
    bench.to.down();
    expect(await bench.ask(setOf('k', 'v'))).toMatchObject(failed);
    expect(await bench.ask({ kind: 'touch', key: 'k', life })).toMatchObject(failed);
    const count = { kind: 'count', key: 'n', delta: 1n, initial: { value: 1n, life } } as const;
    expect(said(await bench.ask(count))).toBe('1');
    expect(bench.store.stats().unfinished).toBe(2);
  });

  test('a write that was lost in one pool removes the entry in the other, and is repeated as a delete', async () => {
    const bench = migrationAt(mirror);
    await bench.askTo(setOf('k', 'old'));
    bench.from.fate = () => 'lost';
    expect(await bench.ask(setOf('k', 'new'))).toMatchObject(failed);
    expect((await bench.askTo({ kind: 'get', key: 'k' })).kind).toBe('miss');
    bench.from.up();
    await bench.runtime.advance(1000);
    expect((await bench.askFrom({ kind: 'get', key: 'k' })).kind).toBe('miss');
  });

  test('what is wrong in itself is not repeated', async () => {
    const bench = migrationAt(mirror);
    expect((await bench.ask({ kind: 'delete', key: 'a b' })).kind).toBe('failed');
    expect((await bench.ask(setOf('k', 'v', { flags: -1 }))).kind).toBe('failed');
    expect(bench.store.stats().unfinished).toBe(0);
    expect(asked(bench.to)).toEqual(['delete a b']);
  });

  test('no more is remembered than fits', async () => {
    const bench = migrationAt(mirror);
    bench.to.down();
    const all = Array.from(
      { length: 10_050 },
      async (_, index) =>
        await bench.store.execute({ ...remove, key: `k${index}`, deadline: Number.MAX_VALUE }),
    );
    await bench.runtime.until(Promise.all(all));
    expect(bench.store.stats()).toMatchObject({ unfinished: 10_000, forgotten: 50 });
    bench.to.up();
    await bench.runtime.advance(120_000);
    expect(bench.store.stats().unfinished).toBe(0);
  });
});

describe('fills', () => {
  const fill = (reply: Reply, value = 'loaded'): ReturnType<typeof setOf> =>
    setOf('k', value, { cas: (reply as MissReply).cas });

  test('reach both pools, each by a right that was taken there', async () => {
    for (const begin of [mirror, populate, readTo]) {
      const bench = migrationAt(begin);
      const won = await bench.ask(get);
      expect(won).toMatchObject({ kind: 'miss', lease: 'won' });
      expect([asked(bench.from), asked(bench.to)]).toEqual([['get k'], ['get k']]);
      expect((await bench.ask(fill(won))).kind).toBe('stored');
      expect([asked(bench.from), asked(bench.to)]).toEqual([['set k by CAS'], ['set k by CAS']]);
      for (const pool of [bench.askFrom, bench.askTo])
        expect(said(await pool({ kind: 'get', key: 'k' }))).toBe('loaded');
      expect(bench.store.stats().twinFills).toBe(1);
    }
  });

  test('of an aged or marked entry, too', async () => {
    const bench = migrationAt(mirror);
    for (const pool of [bench.askFrom, bench.askTo]) await pool(setOf('k', 'old'));
    await bench.ask({ ...remove, staleFor: 30_000 });
    const won = await bench.ask(get);
    expect(won).toMatchObject({ kind: 'hit', marked: true, claim: 'won' });
    expect((await bench.ask(fill(won))).kind).toBe('stored');
    for (const pool of [bench.askFrom, bench.askTo])
      expect(await pool({ kind: 'get', key: 'k' })).toMatchObject({ marked: false, claim: 'none' });
  });

  test('remove what the other pool holds where its right is gone', async () => {
    const bench = migrationAt(mirror);
    const won = await bench.ask(get);
    await bench.askTo(setOf('k', 'older'));
    expect((await bench.ask(fill(won))).kind).toBe('stored');
    expect((await bench.askTo({ kind: 'get', key: 'k' })).kind).toBe('miss');
  });

  test('that are refused give the right in the other pool back, and so does a release', async () => {
    const bench = migrationAt(mirror);
    const won = await bench.ask(get);
    await bench.askFrom(remove);
    expect((await bench.ask(fill(won))).kind).toBe('notFound');
    await bench.runtime.settle();
    expect(await bench.askTo(get)).toMatchObject({ lease: 'won' });
    await bench.askTo(remove);
    const again = (await bench.ask(get)) as MissReply;
    expect(await bench.ask({ kind: 'release', key: 'k', right: 'lease', cas: again.cas })).toMatchObject({
      kind: 'stored',
    });
    await bench.runtime.settle();
    for (const pool of [bench.askFrom, bench.askTo]) expect(await pool(get)).toMatchObject({ lease: 'won' });
  });

  test('that come after the switch go to the pool that is read, by the right that was taken there', async () => {
    const bench = migrationAt(begins.readTo - 1000);
    const won = await bench.ask(get);
    await bench.at(begins.readTo);
    expect((await bench.ask(fill(won))).kind).toBe('stored');
    for (const pool of [bench.askFrom, bench.askTo, bench.ask])
      expect(said(await pool({ kind: 'get', key: 'k' }))).toBe('loaded');
  });

  test('that come after the switch without one are a conflict, and their lease is given back', async () => {
    const bench = migrationAt(begins.readTo - 1000);
    bench.to.down();
    const won = await bench.ask(get);
    bench.to.up();
    await bench.at(begins.readTo);
    expect((await bench.ask(fill(won))).kind).toBe('conflict');
    await bench.runtime.settle();
    expect(await bench.askFrom(get)).toMatchObject({ lease: 'won' });
    expect((await bench.askTo({ kind: 'get', key: 'k' })).kind).toBe('miss');
    expect(bench.store.stats().lateFills).toBe(1);
  });

  test('do not wait long for the other pool', async () => {
    const bench = migrationAt(mirror);
    bench.to.execute = async (operation) => {
      const left = operation.deadline - bench.runtime.clock.read();
      await new Promise<void>((resolve) => void bench.runtime.after(left, resolve));
      return { kind: 'failed', applied: 'no', error: new Error('late') };
    };
    const began = bench.runtime.clock.read();
    expect(await bench.ask(get)).toMatchObject({ lease: 'won' });
    expect(bench.runtime.clock.read() - began).toBe(100);
  });

  test('a CAS that neither pool can have given is a conflict, and goes nowhere', async () => {
    const bench = migrationAt(mirror);
    for (const cas of ['7:1', 'x:1'])
      expect((await bench.ask(setOf('k', 'v', { cas }))).kind).toBe('conflict');
    expect((await bench.ask({ ...remove, cas: '7:1' })).kind).toBe('conflict');
    expect((await bench.ask({ kind: 'release', key: 'k', right: 'lease', cas: '7:1' })).kind).toBe(
      'conflict',
    );
    expect([asked(bench.from), asked(bench.to)]).toEqual([[], []]);
  });
});

describe('other changes', () => {
  test('a plain set removes the entry of the other pool: two of them could arrive in two orders', async () => {
    for (const [begin, other] of [
      [mirror, 'askTo'],
      [readTo, 'askFrom'],
    ] as const) {
      const bench = migrationAt(begin);
      await bench[other](setOf('k', 'old'));
      expect((await bench.ask(setOf('k', 'new'))).kind).toBe('stored');
      expect((await bench[other]({ kind: 'get', key: 'k' })).kind).toBe('miss');
      expect(said(await bench.ask({ kind: 'get', key: 'k' }))).toBe('new');
    }
  });

  test('a write that is not done changes nothing in the other pool', async () => {
    const bench = migrationAt(mirror);
    await bench.askTo(setOf('k', 'kept'));
    await bench.askFrom(setOf('k', 'kept'));
    expect((await bench.ask(setOf('k', 'v', { mode: 'add' }))).kind).toBe('notStored');
    expect((await bench.ask({ kind: 'count', key: 'k', delta: 1n })).kind).toBe('failed');
    expect(said(await bench.askTo({ kind: 'get', key: 'k' }))).toBe('kept');
  });

  test('a value that cannot be kept takes the older one with it, in both pools', async () => {
    const bench = migrationAt(mirror);
    for (const pool of [bench.askFrom, bench.askTo]) await pool(setOf('k', 'old'));
    expect((await bench.ask(setOf('k', 'v'.repeat(5_000_000)))).kind).toBe('failed');
    for (const pool of [bench.askFrom, bench.askTo])
      expect((await pool({ kind: 'get', key: 'k' })).kind).toBe('miss');
  });

  test('a number is counted in the pool that is read, and the other keeps none', async () => {
    const bench = migrationAt(mirror);
    for (const pool of [bench.askFrom, bench.askTo]) await pool(setOf('n', '5'));
    expect(said(await bench.ask({ kind: 'count', key: 'n', delta: 2n }))).toBe('7');
    expect((await bench.askTo({ kind: 'get', key: 'n' })).kind).toBe('miss');
  });

  test('a touch reaches both pools, also with a get', async () => {
    const short = { freshFor: 1000, staleFor: 0 };
    for (const touch of [
      { kind: 'touch', key: 'k', life } as const,
      { kind: 'get', key: 'k', touch: life } as const,
    ])
      for (const begin of [mirror, readTo]) {
        const bench = migrationAt(begin);
        for (const pool of [bench.askFrom, bench.askTo]) await pool(setOf('k', 'v', { life: short }));
        expect(['stored', 'hit']).toContain((await bench.ask(touch)).kind);
        await bench.runtime.advance(30_000);
        for (const pool of [bench.askFrom, bench.askTo])
          expect(said(await pool({ kind: 'get', key: 'k' }))).toBe('v');
      }
  });
});
