import { describe, expect, test } from 'vitest';
import { skewedRuntime } from '../../../test/migration/skewed-runtime.ts';
import { hour, migrationAt } from '../../../test/routes/migration-bench.ts';
import { setOf, world } from '../../../test/routes/wire.ts';
import { type Migrating, migrating } from './migrating.ts';
import { readStatuses, statusKey } from './status-board.ts';

describe('the status of processes', () => {
  function fleet(
    count: number,
    slots: number,
  ): {
    readonly runtime: ReturnType<typeof world>['runtime'];
    readonly stores: readonly Migrating[];
    readonly statuses: () => ReturnType<typeof readStatuses>;
    readonly wires: ReturnType<typeof world>['wires'];
  } {
    const { runtime, wires, stores: pools } = world(2);
    const start = runtime.clock.wall();
    // One process that ends does not end the pools.
    for (const wire of wires) wire.close = async () => undefined;
    const stores = Array.from({ length: count }, (_, index) =>
      migrating({
        from: wires[0]!,
        to: wires[1]!,
        name: 'move',
        skew: '1s',
        schedule: [
          { stage: 'mirror', at: start + 60_000 },
          { stage: 'read-to', at: start + 120_000 },
        ],
        status: { process: `p${index}`, slots, interval: '10s' },
        runtime: skewedRuntime(runtime, () => (index === 0 ? 900 : 0)),
      }),
    );
    const [from, to] = pools;
    const statuses = async (): ReturnType<typeof readStatuses> =>
      await runtime.until(readStatuses('move', { from: from!, to: to! }, runtime, slots));
    return { runtime, stores, statuses, wires };
  }

  test('is told soon, then now and then, in the pool that is read, with what has happened since', async () => {
    const { runtime, stores, statuses, wires } = fleet(2, 256);
    await runtime.advance(1000);
    const { processes, failed } = await statuses();
    expect(failed).toEqual([]);
    expect(processes).toMatchObject([
      { process: 'p0', stage: 'only-from', from: { gets: 0 }, unfinished: 0, interval: 10_000 },
      { process: 'p1', stage: 'only-from' },
    ]);
    expect(processes[0]!.table).toBe(processes[1]!.table);
    expect(processes[0]!.age).toBeLessThan(1000);
    expect(processes[0]!.wall + processes[0]!.age).toBe(runtime.clock.wall() + 900);
    for (let get = 0; get < 5; get++)
      await runtime.until(stores[0]!.execute({ kind: 'get', key: 'k', deadline: Number.MAX_VALUE }));
    await runtime.advance(10_000);
    expect((await statuses()).processes[0]!.from).toEqual({ gets: 5, hits: 0 });
    await runtime.advance(10_000);
    expect((await statuses()).processes[0]!.from).toEqual({ gets: 0, hits: 0 });
    await runtime.advance(100_000);
    wires[0]!.down();
    wires[0]!.asked.length = 0;
    await runtime.advance(10_000);
    expect((await statuses()).processes.map((each) => each.stage)).toEqual(['read-to', 'read-to']);
    expect(wires[0]!.asked).toEqual([]);
  });

  test('has a slot for each, and is gone when it is not renewed', async () => {
    const { runtime, stores, statuses } = fleet(6, 8);
    await runtime.advance(60_000);
    expect((await statuses()).processes.map((each) => each.process)).toEqual([
      'p0',
      'p1',
      'p2',
      'p3',
      'p4',
      'p5',
    ]);
    for (const store of stores.slice(1)) await runtime.until(store.close());
    await runtime.advance(31_000);
    expect((await statuses()).processes.map((each) => each.process)).toEqual(['p0']);
  });

  test('says which pool did not answer, and reads nothing into what is no status', async () => {
    const bench = migrationAt(hour / 2);
    for (const [slot, value] of ['{', 'null', '{"process":"x"}', '[]'].entries())
      await bench.askFrom(setOf(statusKey('move', slot), value));
    bench.to.down();
    const read = readStatuses('move', { from: bench.from, to: bench.to }, bench.runtime, 8);
    expect(await bench.runtime.until(read)).toEqual({ processes: [], failed: ['to'] });
  });

  test('is written again and again, whatever the pool does', async () => {
    const { runtime, statuses, wires } = fleet(1, 8);
    wires[0]!.execute = async () => await Promise.reject(new Error('broken'));
    await runtime.advance(30_000);
    Reflect.deleteProperty(wires[0]!, 'execute');
    await runtime.advance(10_000);
    expect((await statuses()).processes.length).toBe(1);
  });
});
