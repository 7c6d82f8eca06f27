import { describe, expect, test } from 'vitest';
import { cistern } from '../../src/index.ts';
import { Fleet } from './fleet.ts';

describe('a call with many ids', () => {
  test('entries: a key that fails costs nobody else its entry, and says why', async () => {
    const fleet = new Fleet();
    const users = fleet.join().shop.define('user', {
      load: (id: string) => {
        if (id === 'bad') throw new Error('no such row');
        return `value ${id}`;
      },
      ttl: '1m',
    });
    const entries = await fleet.wait(users.entries(['a', 'bad', 'b']));
    expect([...entries].map(([id, { status, value }]) => [id, status, value])).toEqual([
      ['a', 'loaded', 'value a'],
      ['bad', 'failed', undefined],
      ['b', 'loaded', 'value b'],
    ]);
    expect(entries.get('bad')?.error).toEqual(new Error('no such row'));
    expect(await fleet.outcome(users.getMany(['a', 'bad', 'b']))).toEqual(new Error('no such row'));
    expect(await fleet.wait(users.warm(['a', 'bad', 'b']))).toEqual({ warmed: 2, failed: 1 });
  });

  test('more ids than may wait for a load are read in portions: nothing is refused', async () => {
    const fleet = new Fleet();
    const users = fleet.join().shop.define('user', {
      load: async (id: number) => await Promise.resolve(id),
      ttl: '1m',
      loads: { concurrent: 10, queue: 600 },
    });
    const ids = Array.from({ length: 3000 }, (_, index) => index);
    const found = await fleet.wait(users.getMany(ids));
    expect(found.size).toBe(3000);
    expect([...found.keys()]).toEqual(ids);
  });

  test('other work gets its turn between the portions, however many near hits there are', async () => {
    await using shop = cistern({ name: 'shop' });
    const users = shop.define('user', {
      load: (id: number) => id,
      loadMany: (ids) => ids,
      absent: 'error',
      ttl: '1h',
    });
    const ids = Array.from({ length: 20_000 }, (_, index) => index);
    await users.getMany(ids);
    let turns = 0;
    let reading = true;
    const count = (): void => {
      turns++;
      if (reading) setImmediate(count);
    };
    setImmediate(count);
    expect((await users.getMany(ids)).size).toBe(20_000);
    reading = false;
    expect(turns).toBeGreaterThan(20);
  });
});
