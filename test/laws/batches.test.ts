import { describe, expect, test } from 'vitest';
import { notFound } from '../../src/index.ts';
import { codeOf, Fleet, sleep } from './fleet.ts';

const rows = new Map([
  ['a', 'row a'],
  ['b', 'row b'],
  ['c', 'row c'],
]);

function make(answer: (ids: readonly string[]) => unknown, options: object = {}, family: object = {}) {
  const fleet = new Fleet();
  const { shop, wire } = fleet.join(family);
  const batches: (readonly string[])[] = [];
  const users = shop.define<string, string | typeof notFound>('user', {
    load: (id) => rows.get(id) ?? notFound,
    loadMany: (ids) => {
      batches.push(ids);
      return answer(ids) as Map<string, string>;
    },
    ttl: '5m',
    ...options,
  });
  return { fleet, shop, wire, users, batches };
}

const byMap = (ids: readonly string[]) =>
  new Map(ids.filter((id) => rows.has(id)).map((id) => [id, rows.get(id)!]));
const byArray = (ids: readonly string[]) => ids.map((id) => rows.get(id));

describe('getMany', () => {
  for (const [form, answer] of Object.entries({ 'a Map': byMap, 'an aligned array': byArray })) {
    test(`asks loadMany once, for what no tier has; absent is notFound, and omitted (${form})`, async () => {
      const { fleet, users, batches } = make(answer);
      await fleet.wait(users.get('b'));
      expect(await fleet.wait(users.getMany(['c', 'nobody', 'a', 'b', 'a']))).toEqual(
        new Map([
          ['c', 'row c'],
          ['a', 'row a'],
          ['b', 'row b'],
        ]),
      );
      expect(batches).toEqual([['c', 'nobody', 'a']]);
      await fleet.runtime.settle();
      // The absent one is remembered, too.
      expect(await fleet.wait(users.entry('nobody'))).toMatchObject({ status: 'negative', tier: 'near' });
      expect(batches).toHaveLength(1);
    });
  }

  test('keeps the order asked, and ids of any kind', async () => {
    const fleet = new Fleet();
    const users = fleet.join().shop.define<{ readonly id: number }, number>('user', {
      key: ({ id }) => ['user', id],
      load: ({ id }) => id,
      loadMany: (ids) => new Map(ids.map((each) => [{ id: each.id }, each.id])),
      absent: 'error',
      ttl: '5m',
    });
    const ids = [{ id: 3 }, { id: 1 }, { id: 2 }];
    expect([...(await fleet.wait(users.getMany(ids)))]).toEqual([
      [ids[0], 3],
      [ids[1], 1],
      [ids[2], 2],
    ]);
  });

  test("absent: 'error' is that id's error, and the others are kept", async () => {
    const { fleet, users, batches } = make(byMap, { absent: 'error' });
    const error = await fleet.outcome(users.getMany(['a', 'nobody', 'b']));
    expect(codeOf(error)).toBe('CISTERN_ABSENT');
    expect((error as Error).message).toMatch(/nobody/);
    await fleet.runtime.settle();
    expect([users.peek('a'), users.peek('b'), users.peek('nobody')]).toEqual(['row a', 'row b', undefined]);
    expect(batches).toHaveLength(1);
  });

  test("an Error in the answer is that id's failure alone", async () => {
    for (const answer of [
      (ids: readonly string[]) => ids.map((id) => (id === 'b' ? new Error('row locked') : rows.get(id))),
      (ids: readonly string[]) =>
        new Map(ids.map((id) => [id, id === 'b' ? new Error('row locked') : rows.get(id)])),
    ]) {
      const { fleet, users } = make(answer);
      const outcomes = await fleet.outcomes(['a', 'b', 'c'].map((id) => users.get(id)));
      expect(outcomes).toEqual(['row a', new Error('row locked'), 'row c']);
      expect(await fleet.outcome(users.getMany(['b', 'd']))).toEqual(new Error('row locked'));
    }
  });

  test('a failing batch rejects all its ids with the same error, and the next one tries again', async () => {
    let down = true;
    const error = new Error('source is down');
    const { fleet, users, batches } = make((ids) => {
      if (down) throw error;
      return byMap(ids);
    });
    const outcomes = await fleet.outcomes(['a', 'b', 'c'].map((id) => users.get(id)));
    expect(outcomes.every((outcome) => outcome === error)).toBe(true);
    down = false;
    expect((await fleet.wait(users.getMany(['a', 'b']))).size).toBe(2);
    expect(batches).toHaveLength(2);
  });

  test('an answer of the wrong length or kind is an error of its own, and nothing is kept', async () => {
    for (const answer of [
      () => ['row a'],
      () => 'rows',
      () => undefined,
      () => null,
      () => ({ a: 'row a' }),
    ]) {
      const { fleet, users } = make(answer);
      expect(codeOf(await fleet.outcome(users.getMany(['a', 'b'])))).toBe('CISTERN_LOAD_FAILED');
      expect(users.stats().near.entries).toBe(0);
    }
  });

  test('what it answers beyond what was asked is not kept', async () => {
    const { fleet, users } = make(() => rows);
    await fleet.wait(users.getMany(['a', 'b']));
    await fleet.runtime.settle();
    expect(users.peek('c')).toBeUndefined();
  });

  test('splits at maxBatch', async () => {
    const { fleet, users, batches } = make(byMap, { maxBatch: 2 });
    await fleet.wait(users.getMany(['a', 'b', 'c', 'd', 'e']));
    // A batch of one goes to load.
    expect(batches).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('of nothing asks nothing', async () => {
    const { fleet, wire, users, batches } = make(byMap);
    expect(await fleet.wait(users.getMany([]))).toEqual(new Map());
    expect([batches.length, wire.asked.length]).toEqual([0, 0]);
  });
});

describe('gets of one turn', () => {
  for (const [tiers, family] of Object.entries({ near: { remote: undefined }, both: {} })) {
    test(`are one loadMany (${tiers})`, async () => {
      const { fleet, users, batches } = make(byMap, {}, family);
      const all = ['a', 'b', 'c'].map(async (id) => await users.get(id));
      expect(await fleet.wait(Promise.all(all))).toEqual(['row a', 'row b', 'row c']);
      expect(batches).toEqual([['a', 'b', 'c']]);
    });
  }

  test('travel to the remote tier together, and the old values go to the loader', async () => {
    const seen: unknown[] = [];
    const fleet = new Fleet();
    const users = fleet.join().shop.define<string, string>('user', {
      load: (id) => id,
      loadMany: (ids, { stale, signal, deadline }) => {
        seen.push([...stale], signal.aborted, deadline > fleet.runtime.clock.wall());
        return ids.map((id) => `new ${id}`);
      },
      absent: 'error',
      ttl: '1m',
      staleIfError: '1h',
      jitter: 0,
    });
    await fleet.wait(Promise.all([users.set('a', 'old a'), users.set('b', 'old b')]));
    await fleet.runtime.advance(61_000);
    expect([...(await fleet.wait(users.getMany(['a', 'b', 'c']))).values()]).toEqual([
      'new a',
      'new b',
      'new c',
    ]);
    expect(seen).toEqual([
      [
        ['a', 'old a'],
        ['b', 'old b'],
      ],
      false,
      true,
    ]);
  });

  test('one id that is invalidated meanwhile does not spoil the others', async () => {
    const { fleet, users } = make(async (ids) => {
      await sleep(fleet.runtime, 50);
      return byMap(ids);
    });
    const all = users.getMany(['a', 'b']);
    await fleet.runtime.advance(10);
    await fleet.wait(users.delete('a'));
    expect((await fleet.wait(all)).size).toBe(2);
    await fleet.runtime.settle();
    expect([users.peek('a'), users.peek('b')]).toEqual([undefined, 'row b']);
  });
});

test('warm loads ahead, says how it went, and never rejects', async () => {
  const { fleet, users, batches } = make((ids) =>
    ids.map((id) => (id === 'bad' ? new Error('bad row') : rows.get(id))),
  );
  expect(await fleet.wait(users.warm(['a', 'b', 'bad', 'nobody']))).toEqual({ warmed: 3, failed: 1 });
  await fleet.runtime.settle();
  expect([users.peek('a'), users.peek('b')]).toEqual(['row a', 'row b']);
  expect(batches).toHaveLength(1);
});

test('entries: per id its value and where it came from', async () => {
  const { fleet, users } = make(byMap);
  await fleet.wait(users.get('a'));
  await fleet.runtime.settle();
  const entries = await fleet.wait(users.entries(['a', 'b', 'nobody']));
  expect([...entries].map(([id, { value, status, tier }]) => [id, value, status, tier])).toEqual([
    ['a', 'row a', 'hit', 'near'],
    ['b', 'row b', 'loaded', 'source'],
    ['nobody', undefined, 'negative', 'source'],
  ]);
});
