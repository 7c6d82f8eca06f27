import { describe, expect, test } from 'vitest';
import { codeOf, Fleet, sleep, Source } from './fleet.ts';

function make(options: { readonly cachedReadsInWrite?: 'bypass' | 'throw' | 'allow' } = {}) {
  const fleet = new Fleet();
  const { shop, wire } = fleet.join();
  const source = new Source();
  for (const id of ['a', 'b', 'c']) source.values.set(id, 'old');
  const users = shop.define('user', { load: source.load, ttl: '5m', ...options });
  return { fleet, shop, wire, source, users };
}

describe('mutate', () => {
  test('hands on the result and invalidates after the write', async () => {
    const { fleet, source, users } = make();
    await fleet.wait(users.getMany(['a', 'b', 'c']));
    const done = users.mutate(['a', 'b'], async () => {
      await sleep(fleet.runtime, 50);
      for (const id of ['a', 'b', 'c']) source.values.set(id, 'new');
      return 42;
    });
    expect(await fleet.wait(done)).toMatchObject({ result: 42, confirmed: true });
    expect(await fleet.wait(users.getMany(['a', 'b', 'c']))).toEqual(
      new Map([
        ['a', 'new'],
        ['b', 'new'],
        ['c', 'old'],
      ]),
    );
  });

  test('invalidates after a write that throws, too, and rejects with what it threw', async () => {
    for (const thrown of [new Error('lost connection'), undefined, 'text']) {
      const { fleet, source, users } = make();
      await fleet.wait(users.get('a'));
      const settled = fleet.wait(
        Promise.allSettled([
          users.mutate('a', () => {
            source.values.set('a', 'new');
            // oxlint-disable-next-line typescript/only-throw-error
            throw thrown;
          }),
        ]),
      );
      expect(await settled).toEqual([{ status: 'rejected', reason: thrown }]);
      expect(await fleet.wait(users.get('a'))).toBe('new');
    }
  });

  test('invalidates the ids that only the result tells', async () => {
    const { fleet, source, users } = make();
    await fleet.wait(users.getMany(['a', 'b']));
    const done = users.mutate(
      [],
      () => {
        source.values.set('b', 'new');
        return { changed: 'b' };
      },
      { also: ({ changed }) => [changed] },
    );
    expect(await fleet.wait(done)).toEqual({ result: { changed: 'b' }, confirmed: true });
    expect(await fleet.wait(users.get('b'))).toBe('new');
  });

  test('invalidates the known ids though also() throws', async () => {
    const { fleet, source, users } = make();
    await fleet.wait(users.get('a'));
    const done = users.mutate('a', () => source.values.set('a', 'new'), {
      also: () => {
        throw new Error('also');
      },
    });
    expect(await fleet.outcome(done)).toEqual(new Error('also'));
    expect(await fleet.wait(users.get('a'))).toBe('new');
  });

  test('a load that began during the write and read the old row is not kept', async () => {
    const { fleet, source, users } = make();
    const old = Promise.withResolvers<void>();
    const write = users.mutate('a', async () => {
      await old.promise;
      source.values.set('a', 'new');
    });
    source.hold();
    const reading = users.get('a');
    await fleet.runtime.settle();
    old.resolve();
    await fleet.wait(write);
    source.release();
    expect(await fleet.wait(reading)).toBe('old');
    await fleet.runtime.advance(10);
    expect(await fleet.wait(users.get('a'))).toBe('new');
  });

  test('says when it is not confirmed', async () => {
    const { fleet, wire, users } = make();
    await fleet.wait(users.get('a'));
    wire.fate = () => ({ fail: 'lost' });
    expect(await fleet.wait(users.mutate('a', () => 1))).toEqual({ result: 1, confirmed: false });
    expect(await fleet.wait(users.delete('a'))).toEqual({ confirmed: false });
    expect(await fleet.wait(users.expire('a'))).toEqual({ confirmed: false });
    expect(await fleet.wait(users.set('a', 'x'))).toEqual({ confirmed: false });
    expect(await fleet.wait(users.clear())).toEqual({ confirmed: false });
  });

  test('refuses a bad id before anything is written', async () => {
    const { fleet, users } = make();
    let written = false;
    const done = users.mutate(null as never, () => (written = true));
    expect(codeOf(await fleet.outcome(done))).toBe('CISTERN_KEY');
    expect(written).toBe(false);
  });

  test('invalidates, and tells the result, though the cistern is closed during the write', async () => {
    const { fleet, shop, source, users } = make();
    const other = fleet.join().shop.define('user', { load: source.load, ttl: '5m', near: false });
    await fleet.wait(other.get('a'));
    const writing = Promise.withResolvers<void>();
    const done = users.mutate('a', async () => {
      await writing.promise;
      source.values.set('a', 'new');
      return 'written';
    });
    const closed = shop.close();
    await fleet.runtime.settle();
    writing.resolve();
    expect(await fleet.outcome(done)).toEqual({ result: 'written', confirmed: true });
    await fleet.wait(closed);
    expect(await fleet.wait(other.get('a'))).toBe('new');
  });
});

describe('a cached read inside a write', () => {
  test('asks the source and keeps nothing', async () => {
    const { fleet, source, users } = make();
    await fleet.wait(users.get('a'));
    source.values.set('a', 'new');
    source.values.set('b', 'uncommitted');
    const done = users.mutate('c', async () => {
      const seen = [
        await users.get('a'),
        await users.get('b'),
        [...(await users.getMany(['a', 'b'])).values()],
      ];
      source.values.set('b', 'rolled back');
      return seen;
    });
    expect((await fleet.wait(done)).result).toEqual(['new', 'uncommitted', ['new', 'uncommitted']]);
    // What was read inside is not what others see.
    expect(await fleet.wait(users.get('a'))).toBe('old');
    expect(await fleet.wait(users.get('b'))).toBe('rolled back');
  });

  test("is refused with 'throw', and allowed with 'allow'", async () => {
    const refused = make({ cachedReadsInWrite: 'throw' });
    const error = await refused.fleet.outcome(
      refused.users.mutate('a', async () => await refused.users.get('b')),
    );
    expect(codeOf(error)).toBe('CISTERN_IN_WRITE');
    const allowed = make({ cachedReadsInWrite: 'allow' });
    await allowed.fleet.wait(allowed.users.get('b'));
    allowed.source.values.set('b', 'new');
    const done = allowed.users.mutate('a', async () => await allowed.users.get('b'));
    expect((await allowed.fleet.wait(done)).result).toBe('old');
  });

  test('of another cache of the same cistern is one, too', async () => {
    const { fleet, shop, users } = make();
    const orders = shop.define<string, string>('order', {
      load: () => 'order',
      ttl: '1m',
      cachedReadsInWrite: 'throw',
    });
    const done = users.mutate('a', async () => await orders.get('x'));
    expect(codeOf(await fleet.outcome(done))).toBe('CISTERN_IN_WRITE');
  });

  test('is none before and after the write, and none in a task that outlives it', async () => {
    const { fleet, source, users } = make();
    await fleet.wait(users.get('a'));
    source.values.set('a', 'unseen');
    const later: string[] = [];
    const over = Promise.withResolvers<void>();
    await fleet.wait(
      users.mutate('b', () => {
        void sleep(fleet.runtime, 100).then(async () => {
          later.push(await users.get('a'));
          over.resolve();
        });
      }),
    );
    // Another write is open while the task of the first one reads.
    await fleet.wait(users.mutate('c', async () => await over.promise));
    expect(later).toEqual(['old']);
    expect(await fleet.wait(users.get('a'))).toBe('old');
  });

  test('inside a request scope drops the key from the scope', async () => {
    const { fleet, shop, source, users } = make();
    const seen = shop.request(async () => {
      const before = await users.get('a');
      await users.mutate('a', () => source.values.set('a', 'new'));
      return [before, await users.get('a')];
    });
    expect(await fleet.wait(seen)).toEqual(['old', 'new']);
  });
});
