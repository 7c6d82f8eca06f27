import { expect, test } from 'vitest';
import { codeOf, Fleet } from './fleet.ts';

test('a source that hangs is left alone: loads that waited for a place do not become zombies one after the other', async () => {
  const fleet = new Fleet();
  const ends: (() => void)[] = [];
  const users = fleet.join().shop.define('user', {
    load: (id: string) => new Promise<string>((resolve) => ends.push(() => resolve(id))),
    ttl: '5m',
    deadline: '1s',
    loads: { concurrent: 5, queue: 1000 },
  });
  const all: Promise<unknown>[] = [];
  for (let count = 0; count < 200; count++) {
    all.push(users.get(`id ${count}`).catch(codeOf));
    await fleet.runtime.advance(20);
  }
  const codes = new Set(await fleet.wait(Promise.all(all)));
  expect(codes).toEqual(new Set(['CISTERN_DEADLINE', 'CISTERN_LOAD_LIMIT']));
  // As many as may run, and as many that were given up.
  expect(ends.length).toBeLessThanOrEqual(10);

  // A place that a zombie frees goes to who waits.
  for (const end of ends.splice(0)) end();
  await fleet.runtime.settle();
  const again = users.get('id 0');
  await fleet.runtime.settle();
  ends[0]!();
  expect(await fleet.wait(again)).toBe('id 0');
});
