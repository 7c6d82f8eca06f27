import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Asked, FencedWorld, get, life, recordName, remove, set } from './fenced-world.ts';

let world: FencedWorld;
beforeEach(() => (world = new FencedWorld()));
afterEach(async () => await world.end());

describe('on the wire', () => {
  test('the record is read, made and read back before anything else goes over a connection', async () => {
    const process = world.open();
    expect(await world.one(process, get('k'))).toMatchObject({ kind: 'miss' });
    const { incarnation } = world.record;
    expect(incarnation).toMatch(/^[\w-]{8}$/);
    expect(process.fence.incarnation).toBe(incarnation);
    expect(world.server.requests.map((each) => each.split(' ').slice(0, 2).join(' '))).toEqual([
      'version\r\n',
      `mg ${recordName}`,
      `ms ${recordName}`,
      `mg ${recordName}`,
      'mg ' + `${incarnation}:k`,
    ]);
  });

  test('one that is there is used by everybody, on every connection', async () => {
    const first = world.open();
    await world.one(first, set('k'));
    const second = world.open(3);
    expect(await world.one(second, get('k'))).toMatchObject({ kind: 'hit' });
    expect(second.fence.incarnation).toBe(first.fence.incarnation);
    expect(second.fence.members).toBeUndefined();
  });

  test('reads alone: every 250 ms in front of what goes there anyway, and never for nothing', async () => {
    const process = world.open();
    await world.one(process, get('k'));
    world.server.requests.length = 0;
    for (let millisecond = 0; millisecond < 1000; millisecond += 5) {
      await world.runtime.advance(5);
      await world.one(process, get('k'));
    }
    expect(world.server.questions).toBeGreaterThanOrEqual(3);
    expect(world.server.questions).toBeLessThanOrEqual(4);
    expect(world.server.requests).toHaveLength(200);
    for (const each of world.server.requests)
      expect(each).toMatch(/^(mg ~cistern:main v f c t\r\n)?mg \S+:k v f c t\r\n$/);
    world.server.requests.length = 0;
    await world.runtime.advance(3_000_000);
    expect(world.server.requests).toEqual([]);
  });

  test('its life is prolonged now and then', async () => {
    const process = world.open();
    await world.one(process, get('k'));
    const longest = `mg ${recordName} v f c T2592000 t`;
    expect(world.server.requests.join('').split(longest).length - 1).toBe(2);
    world.server.requests.length = 0;
    for (let minute = 0; minute < 130; minute++) {
      await world.runtime.advance(60_000);
      await world.one(process, get('k'));
    }
    expect(world.server.requests.join('').split(longest).length - 1).toBe(2);
  });

  test.each<Asked>([
    remove('k'),
    { ...remove('k'), staleFor: 1000 } as Asked,
    set('k'),
    { kind: 'touch', key: 'k', life },
  ])('an invalidation has it in front, in the same write: %o', async (operation) => {
    const process = world.open();
    await world.one(process, get('k'));
    world.server.requests.length = 0;
    await world.ask(process, get('a'), operation, operation, get('b'));
    expect(world.server.requests).toHaveLength(1);
    expect(world.server.requests[0]).toMatch(/^mg ~cistern:main /);
    expect(world.server.questions).toBe(1);
  });

  test.each<Asked>([
    { ...set('k'), cas: '7' } as Asked,
    { ...set('k'), mode: 'add' } as Asked,
    { kind: 'release', key: 'k', right: 'lease', cas: '7' },
  ])('what invalidates nothing has not: %o', async (operation) => {
    const process = world.open();
    await world.one(process, get('k'));
    world.server.requests.length = 0;
    await world.one(process, operation);
    expect(world.server.questions).toBe(0);
  });
});

describe('another incarnation', () => {
  test('what was there cannot be reached by anybody within 250 ms and the way there', async () => {
    const [first, second] = [world.open(), world.open()];
    await world.one(first, set('k', 'old'));
    await world.one(second, get('k'));
    const before = first.fence.incarnation;
    expect(await world.runtime.until(first.fence.renew())).toBe(true);
    expect(first.fence.incarnation).not.toBe(before);
    expect(world.record.incarnation).toBe(first.fence.incarnation);
    expect((await world.one(first, get('k'))).kind).toBe('miss');
    await world.runtime.advance(250);
    expect((await world.one(second, get('k'))).kind).not.toBe('hit');
    expect((await world.one(second, get('k'))).kind).toBe('miss');
    expect(second.fence.incarnation).toBe(first.fence.incarnation);
  });

  test('after hours without a request: nothing old is answered, not even once', async () => {
    const [first, idle] = [world.open(), world.open(3)];
    await world.one(first, set('k', 'old'));
    expect((await world.one(idle, get('k'))).kind).toBe('hit');
    await world.runtime.until(first.fence.renew());
    await world.runtime.advance(7_200_000);
    expect((await world.one(idle, get('k'))).kind).toBe('failed');
    expect((await world.one(idle, get('k'))).kind).toBe('miss');
  });

  test('an invalidation by the old name fails: a value under the new one may be older', async () => {
    const [first, second] = [world.open(), world.open()];
    await world.ask(first, set('k', 'old'));
    await world.one(second, get('k'));
    await world.runtime.until(first.fence.renew());
    await world.one(first, set('k', 'old'));
    await world.runtime.advance(10);
    expect(await world.one(second, remove('k'))).toMatchObject({ kind: 'failed', applied: 'no' });
    expect(await world.one(second, remove('k'))).toMatchObject({ kind: 'stored' });
    expect((await world.one(first, get('k'))).kind).toBe('miss');
  });

  test('a server that could not be cleared goes on serving: nobody tries again', async () => {
    const process = world.open();
    await world.one(process, set('k', 'old'));
    world.server.intercept = (line) => (line.startsWith(`ms ${recordName}`) ? 'drop' : undefined);
    const { store } = process as { readonly store: { clear?: () => Promise<boolean> } };
    expect(await world.runtime.until(store.clear!())).toBe(false);
    world.server.listener.cutAll();
    world.server.intercept = undefined;
    await world.runtime.advance(5000);
    expect((await world.one(process, get('k'))).kind).toBe('hit');
    expect(await world.runtime.until(store.clear!())).toBe(true);
    expect((await world.one(process, get('k'))).kind).toBe('miss');
  });

  test('while it is asked for, and until it is confirmed, nothing is served', async () => {
    const process = world.open();
    await world.one(process, set('k'));
    world.server.intercept = (line) => (line.startsWith(`ms ${recordName}`) ? 'drop' : undefined);
    const renewed = process.fence.renew();
    expect((await world.one(process, get('k'))).kind).toBe('failed');
    expect(await world.runtime.until(renewed)).toBe(false);
    world.server.listener.cutAll();
    world.server.intercept = undefined;
    await world.runtime.advance(5000);
    expect((await world.one(process, get('k'))).kind).toBe('failed');
    expect(await world.runtime.until(process.fence.renew())).toBe(true);
    expect((await world.one(process, get('k'))).kind).toBe('miss');
  });

  test('made by several at once: one is enough, and all have the same', async () => {
    const all = Array.from({ length: 12 }, () => world.open());
    for (const each of all) await world.one(each, get('k'));
    world.server.requests.length = 0;
    world.runtime.network.delay = [0, 3];
    expect(await world.runtime.until(Promise.all(all.map(({ fence }) => fence.renew())))).not.toContain(
      false,
    );
    const made = world.server.requests.join('').match(/^ms ~cistern/gm)!.length;
    expect(made).toBeLessThanOrEqual(12);
    await world.runtime.advance(250);
    for (const each of all) await world.one(each, get('k'));
    for (const each of all) expect((await world.one(each, get('k'))).kind).toBe('miss');
    expect(new Set(all.map(({ fence }) => fence.incarnation)).size).toBe(1);
  });

  test('a late answer does not bring the old one back', async () => {
    const process = world.open(2, 500);
    await world.one(process, get('k'));
    const old = world.record;
    const held: string[] = [];
    // The question goes over one connection and is answered late, as it was; the renewal goes over another.
    world.server.intercept = (line) => {
      if (!line.startsWith(`mg ${recordName} v f c t`) || held.length > 0) return undefined;
      held.push(line);
      return 'drop';
    };
    await world.runtime.advance(300);
    const slow = world.ask(process, get('k'));
    await world.runtime.settle();
    expect(held).toHaveLength(1);
    expect(await world.runtime.until(process.fence.renew())).toBe(true);
    const { incarnation } = process.fence;
    const text = JSON.stringify(old);
    for (const peer of world.server.listener.peers)
      peer.write(`VA ${text.length} f2147483648 c1 t3600\r\n${text}\r\n`);
    await world.runtime.until(slow);
    expect(process.fence.incarnation).toBe(incarnation);
  });

  test('a CAS from before it is nobody’s, though its number is in use again', async () => {
    const process = world.open();
    const before = await world.one(process, get('k', 1000));
    expect(before).toMatchObject({ kind: 'miss', lease: 'won', cas: '2' });
    world.server.restart();
    await world.runtime.advance(2000);
    const other = world.open();
    // The counter of the restarted server comes to the same number for the same key.
    for (let turn = 0; ; turn++) {
      const reply = await world.one(other, get('k', 1000));
      if (reply.kind === 'miss' && reply.cas === '2') break;
      await world.one(other, remove('k'));
      if (turn > 9) throw new Error('the number was not met');
    }
    const late = await world.one(process, {
      ...set('k', 'old'),
      cas: (before as { cas: string }).cas,
    } as Asked);
    expect(['conflict', 'notFound', 'failed']).toContain(late.kind);
    expect((await world.one(other, get('k'))).kind).toBe('miss');
    // Those of now are as good as ever.
    expect(process.fence.era).toBe(1);
    const mine = await world.one(process, get('l', 1000));
    expect(mine).toMatchObject({ lease: 'won', cas: expect.stringMatching(/^1:\d+$/) });
    expect(
      (await world.one(process, { ...set('l'), cas: (mine as { cas: string }).cas } as Asked)).kind,
    ).toBe('stored');
  });
});

describe('a record that is gone or wrong', () => {
  test.each([
    '',
    'no JSON',
    '{}',
    '{"incarnation":"short","members":[],"departed":{}}',
    '{"incarnation":"12345678","members":[7],"departed":{}}',
  ])('damaged as %j: made anew, with another incarnation', async (damage) => {
    const process = world.open();
    await world.one(process, set('k'));
    const before = process.fence.incarnation;
    world.server.store(recordName, damage);
    await world.runtime.advance(300);
    expect((await world.one(process, get('k'))).kind).toBe('failed');
    await world.runtime.settle();
    expect((await world.one(process, get('k'))).kind).toBe('miss');
    expect(process.fence.incarnation).not.toBe(before);
    expect(world.record.incarnation).toBe(process.fence.incarnation);
  });

  test('removed, by an eviction or flush_all: made anew by one, used by all', async () => {
    const all = [world.open(), world.open(), world.open()];
    for (const each of all) await world.one(each, get('k'));
    const before = world.record.incarnation;
    world.server.items.clear();
    await world.runtime.advance(300);
    await Promise.all(all.map((each) => world.one(each, get('k'))));
    await world.runtime.settle();
    for (const each of all) expect((await world.one(each, get('k'))).kind).toBe('miss');
    expect(new Set(all.map(({ fence }) => fence.incarnation))).toEqual(new Set([world.record.incarnation]));
    expect(world.record.incarnation).not.toBe(before);
  });

  test('a server that keeps nothing does not serve', async () => {
    world.server.intercept = (line) => (line.startsWith('mg ') ? 'EN\r\n' : undefined);
    const process = world.open();
    expect(await world.one(process, get('k'))).toMatchObject({ kind: 'failed', applied: 'no' });
    expect(world.server.requests.join('')).not.toContain(':k');
  });
});
