import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import type { Events } from '../../src/index.ts';
import { Fleet } from './fleet.ts';

interface Seat {
  readonly row: number;
  readonly place: string;
}

const define = {
  key: ({ row, place }: Seat): [number, string] => [row, place],
  load: async ({ row, place }: Seat) => `${row}${place}`,
  ttl: '5m',
} as const;

describe('an id whose key cannot be used', () => {
  test('is loaded alone: it does not spoil the batch of the others', async () => {
    const fleet = new Fleet();
    const asked: unknown[] = [];
    const cache = fleet.join({ remote: undefined as never }).shop.define('seat', {
      ...define,
      absent: 'error',
      loadMany: async (ids: readonly Seat[]) => {
        asked.push(ids.length);
        return new Map(ids.map((id) => [id, `${id.row}${id.place}`]));
      },
    });
    const bad = { row: 3, place: undefined as never };
    expect(
      await fleet.wait(
        Promise.all([{ row: 1, place: 'a' }, bad, { row: 2, place: 'b' }].map((id) => cache.get(id))),
      ),
    ).toEqual(['1a', '3undefined', '2b']);
    expect(asked).toEqual([2]);
  });

  test('that loadMany answers beyond what was asked is passed over', async () => {
    const fleet = new Fleet();
    const cache = fleet.join().shop.define('seat', {
      ...define,
      absent: 'error',
      loadMany: async (ids: readonly Seat[]) =>
        new Map([...ids, { row: 9, place: undefined as never }].map((id) => [id, `${id.row}${id.place}`])),
    });
    const found = await fleet.wait(
      cache.getMany([
        { row: 1, place: 'a' },
        { row: 2, place: 'b' },
      ]),
    );
    expect([...found.values()]).toEqual(['1a', '2b']);
  });
});

test.each([
  ['outside', false],
  ['inside a write', true],
])('what is asked of the source alone is told as not kept for its own reason only: %s', async (_, write) => {
  const fleet = new Fleet();
  const told: string[] = [];
  const listen = (message: unknown): void => void told.push((message as Events['not-kept']).reason);
  subscribe('cistern:not-kept', listen);
  const cache = fleet.join().shop.define('seat', { ...define });
  const good = { row: 1, place: 'a' };
  if (write) await fleet.wait(cache.mutate(good, () => cache.get(good)));
  else await fleet.wait(cache.get({ row: 1, place: undefined as never }));
  unsubscribe('cistern:not-kept', listen);
  expect(told).toEqual(write ? [] : ['its key cannot be used']);
});

test('errors and events name a key of several parts as it is written in the remote tier, not as it is looked up here', async () => {
  const fleet = new Fleet();
  const told: string[] = [];
  const listen = (message: unknown): void => void told.push((message as Events['not-kept']).key);
  subscribe('cistern:not-kept', listen);
  const cache = fleet.join().shop.define('seat', {
    ...define,
    load: async () => () => 'unstorable',
    absent: 'error',
    loadMany: async () => new Map<Seat, never>(),
  });
  await fleet.wait(cache.get({ row: 1, place: 'a' }));
  unsubscribe('cistern:not-kept', listen);
  expect(told).toEqual(["1,'a"]);
  const ids = [
    { row: 1, place: 'a' },
    { row: 2, place: 'b' },
  ];
  await expect(fleet.wait(cache.getMany(ids))).rejects.toMatchObject({
    code: 'CISTERN_ABSENT',
    details: { key: "1,'a" },
  });
});
