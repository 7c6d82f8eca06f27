import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import type { Events } from '../../../src/core/events.ts';
import { rendezvous } from '../../../src/routes/placement/rendezvous.ts';
import type { Member } from '../../../src/routes/server-list/server-list.ts';
import { Fleet, type FleetProcess, memberOf } from './fleet.ts';

const members = (...ids: readonly string[]): Member[] => ids.map((id) => memberOf(id));

/** A key that belongs to one server in one ring, and to another in the other. */
function keyOf(before: readonly Member[], from: string, after: readonly Member[], to: string): string {
  const [old, young] = [rendezvous.make(before, ''), rendezvous.make(after, '')];
  for (let number = 0; ; number++) {
    const key = `key:${number}`;
    if (before[old.place(key)]!.id === from && after[young.place(key)]!.id === to) return key;
  }
}

const two = members('a', 'b');
const three = members('a', 'b', 'c');

/** Processes that use these rings, all of them at rest. */
async function running(
  fleet: Fleet,
  ...rings: readonly (readonly Member[])[]
): Promise<readonly FleetProcess[]> {
  const processes: FleetProcess[] = [];
  for (const ring of rings) {
    processes.push(fleet.start(ring));
    await fleet.runtime.advance(300);
  }
  return processes;
}

const ids = (list: readonly Member[]): string[] => list.map(({ id }) => id);

describe('the records of servers', () => {
  test('tell who is in the ring, and an unchanged ring writes nothing', async () => {
    const fleet = new Fleet({ seed: 1 });
    const [first] = await running(fleet, three);
    const records = fleet.servers.map((server) => server.record);
    expect(records.map((record) => record.members)).toEqual([ids(three), ids(three), ids(three)]);
    await running(fleet, three.toReversed(), three);
    await fleet.runtime.until(first!.store.close());
    expect(fleet.servers.map((server) => server.record)).toEqual(records);
    expect(fleet.servers.map((server) => server.renewals)).toEqual([0, 0, 0]);
  });

  test('a change renews those who come, once per process, and nobody else', async () => {
    const fleet = new Fleet({ seed: 1 });
    const processes = await running(fleet, two, two, two);
    for (const each of processes) {
      each.list.set(three);
      await fleet.runtime.advance(300);
    }
    expect(fleet.servers.map(({ id, renewals }) => [id, renewals])).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 3],
    ]);
    for (const each of processes) each.list.set(two);
    await fleet.runtime.advance(300);
    expect(fleet.servers.map(({ renewals }) => renewals)).toEqual([0, 0, 3]);
    const [a, , c] = fleet.servers;
    expect([...a!.record.departed.keys()]).toEqual(['c']);
    // The one that has left is told, too.
    expect(c!.record.members).toEqual(['a', 'b']);
  });

  test('who came back before is not renewed again because another one comes back that knows nothing of it', async () => {
    const fleet = new Fleet({ seed: 1 });
    const four = members('a', 'b', 'c', 'd');
    const processes = await running(fleet, four, four);
    for (const ring of [members('a', 'b', 'd'), two, three, four])
      for (const each of processes) {
        each.list.set(ring);
        await fleet.runtime.advance(300);
      }
    expect(fleet.servers.map(({ id, renewals }) => [id, renewals])).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 2],
      ['d', 2],
    ]);
  });

  test('another weight is another server: it is renewed, and the others write down a departure', async () => {
    const fleet = new Fleet({ seed: 1 });
    const [process] = await running(fleet, two);
    process!.list.set([memberOf('a'), memberOf('b', 2)]);
    await fleet.runtime.advance(300);
    const [a, b] = fleet.servers;
    expect([a!.renewals, b!.renewals]).toEqual([0, 1]);
    expect(a!.record.members).toEqual(['a', 'b*2']);
    expect([...a!.record.departed.keys()]).toEqual(['b']);
  });

  test('a server that was restarted learns who is in the ring', async () => {
    const fleet = new Fleet({ seed: 1 });
    const [process] = await running(fleet, two);
    fleet.server('a').restart();
    await fleet.runtime.advance(300);
    await fleet.runtime.until(process!.peek(keyOf(two, 'a', two, 'a')));
    await fleet.runtime.advance(300);
    expect(fleet.server('a').record.members).toEqual(['a', 'b']);
    expect(fleet.servers.map(({ renewals }) => renewals)).toEqual([0, 0]);
  });
});

describe('names', () => {
  /** Rings as they follow each other; after each of them the source is changed, and the key read. */
  async function follow(key: string, rings: readonly (readonly Member[])[]): Promise<void> {
    const fleet = new Fleet({ seed: 1 });
    const { runtime } = fleet;
    const [process] = await running(fleet, rings[0]!);
    for (const ring of rings) {
      process!.list.set(ring);
      await runtime.advance(300);
      expect([undefined, fleet.source.get(key)]).toContain(await runtime.until(process!.peek(key)));
      await runtime.until(process!.write(key));
      await runtime.until(process!.read(key));
      expect(await runtime.until(process!.peek(key))).toBe(fleet.source.get(key));
    }
  }

  test('of several who left it is the latest that counts: the one before may have been there and gone again', async () => {
    const key = keyOf(three, 'c', two, 'b');
    const order = rendezvous
      .make(three, '')
      .order(key, 3)
      .map((index) => three[index]!.id);
    expect(order).toEqual(['c', 'b', 'a']);
    const [last, middle] = [members('a'), two];
    await follow(key, [
      three,
      middle,
      last,
      middle,
      last,
      three,
      last,
      middle,
      last,
      members('a', 'c'),
      last,
    ]);
  });

  test('a server that was never away keeps its names through all changes of others', async () => {
    const fleet = new Fleet({ seed: 1 });
    const { runtime } = fleet;
    const [process] = await running(fleet, three);
    const key = keyOf(members('a', 'b', 'c', 'd', 'e'), 'a', three, 'a');
    await runtime.until(process!.read(key));
    for (const ring of [two, members('a', 'd'), members('a', 'b', 'c', 'd', 'e'), members('a'), three]) {
      process!.list.set(ring);
      await runtime.advance(300);
      expect(await runtime.until(process!.peek(key))).toBe(0);
    }
  });
});

describe('until it is confirmed', () => {
  test('a server that comes serves nothing, and then what was invalidated meanwhile is removed', async () => {
    const fleet = new Fleet({ seed: 1 });
    const [process] = await running(fleet, two);
    const { runtime } = fleet;
    const key = keyOf(two, 'a', three, 'c');
    process!.unwritten.add('c');
    process!.list.set(three);
    await runtime.advance(1000);
    expect((await runtime.until(process!.ask({ kind: 'get', key }))).kind).toBe('failed');
    await runtime.until(process!.write(key));
    process!.unwritten.clear();
    await runtime.advance(6000);
    expect((await runtime.until(process!.ask({ kind: 'get', key }))).kind).toBe('miss');
    expect(process!.idle).toBe(true);
  });

  test('keys of one that has left are not served by the others; all else is', async () => {
    const fleet = new Fleet({ seed: 1 });
    const [process] = await running(fleet, three);
    const { runtime } = fleet;
    const [moved, kept] = [keyOf(three, 'c', two, 'a'), keyOf(three, 'a', two, 'a')];
    process!.unwritten.add('a');
    process!.list.set(two);
    await runtime.advance(1000);
    expect((await runtime.until(process!.ask({ kind: 'get', key: moved }))).kind).toBe('failed');
    expect((await runtime.until(process!.ask({ kind: 'get', key: kept }))).kind).toBe('miss');
    process!.unwritten.clear();
    await runtime.advance(6000);
    expect((await runtime.until(process!.ask({ kind: 'get', key: moved }))).kind).toBe('miss');
  });

  test('with a placement that moves all keys no server is asked before it is renewed', async () => {
    const fleet = new Fleet({ seed: 1, options: { placement: 'modulo' } });
    const [process] = await running(fleet, three);
    const { runtime } = fleet;
    process!.unwritten.add('a');
    process!.list.set(two);
    await runtime.advance(1000);
    const kinds = new Set<string>();
    for (let number = 0; number < 20; number++) {
      const [where] = process!.store.destinations!({ kind: 'get', key: `k${number}`, deadline: 1 });
      const reply = await runtime.until(process!.ask({ kind: 'get', key: `k${number}` }));
      kinds.add(`${where!.store.name} ${reply.kind}`);
    }
    expect([...kinds].toSorted()).toEqual(['a failed', 'b miss']);
    expect(fleet.server('b').renewals).toBe(1);
  });

  test('a copy of a record waits only for the departure that brought it among the copies', async () => {
    const fleet = new Fleet({ seed: 1 });
    const five = members('a', 'b', 'c', 'd', 'e');
    const [process] = await running(fleet, five);
    const { runtime } = fleet;
    const order = (key: string): string =>
      rendezvous
        .make(five, '')
        .order(key, 5)
        .map((index) => five[index]!.id)
        .join('');
    const keyWith = (wanted: RegExp): string => {
      for (let number = 0; ; number++) if (wanted.test(order(`key:${number}`))) return `key:${number}`;
    };
    for (const { id } of five) process!.unwritten.add(id);
    process!.list.set(members('a', 'b', 'd', 'e'));
    await runtime.advance(1000);
    const kinds = async (key: string): Promise<string[]> =>
      await Promise.all(
        [0, 1, 2].map(async (copy) => (await runtime.until(process!.ask({ kind: 'get', key, copy }))).kind),
      );
    // Of the three copies the last is on a server that had none before; the others stay as they are.
    expect(await kinds(keyWith(/^c/))).toEqual(['miss', 'miss', 'failed']);
    expect(await kinds(keyWith(/^..c/))).toEqual(['miss', 'miss', 'failed']);
    expect(await kinds(keyWith(/^...c/))).toEqual(['miss', 'miss', 'miss']);
  });
});

describe('two rings in use', () => {
  test('a process that goes by the old ring is noticed, told of, and what differs is not kept', async () => {
    const told: Events['servers'][] = [];
    const listener = (message: unknown): void => void told.push(message as Events['servers']);
    subscribe('cistern:servers', listener);
    const fleet = new Fleet({ seed: 1 });
    const { runtime } = fleet;
    const [old, young] = await running(fleet, two, three);
    const key = keyOf(two, 'a', three, 'c');
    const other = keyOf(two, 'a', three, 'a');
    for (let round = 1; round < 12; round++) {
      await runtime.until(old!.read(key));
      await runtime.until(young!.read(key));
      await runtime.until((round % 2 === 0 ? old! : young!).write(key));
      for (let tick = 0; tick < 20; tick++) {
        await runtime.advance(400);
        await Promise.all([old!, young!].map(async (each) => await runtime.until(each.peek(other))));
      }
      for (const each of [old!, young!])
        expect([undefined, round]).toContain(await runtime.until(each.peek(key)));
    }
    expect(old!.list.looks).toBeGreaterThan(3);
    unsubscribe('cistern:servers', listener);
    const errors = told.map(({ error }) => error as (Error & { code?: string }) | undefined);
    expect(errors.every((error) => error?.code === 'CISTERN_MEMBERS')).toBe(true);
    expect(errors.length).toBeGreaterThan(3);
  });

  test('one that is announced late is renewed once more: a process may have ended that knew of nothing', async () => {
    const fleet = new Fleet({ seed: 1 });
    const { runtime } = fleet;
    const [one, both] = [members('a'), members('a', 'c')];
    const key = keyOf(one, 'a', both, 'c');
    const [old] = await running(fleet, one);
    const young = fleet.start(both);
    young.unwritten.add('a');
    await runtime.advance(1000);
    await runtime.until(young.read(key));
    expect(await runtime.until(young.peek(key))).toBe(0);
    await runtime.until(old!.write(key));
    await runtime.until(old!.store.close());
    expect(fleet.server('a').record.members).toEqual(['a']);
    young.unwritten.clear();
    await runtime.advance(8000);
    expect(fleet.server('a').record.members).toEqual(['a', 'c']);
    expect(await runtime.until(young.peek(key))).toBe(undefined);
  });
});

test('more departures than a record holds: the servers are renewed, and nothing old is told', async () => {
  const fleet = new Fleet({ seed: 1 });
  const { runtime } = fleet;
  const [process] = await running(fleet, members('a', 'z0'));
  for (let number = 1; number <= 20; number++) {
    process!.list.set(members('a', `z${number}`));
    await runtime.advance(300);
  }
  expect(fleet.server('a').renewals).toBe(1);
  expect(fleet.server('a').record.departed.size).toBeLessThan(17);
});

describe('misses', () => {
  const count = 4000;
  const keys = Array.from({ length: count }, (_, index) => `key:${index}`);
  const all = Array.from({ length: 10 }, (_, index) => memberOf(`s${index}`));

  /** How many reads of all keys miss, in the process that is asked. */
  async function misses(fleet: Fleet, process: FleetProcess): Promise<number> {
    let missed = 0;
    for (let from = 0; from < count; from += 50) {
      const some = keys.slice(from, from + 50);
      const kinds = await fleet.runtime.until(Promise.all(some.map(async (key) => await process.read(key))));
      missed += kinds.filter((kind) => kind === 'miss').length;
    }
    return missed;
  }

  test.each([
    ['all at once', 0],
    ['within half a second', 500],
  ])('a change costs at most 1.2 K/N: three processes that change %s', async (_, spread) => {
    const fleet = new Fleet({ seed: 5, delay: 1, loadTime: 2 });
    const { runtime } = fleet;
    const processes = await running(fleet, all, all, all);
    await misses(fleet, processes[0]!);
    const costs: number[] = [];
    for (let change = 0; change < 10; change++) {
      const gone = change % 2 === 0 ? all.filter((each) => each.id !== `s${change}`) : all;
      for (const [index, each] of processes.entries())
        runtime.after((index * spread) / 2, () => each.list.set(gone));
      await runtime.advance(spread + 300);
      costs.push(await misses(fleet, processes[change % 3]!));
      await runtime.advance(300);
    }
    expect(Math.max(...costs)).toBeLessThan((1.2 * count) / 9);
    expect(Math.min(...costs)).toBeGreaterThan((0.8 * count) / 10);
  });
});
