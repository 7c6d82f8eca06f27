import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Files } from '../../src/core/runtime.ts';
import { encodeLine } from '../../src/routes/journal/journal-line.ts';
import { Journal } from '../../src/routes/journal/journal.ts';
import { fakeRuntime } from '../../src/testing/fake-runtime.ts';
import {
  because,
  begin,
  contentOf,
  endAll,
  keys,
  linesOf,
  lose,
  path,
  remove,
  Server,
  Told,
} from './journal-life.ts';

const told = new Told();
beforeEach(() => told.begin());
afterEach(async () => {
  told.end();
  await endAll();
});

test('a record is in the file before its caller is answered; all of one turn in one piece', async () => {
  const appended: number[] = [];
  const life = await begin(undefined, {}, {});
  const { files } = life.runtime;
  const append = files.append.bind(files);
  (files as { append: Files['append'] }).append = async (to, bytes) => {
    appended.push(bytes.length);
    await append(to, bytes);
  };
  const waiting = ['k', 'l', 'm'].map(async (key) => {
    await life.a.failed(remove(key), 'no', because);
    expect(Buffer.from(contentOf(life)).toString()).toContain(`"${key}"`);
    return key;
  });
  expect(await life.runtime.until(Promise.all(waiting))).toEqual(['k', 'l', 'm']);
  expect(appended).toHaveLength(1);
});

test('what a killed process has left is closed at once, and repaired by the next one', async () => {
  const first = await begin();
  first.servers.b.up = true;
  await first.runtime.until(
    Promise.all([
      first.a.failed(remove('k', { routingKey: 'r', copy: 2 }), 'no', because),
      first.a.failed(remove('l'), 'unknown', because),
      first.b.failed(remove('k'), 'no', because),
    ]),
  );
  await first.runtime.advance(1000);
  expect([first.a.size, first.b.size]).toEqual([2, 0]);

  const second = await begin(contentOf(first));
  expect([second.a.closes('k'), second.a.closes('l'), second.b.closes('k')]).toEqual([true, true, false]);
  second.servers.a.up = true;
  await second.runtime.advance(1000);
  expect(second.servers.a.removed).toEqual([
    expect.objectContaining({ key: 'k', routingKey: 'r', copy: 2, applied: 'no', kind: 'delete' }),
    expect.objectContaining({ key: 'l', routingKey: undefined, applied: 'unknown' }),
  ]);
  expect(second.servers.b.removed).toEqual([]);

  const third = await begin(contentOf(second));
  expect([third.a.size, third.b.size]).toEqual([0, 0]);
  expect(told.states).not.toContain('damaged');
});

test('until the file is read nothing is repaired, and what is lost meanwhile is newer than what it says', async () => {
  const first = await begin();
  await first.runtime.until(first.a.failed(remove('k', { routingKey: 'old' }), 'no', because)!);
  const runtime = fakeRuntime({ seed: 3 });
  runtime.disk.set(path, contentOf(first));
  const journal = new Journal('main', { path }, runtime);
  const server = new Server();
  server.up = true;
  const a = journal.join('a', server);
  const written = a.failed(remove('k', { routingKey: 'new' }), 'no', because)!;
  a.up();
  expect(server.removed).toEqual([]);
  await runtime.until(Promise.all([journal.ready, written]));
  await runtime.advance(1000);
  expect(server.removed.map((each) => each.routingKey)).toEqual(['new']);
  await runtime.until(journal.close());
});

test('a server that waits for a new incarnation still does after a restart', async () => {
  const first = await begin(undefined, { maxEntries: 2 });
  await lose(first, first.a, ['k', 'l', 'm', 'n']);
  expect(first.a.fencing).toBe(true);
  const second = await begin(contentOf(first), { maxEntries: 2 });
  expect([second.a.fencing, second.servers.a.held, second.b.fencing]).toEqual([true, true, false]);
  second.servers.a.up = true;
  await second.runtime.advance(1000);
  expect([second.servers.a.renewals, second.servers.a.held]).toEqual([1, false]);
  const third = await begin(contentOf(second));
  expect(third.a.fencing).toBe(false);
});

test('a file with more than there is room for is no way around the limits', async () => {
  const first = await begin();
  await lose(first, first.a, keys(50));
  const second = await begin(contentOf(first), { maxEntries: 10 });
  expect(second.journal.statistics()).toMatchObject({ pending: 0, servers: [{ fencing: true }, {}] });
});

describe('a file that grows', () => {
  test('is written anew when most of it is settled, and says the same', async () => {
    const life = await begin();
    const { runtime, a, servers } = life;
    for (let round = 0; round < 60; round++) {
      servers.a.up = true;
      await lose(life, a, keys(100));
      a.up();
      await runtime.settle();
    }
    servers.a.up = false;
    await lose(life, a, keys(7, 'left'));
    const { file } = life.journal.statistics();
    expect(file).toEqual({ path, bytes: contentOf(life).length, writable: true });
    expect(file!.bytes).toBeLessThan(300_000);
    const next = await begin(contentOf(life));
    expect(next.a.size).toBe(7);
    // A restart leaves nothing but what is owed.
    await next.runtime.settle();
    expect(linesOf(contentOf(next))).toHaveLength(8);
  });

  test('what is lost and repaired while it is written anew is in it all the same', async () => {
    const writes: (() => void)[] = [];
    const life = await begin();
    const { runtime, a } = life;
    const draft = runtime.files.draft.bind(runtime.files);
    (runtime.files as { draft: Files['draft'] }).draft = async (to) => {
      const made = await draft(to);
      const step = (): Promise<void> => new Promise((resolve) => void writes.push(resolve));
      return {
        write: async (bytes) => {
          await step();
          await made.write(bytes);
        },
        commit: async () => {
          await step();
          await made.commit();
        },
        discard: () => made.discard(),
      };
    };
    // Most of the file is settled, so it is written anew in steps, and at each step something happens.
    const long = 'x'.repeat(200);
    await lose(life, life.b, keys(400, long));
    await lose(life, a, keys(900, long));
    life.servers.a.up = true;
    a.up();
    let steps = 0;
    for (let quiet = 0; quiet < 5;) {
      await runtime.settle();
      const next = writes.shift();
      if (next === undefined) quiet++;
      else {
        void life.b.failed(remove(`during ${steps++}`), 'no', because);
        next();
      }
    }
    expect(steps).toBeGreaterThan(2);
    const next = await begin(contentOf(life));
    expect([next.a.size, next.b.size]).toEqual([0, 400 + steps]);
  });
});

describe('a file that cannot be written', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

  test('is told of once; everything goes on in memory, and is in the file as soon as there is space', async () => {
    let space = true;
    const life = await begin();
    const { runtime, a } = life;
    const files = runtime.files as { append: Files['append']; draft: Files['draft'] };
    const append = files.append.bind(files);
    const draft = files.draft.bind(files);
    files.append = async (to, bytes) => {
      if (space) return await append(to, bytes);
      // As much as there is room for.
      await append(to, bytes.subarray(0, 20));
      throw full;
    };
    files.draft = async (to) => {
      if (space) return await draft(to);
      throw full;
    };
    await runtime.until(a.failed(remove('before'), 'no', because)!);
    space = false;
    await runtime.until(a.failed(remove('k'), 'no', because)!);
    await runtime.until(Promise.resolve(a.failed(remove('l'), 'no', because)));
    expect(told.states).toEqual(['unwritable']);
    expect(told.events.find((each) => each.state === 'unwritable')!.error).toBe(full);
    expect(life.journal.statistics()).toMatchObject({ pending: 3, file: { writable: false } });
    const killed = await begin(contentOf(life));
    expect(killed.a.size).toBe(1);
    told.clear();
    await runtime.advance(60_000);
    expect(told.states).toEqual([]);
    space = true;
    await runtime.advance(31_000);
    expect(told.states).toEqual(['writable']);
    await runtime.until(a.failed(remove('m'), 'no', because)!);
    const next = await begin(contentOf(life));
    expect(['before', 'k', 'l', 'm'].map((key) => next.a.closes(key))).toEqual([true, true, true, true]);
    expect(next.a.size).toBe(4);
    expect(told.states).toEqual(['writable']);
  });

  test('nor answers: callers wait a second at most', async () => {
    const life = await begin(undefined, {}, { append: () => new Promise(() => undefined) });
    const before = life.runtime.clock.read();
    await life.runtime.until(life.a.failed(remove('k'), 'no', because)!);
    expect(life.runtime.clock.read() - before).toBeLessThanOrEqual(1001);
    await life.runtime.until(life.journal.close());
    expect(life.runtime.clock.read() - before).toBeLessThanOrEqual(2002);
    expect(() => life.runtime.files.lock(path)).not.toThrow();
  });
});

describe('one file, one process', () => {
  test('another journal is refused with the path and the reason', async () => {
    const life = await begin();
    expect(() => new Journal('main', { path }, life.runtime)).toThrow(
      `The journal '${path}' is in use by this process already. Give each process a path of its own`,
    );
    await life.runtime.until(life.journal.close());
    const again = new Journal('main', { path }, life.runtime);
    await life.runtime.until(Promise.all([again.ready, again.close()]));
  });

  test('one whose lock was taken over writes nothing any more, and says so', async () => {
    let held = true;
    const life = await begin(
      undefined,
      {},
      {
        lock: () => ({ held: async () => held, release: () => undefined }),
      },
    );
    await life.runtime.until(life.a.failed(remove('k'), 'no', because)!);
    const before = contentOf(life);
    held = false;
    await life.runtime.until(life.a.failed(remove('l'), 'no', because)!);
    await life.runtime.until(Promise.resolve(life.a.failed(remove('m'), 'no', because)));
    expect(contentOf(life)).toEqual(before);
    expect(told.states).toEqual(['taken-over']);
    expect([life.a.size, life.journal.statistics().file!.writable]).toEqual([3, false]);
  });
});

test('closing writes what was just lost', async () => {
  const life = await begin();
  void life.a.failed(remove('k'), 'no', because);
  await life.runtime.until(life.journal.close());
  const next = await begin(contentOf(life));
  expect(next.a.closes('k')).toBe(true);
});

test('a disk that hangs: the same keys lost again and again take no more memory, and the file has them once it goes on', async () => {
  const life = await begin();
  const { files } = life.runtime;
  const held = Promise.withResolvers<void>();
  const append = files.append.bind(files);
  let lines = 0;
  (files as { append: Files['append'] }).append = async (to, bytes) => {
    lines += linesOf(bytes).length;
    await held.promise;
    await append(to, bytes);
  };
  let answered = 0;
  for (let round = 0; round < 300; round++) {
    for (let key = 0; key < 100; key++)
      void life.a.failed(remove(`k${key}`), 'no', because)?.then(() => answered++);
    await life.runtime.advance(1);
  }
  await life.runtime.advance(1000);
  expect(answered).toBe(30_000);
  held.resolve();
  await life.runtime.advance(10);
  expect(lines).toBeLessThan(12_000);
  const next = await begin(contentOf(life));
  expect(next.a.size).toBe(100);
});

test('a clock that was wrong by years loses nothing', async () => {
  for (const since of [0, 10 ** 13]) {
    const lost = {
      key: 'k',
      kind: 'delete',
      applied: 'no',
      since,
      routingKey: undefined,
      copy: undefined,
    } as const;
    const text = encodeLine({ says: 'header' }) + encodeLine({ says: 'lost', server: 'a', lost });
    const life = await begin(Buffer.from(text));
    expect(life.a.closes('k')).toBe(true);
  }
});
