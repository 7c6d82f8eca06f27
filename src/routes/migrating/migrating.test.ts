import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { begins, hour, migrationAt, skew } from '../../../test/routes/migration-bench.ts';
import { scheduleIn, stages } from '../../../test/routes/migration-stage.ts';
import { routeContract } from '../../../test/routes/route-contract.ts';
import { ask, said, setOf, world } from '../../../test/routes/wire.ts';
import type { Operation } from '../../core/store.ts';
import { memory } from '../../stores/memory/memory.ts';
import { fakeRuntime } from '../../testing/fake-runtime.ts';
import { LocalTime } from './local-time.ts';
import { type Migrating, migrating, type MigratingOptions } from './migrating.ts';

for (const stage of stages)
  routeContract(`migrating, ${stage}`, 2, ([from, to], runtime) =>
    migrating({ from: from!, to: to!, runtime, status: false, ...scheduleIn(stage, runtime) }),
  );

describe('migrating', () => {
  test('moves reads from one pool to the other in the stages of its table', async () => {
    const bench = migrationAt(-hour);
    const readFrom: string[] = [];
    for (const at of [-hour / 2, hour / 2, 1.5 * hour, 3 * hour, 5 * hour]) {
      await bench.at(at);
      for (const pool of [bench.from, bench.to]) pool.asked.length = 0;
      await bench.ask({ kind: 'get', key: 'k' });
      readFrom.push(
        `${bench.store.stats().stage}: ${bench.from.asked.length > 0 ? 'from' : ''}${bench.to.asked.length > 0 ? 'to' : ''}`,
      );
    }
    expect(readFrom).toEqual([
      'only-from: from',
      'mirror: from',
      'populate: from',
      'read-to: to',
      'only-to: to',
    ]);
  });

  test('moves each key at a time of its own', async () => {
    const bench = migrationAt(begins.readTo - 1, { perKey: { interval: '1h' } });
    const keys = Array.from({ length: 200 }, (_, index) => `k${index}`);
    const moved: number[] = [];
    for (const at of [-1, hour / 4, hour / 2, hour]) {
      await bench.at(begins.readTo + at);
      const before = bench.store.stats().to.gets;
      for (const key of keys) await bench.ask({ kind: 'get', key });
      moved.push(Math.round((bench.store.stats().to.gets - before) / 20) / 10);
    }
    expect(moved[0]).toBe(0);
    expect(moved[1]).toBeGreaterThan(0.15);
    expect(moved[1]).toBeLessThan(0.35);
    expect(moved[2]).toBeGreaterThan(0.4);
    expect(moved[2]).toBeLessThan(0.6);
    expect(moved[3]).toBe(1);
  });

  test('counts gets and hits of each pool, and tells what comes next', async () => {
    const bench = migrationAt(hour / 2);
    await bench.ask(setOf('k', 'v'));
    for (const key of ['k', 'k', 'none']) await bench.ask({ kind: 'get', key });
    expect(bench.store.stats()).toMatchObject({
      stage: 'mirror',
      next: { stage: 'populate', at: new Date(bench.runtime.clock.wall() + hour / 2) },
      from: { gets: 3, hits: 2 },
      to: { gets: 0, hits: 0 },
    });
    await bench.at(begins.readTo);
    await bench.ask({ kind: 'get', key: 'k' });
    expect(bench.store.stats()).toMatchObject({ stage: 'read-to', to: { gets: 1, hits: 0 } });
    await bench.at(begins.onlyTo);
    expect(bench.store.stats().next).toBeUndefined();
  });

  test('tells of each stage once, by the wall clock, and of none after it is closed', async () => {
    const told: unknown[] = [];
    const listen = (message: unknown): unknown => told.push(message);
    subscribe('cistern:migration-stage', listen);
    try {
      const bench = migrationAt(-hour, { name: 'move' });
      await bench.at(hour + 1);
      expect(told).toEqual([
        { store: 'move', before: 'only-from', stage: 'mirror' },
        { store: 'move', before: 'mirror', stage: 'populate' },
      ]);
      await bench.store.close();
      await bench.runtime.advance(10 * hour);
      expect(told.length).toBe(2);
    } finally {
      unsubscribe('cistern:migration-stage', listen);
    }
  });

  test('says where a record is kept in both pools, and how it is changed', () => {
    const bench = migrationAt(hour / 2);
    const operation = { kind: 'get', key: 'shop:~record', copy: 1, deadline: 1 } as const;
    const kinds = (asked: Operation): string[] =>
      bench.store.destinations!(asked).map(
        (each) => `${each.role} ${each.operation.kind} ${each.store.name}`,
      );
    expect(kinds(operation)).toEqual(['first get b', 'also get a']);
    const set = { ...setOf(operation.key, 'r'), copy: 1, deadline: 1 } as Operation;
    expect(kinds(set)).toEqual(['first set a', 'share delete b']);
    expect(kinds({ ...set, cas: '1:7' } as Operation)).toEqual(['first delete a', 'share set b']);
  });

  test('a migration of a migration keeps the CAS values of all pools apart', async () => {
    const { runtime, stores } = world(3);
    const [a, b, c] = stores as readonly [Migrating, Migrating, Migrating];
    const of = (from: Migrating, to: Migrating, stage: (typeof stages)[number]): Migrating =>
      migrating({ from, to, runtime, status: false, ...scheduleIn(stage, runtime) });
    const store = of(of(a, b, 'read-to'), c, 'mirror');
    const won = await ask(runtime, store, { kind: 'get', key: 'k', lease: 30_000 });
    expect(won).toMatchObject({ kind: 'miss', lease: 'won' });
    const filled = await ask(runtime, store, setOf('k', 'v', { cas: (won as { cas: string }).cas }));
    expect(filled.kind).toBe('stored');
    for (const pool of stores) expect(said(await ask(runtime, pool, { kind: 'get', key: 'k' }))).toBe('v');
  });

  test.each([
    ['no options', undefined],
    ['an unknown option', { colour: 'red' }],
    ['no pool', { from: undefined }],
    ['what is no pool', { to: {} }],
    ['no table', { schedule: undefined }],
    ['a bad name', { name: 'a b' }],
    ['a long name', { name: 'a'.repeat(33) }],
    ['no copies at all', { copiesAtOnce: 0 }],
    ['a status that is none', { status: true }],
    ['no slots', { status: { slots: 0 } }],
    ['a name of a process that cannot be stored', { status: { process: 'a\nb' } }],
    ['too short an interval', { status: { interval: 10 } }],
  ])('refuses %s', (_what, wrong) => {
    const runtime = fakeRuntime({ seed: 1 });
    const good = {
      from: memory({ runtime }),
      to: memory({ runtime }),
      runtime,
      ...scheduleIn('mirror', runtime),
    };
    const options = (wrong === undefined ? undefined : { ...good, ...wrong }) as MigratingOptions;
    expect(() => migrating(options)).toThrow(expect.objectContaining({ code: 'CISTERN_OPTION' }));
    expect(runtime.timers).toBe(0);
  });

  test('refuses one store as both pools, but not two pools that place keys alike', () => {
    const { runtime, wires } = world(2);
    const [from, to] = wires;
    const make = (options: object): Migrating =>
      migrating({ from: from!, to: to!, runtime, ...scheduleIn('mirror', runtime), ...options });
    expect(() => make({ to: from })).toThrow("another store than 'from'");
    from!.salt = to!.salt = 'same';
    expect(() => make({})).not.toThrow();
  });
});

test('a wall clock that is set back by no more than the skew is not followed, one that was wrong is', () => {
  let wall = 1_000_000;
  const clock = { tick: 0, wholeTick: 0, read: () => (clock.tick = 1), wall: () => wall };
  const time = new LocalTime(clock, skew);
  const at = (now: number): number => {
    wall = now;
    return time.now();
  };
  expect(at(1_000_000)).toBe(1_000_000);
  expect(at(1_000_000 - skew)).toBe(1_000_000);
  expect(at(1_000_001)).toBe(1_000_001);
  expect(at(1_000_000 - skew)).toBe(1_000_000 - skew);
  expect(time.about()).toBe(1_000_000 - skew);
  wall = 2_000_000;
  expect(time.about()).toBe(1_000_000 - skew);
  clock.tick = 2;
  expect(time.about()).toBe(2_000_000);
});
