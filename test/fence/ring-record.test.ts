import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FencedWorld, get, recordName, set } from './fenced-world.ts';

let world: FencedWorld;
beforeEach(() => (world = new FencedWorld()));
afterEach(async () => await world.end());

describe('who is in the ring', () => {
  test('is written down, and those who left get tokens', async () => {
    const [process, other] = [world.open(), world.open()];
    await Promise.all([world.one(process, get('k')), world.one(other, get('k'))]);
    const { departed } = process.fence;
    expect(departed.size).toBe(0);
    expect(await world.runtime.until(process.fence.enrol(['a', 'b'], ['c', 'd']))).toBe(true);
    expect(process.fence.members).toEqual(['a', 'b']);
    const now = process.fence.departed;
    expect([...now.keys()]).toEqual(['c', 'd']);
    expect([now.get('c')!.order, now.get('d')!.order]).toEqual([1, 2]);
    await world.runtime.advance(300);
    await world.one(other, get('k'));
    expect(other.fence.members).toEqual(['a', 'b']);
    expect(other.fence.departed).toEqual(now);
    const members = other.fence.members;
    await world.runtime.advance(300);
    await world.one(other, get('k'));
    expect([other.fence.departed === other.fence.departed, other.fence.members === members]).toEqual([
      true,
      true,
    ]);
    // A second departure of the same one has another token, and the greatest order.
    await world.runtime.until(other.fence.enrol(['a', 'b'], ['c']));
    expect(other.fence.departed.get('c')!.order).toBe(3);
    expect(other.fence.departed.get('c')!.token).not.toBe(now.get('c')!.token);
  });

  test('what would change nothing is not written', async () => {
    const process = world.open();
    await world.runtime.until(process.fence.enrol(['a', 'b'], []));
    world.server.requests.length = 0;
    expect(await world.runtime.until(process.fence.enrol(['a', 'b'], []))).toBe(true);
    expect(world.server.requests.join('')).not.toContain('ms ');
  });

  test('tokens name keys where the route says so; a name that is not known yet is not sent', async () => {
    const process = world.open();
    await world.runtime.until(process.fence.enrol(['a'], ['c']));
    const { token } = process.fence.departed.get('c')!;
    process.fence.naming = ({ key }) => (key === 'moved' ? token : key === 'early' ? undefined : '');
    world.server.requests.length = 0;
    const replies = await world.ask(process, set('moved'), set('mine'), set('early'));
    expect(replies.map((each) => each.kind)).toEqual(['stored', 'stored', 'failed']);
    expect([...world.server.items.keys()]).toEqual([
      recordName,
      `${token}:moved`,
      `${process.fence.incarnation}:mine`,
    ]);
  });

  test('more than 16 departures: a new incarnation, and none', async () => {
    const process = world.open();
    const before = await world.runtime.until(
      process.fence.enrol(['a'], []).then(() => process.fence.incarnation),
    );
    for (let index = 0; index < 16; index++)
      await world.runtime.until(process.fence.enrol(['a'], [`gone${index}`]));
    expect([process.fence.departed.size, process.fence.incarnation]).toEqual([16, before]);
    await world.runtime.until(process.fence.enrol(['a'], ['one more']));
    expect(process.fence.departed.size).toBe(0);
    expect(process.fence.incarnation).not.toBe(before);
    await world.runtime.until(process.fence.enrol(['a'], ['c']));
    await world.runtime.until(process.fence.renew());
    expect([process.fence.departed.size, process.fence.members]).toEqual([0, ['a']]);
  });

  test('written by many at once nothing is lost', async () => {
    const all = Array.from({ length: 8 }, () => world.open());
    for (const each of all) await world.one(each, get('k'));
    world.runtime.network.delay = [0, 2];
    const done = await world.runtime.until(
      Promise.all(all.map(({ fence }, index) => fence.enrol(['a'], [`gone${index}`]))),
    );
    expect(Object.keys(world.record.departed)).toHaveLength(done.filter(Boolean).length);
    expect(done.filter(Boolean).length).toBeGreaterThanOrEqual(6);
  });

  test('the route is told of everything new, and of every connection', async () => {
    const [process, other] = [world.open(), world.open()];
    let told = 0;
    process.fence.changed = () => void told++;
    await world.one(process, get('k'));
    expect(told).toBe(1);
    await world.runtime.until(other.fence.enrol(['a'], []));
    await world.runtime.advance(300);
    await world.one(process, get('k'));
    expect(told).toBe(2);
    world.server.listener.cutAll();
    await world.runtime.advance(3000);
    await world.one(process, get('k'));
    expect(told).toBe(3);
  });
});

describe('without CAS values', () => {
  test('every change is a new incarnation, so that nothing is undone', async () => {
    world = new FencedWorld({ withoutCas: true });
    const all = Array.from({ length: 4 }, () => world.open());
    for (const each of all) await world.one(each, set('k'));
    const before = world.record.incarnation;
    world.runtime.network.delay = [0, 2];
    const done = await world.runtime.until(
      Promise.all(
        all.map(({ fence }, index) =>
          index % 2 === 0 ? fence.renew() : fence.enrol(['a'], [`gone${index}`]),
        ),
      ),
    );
    expect(done).toContain(true);
    expect(world.record.incarnation).not.toBe(before);
    expect(Object.keys(world.record.departed)).toEqual([]);
    await world.runtime.advance(300);
    for (const each of all) await world.one(each, get('k'));
    expect(new Set(all.map(({ fence }) => fence.incarnation)).size).toBe(1);
  });
});
