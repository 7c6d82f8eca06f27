import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cache, type Cistern, cistern, type CisternOptions } from '../../src/index.ts';
import type { Files } from '../../src/core/runtime.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing.ts';
import { codeOf } from './fleet.ts';
import { path, Restart } from './restart.ts';

type Users = Cache<number, string>;

function define(shop: Cistern, answer: string, more: object = {}): Users {
  const spans = { ttl: '1h', staleIfError: '1h', staleWhileRevalidate: '1h', jitter: 0 } as const;
  return shop.define('user', { load: (id: number): string => `${answer} ${id}`, ...spans, ...more });
}

/** A file with the users 0 to `count`, and the next process, whose file operations go on when the test lets them. */
async function saved(count: number, options: Partial<CisternOptions> = {}) {
  const before = new Restart();
  const users = define(before.shop, 'saved');
  for (let id = 0; id < count; id++) await users.set(id, `saved ${id}`);
  await before.save();
  const { shop, runtime } = before.next(options);
  const gate = new Gate(runtime);
  return { shop, runtime, gate, users: define(shop, 'loaded') };
}

/** Holds up each access to an open file until the test lets it through. */
class Gate {
  readonly #waiting: (() => void)[] = [];

  constructor(runtime: FakeRuntime) {
    const { files } = runtime;
    const open: Files['open'] = async (name) => {
      const file = await files.open(name);
      return (
        file && {
          ...file,
          read: async (from, length) => {
            await new Promise<void>((resolve) => void this.#waiting.push(resolve));
            return await file.read(from, length);
          },
        }
      );
    };
    (runtime as { files: Files }).files = { ...files, open };
  }

  /** One step: false if nobody waits. */
  step(): boolean {
    const next = this.#waiting.shift();
    next?.();
    return next !== undefined;
  }
}

describe('a restore never brings back what is older than', () => {
  /** Each change at each step of the restore: the answer must be what it is without a restore. */
  const changes: Record<string, { change: (users: Users, shop: Cistern) => unknown; answer: string }> = {
    'a delete': { change: async (users) => await users.delete(7), answer: 'loaded 7' },
    'a set': { change: async (users) => await users.set(7, 'written'), answer: 'written' },
    'a set that was deleted': {
      change: async (users) => {
        await users.set(7, 'written');
        await users.delete(7);
      },
      answer: 'loaded 7',
    },
    'a clear': { change: async (users) => await users.clear(), answer: 'loaded 7' },
    'a write': { change: async (users) => await users.mutate(7, () => undefined), answer: 'loaded 7' },
    'a load': { change: async (users) => await users.refresh(7), answer: 'loaded 7' },
    'a load that was evicted': {
      change: async (users, shop) => {
        await users.refresh(7);
        shop.resizeNear({ maxEntries: 1 });
        await users.set(1_000_000, 'other');
        shop.resizeNear({ maxEntries: 1000 });
      },
      answer: 'loaded 7',
    },
  };

  for (const [name, { change, answer }] of Object.entries(changes)) {
    test(`${name}, whenever it comes`, async () => {
      for (let when = 0; ; when++) {
        const { shop, runtime, gate, users } = await saved(20);
        const restoring = shop.restoreNear(path);
        let steps = 0;
        let over = false;
        void restoring.finally(() => (over = true));
        while (!over) {
          if (steps++ === when) await change(users, shop);
          gate.step();
          await runtime.settle();
        }
        if (steps <= when) break;
        if (name === 'a load that was evicted' && users.peek(7) === undefined) await users.refresh(7);
        expect([when, await users.get(7)]).toEqual([when, answer]);
        if (name !== 'a clear' && name !== 'a load that was evicted')
          expect(await users.get(8)).toBe('saved 8');
      }
    });
  }

  test('an expire: the old value is answered once more, if it came back before, and then reloaded', async () => {
    for (let when = 0; when < 8; when++) {
      const { shop, runtime, gate, users } = await saved(20);
      const restoring = shop.restoreNear(path);
      for (let step = 0; step < 30; step++) {
        if (step === when) await users.expire(7);
        gate.step();
        await runtime.settle();
      }
      await restoring;
      const entry = await users.entry(7);
      expect([when, entry.status === 'stale' ? 'saved 7' : 'loaded 7']).toEqual([when, entry.value]);
      await runtime.settle();
      expect(await users.get(7)).toBe('loaded 7');
    }
  });

  test('changes in the midst of it, at each turn of the event loop', async () => {
    const { shop, runtime, gate, users } = await saved(6000);
    let over = false;
    const restoring = shop.restoreNear(path).finally(() => (over = true));
    const deleted: number[] = [];
    for (let turn = 0; !over; turn++) {
      gate.step();
      await new Promise((resolve) => void setImmediate(resolve));
      for (let id = (turn * 601) % 6000, many = 0; many < 20; id = (id + 7) % 6000, many++) {
        await users.delete(id);
        deleted.push(id);
      }
    }
    const { restored, skipped } = await restoring;
    expect(restored + skipped).toBe(6000);
    expect(skipped).toBeGreaterThan(100);
    for (const id of deleted) expect(users.peek(id)).toBeUndefined();
    expect(users.stats().near.entries).toBeGreaterThan(5000);
    await runtime.settle();
  });

  test('what was there already', async () => {
    const { shop, runtime, gate, users } = await saved(20);
    await users.set(3, 'there');
    const restoring = shop.restoreNear(path);
    while (gate.step() || runtime.timers > 0) await runtime.settle();
    for (let step = 0; step < 20; step++) {
      gate.step();
      await runtime.settle();
    }
    expect(await restoring).toMatchObject({ restored: 19, skipped: 1 });
    expect(users.peek(3)).toBe('there');
  });
});

test('two restores at once, and changes in between: each key is what the last change made it', async () => {
  const actions = fc.array(
    fc.record({
      act: fc.constantFrom('set', 'delete', 'step', 'step', 'restore', 'get'),
      id: fc.nat(9),
    }),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(actions, async (script) => {
      const { shop, runtime, gate, users } = await saved(10);
      const restores = [shop.restoreNear(path)];
      const expected = new Map<number, string>();
      for (const [number, { act, id }] of script.entries()) {
        if (act === 'set') {
          await users.set(id, `set ${number}`);
          expected.set(id, `set ${number}`);
        } else if (act === 'delete') {
          await users.delete(id);
          expected.set(id, `loaded ${id}`);
        } else if (act === 'get') {
          const answer = await users.get(id);
          expect(answer).toBe(expected.get(id) ?? (answer.startsWith('loaded') ? answer : `saved ${id}`));
          expected.set(id, answer);
        } else if (act === 'restore' && restores.length < 3 && !script.slice(0, number).some(changed)) {
          restores.push(shop.restoreNear(path));
        } else {
          gate.step();
          await runtime.settle();
        }
      }
      for (let step = 0; step < 60; step++) {
        gate.step();
        await runtime.settle();
      }
      await Promise.all(restores);
      for (const [id, answer] of expected) expect(await users.get(id)).toBe(answer);
    }),
    { numRuns: 60 },
  );

  /** A restore that begins after a change knows nothing of it. */
  function changed({ act }: { readonly act: string }): boolean {
    return act === 'delete';
  }
});

describe('while it is saved', () => {
  test('the cache is in use: each entry is written as it was or as it became, never mixed', async () => {
    const { shop, runtime } = new Restart({ near: { maxBytes: '1gb' } });
    const users = shop.define('user', {
      load: (id: number): { readonly id: number; readonly version: number } => ({ id, version: 0 }),
      ttl: '1h',
    });
    const ids = Array.from({ length: 5000 }, (_, id) => id);
    await runtime.until(users.getMany(ids));
    let over = false;
    const saving = shop.saveNear(path).finally(() => (over = true));
    const versions = new Map<number, number[]>(ids.map((id) => [id, [0]]));
    for (let round = 1; !over; round++) {
      for (let id = round % 7; id < 5000; id += 7) {
        await users.set(id, { id, version: round });
        versions.get(id)!.push(round);
      }
      await users.delete(round);
      await users.get(10_000 + round);
      await new Promise((resolve) => void setImmediate(resolve));
    }
    const { saved } = await saving;
    expect(saved).toBeGreaterThan(4900);

    const next = new Restart(
      { near: { maxBytes: '1gb' } },
      fakeRuntime({ seed: 2, wall: runtime.clock.wall() }),
    );
    next.runtime.disk.set(path, runtime.disk.get(path)!);
    const after = next.shop.define('user', {
      load: (): { readonly id: number; readonly version: number } => {
        throw new Error('not saved');
      },
      ttl: '1h',
    });
    expect(await next.runtime.until(next.shop.restoreNear(path))).toMatchObject({
      restored: saved,
      skipped: 0,
    });
    for (const id of ids) {
      const value = after.peek(id as never);
      if (value === undefined) continue;
      expect(value.id).toBe(id);
      expect(versions.get(id)).toContain(value.version);
    }
  });

  test('close() waits for a save and a restore, within its time; after it they end', async () => {
    const patient = new Restart();
    const users = define(patient.shop, 'loaded');
    await users.get(1);
    const saving = patient.shop.saveNear(path);
    await patient.runtime.until(patient.shop.close());
    expect(await saving).toMatchObject({ saved: 1 });

    const { shop, runtime, gate } = await saved(5, { closeTimeout: 0 });
    const restoring = shop.restoreNear(path).catch((error: unknown) => error);
    await runtime.until(shop.close());
    for (let step = 0; step < 30; step++) {
      gate.step();
      await runtime.settle();
    }
    expect(codeOf(await restoring)).toBe('CISTERN_CLOSED');

    const hasty = new Restart({ closeTimeout: 0 });
    await define(hasty.shop, 'loaded').get(1);
    const { files } = hasty.runtime;
    const written = Promise.withResolvers<void>();
    (hasty.runtime as { files: Files }).files = {
      ...files,
      draft: async (name) => ({ ...(await files.draft(name)), write: async () => await written.promise }),
    };
    const cut = hasty.shop.saveNear(path).catch((error: unknown) => error);
    await hasty.runtime.until(hasty.shop.close());
    written.resolve();
    expect(codeOf(await hasty.runtime.until(cut))).toBe('CISTERN_CLOSED');
    expect(hasty.runtime.disk.size).toBe(0);
  });

  test('two at once to one file: one of them is there', async () => {
    const { shop, runtime } = new Restart();
    const users = define(shop, 'loaded');
    await users.get(1);
    const both = [shop.saveNear(path), shop.saveNear(path)];
    for (const saving of both) expect(await runtime.until(saving)).toMatchObject({ saved: 1 });
  });
});

test(
  'the event loop is held up for a few milliseconds at most, by a save and a restore',
  { timeout: 120_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cistern-'));
    const file = join(folder, 'near.snapshot');
    const count = 100_000;
    const near = { maxBytes: '1gb' } as const;
    const shop = cistern({ name: 'shop', near });
    const users = define(shop, 'loaded');
    for (let id = 0; id < count; id++) await users.set(id, `value of ${id}`);
    const after = cistern({ name: 'shop', near });
    const restored = define(after, 'loaded');
    /** The median, and the time that 95 of 100 turns of the loop stay below. The collector and the machine have the rest. */
    const turns = async (work: Promise<unknown>): Promise<number> => {
      const times: number[] = [];
      let over = false;
      void work.finally(() => (over = true));
      for (let last = performance.now(); !over;) {
        await new Promise((resolve) => void setImmediate(resolve));
        const now = performance.now();
        times.push(now - last);
        last = now;
      }
      await work;
      expect(times.length).toBeGreaterThan(100);
      return times.toSorted((left, right) => left - right)[Math.floor(times.length * 0.95)]!;
    };
    expect(await turns(shop.saveNear(file))).toBeLessThan(5);
    expect(await turns(after.restoreNear(file))).toBeLessThan(5);
    expect(restored.stats().near.entries).toBe(count);
    await Promise.all([shop.close(), after.close(), rm(folder, { recursive: true })]);
  },
);
