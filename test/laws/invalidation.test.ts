import { describe, expect, test } from 'vitest';
import { cistern } from '../../src/index.ts';
import { fakeRuntime } from '../../src/testing.ts';
import { codeOf, Fleet, isRecord, sleep, Source } from './fleet.ts';

const stale = { staleWhileRevalidate: '1m', staleIfError: '1h' } as const;

describe('an invalidation during a load', () => {
  const ways = ['delete', 'expire', 'clear'] as const;
  const tiers = ['near', 'remote', 'both'] as const;
  for (const tier of tiers) {
    for (const way of ways) {
      for (const spans of [{}, stale]) {
        const keeps = spans === stale ? ', with stale spans' : '';
        test(`${way} (${tier}${keeps}): callers in flight get their value, the next read is fresh`, async () => {
          const fleet = new Fleet();
          const { shop } = fleet.join(tier === 'near' ? { remote: undefined as never } : {});
          const source = new Source();
          source.values.set('a', 'old');
          const users = shop.define('user', {
            load: source.load,
            ttl: '5m',
            near: tier !== 'remote',
            ...spans,
          });
          source.hold();
          const first = users.get('a');
          const second = users.get('a');
          await fleet.runtime.settle();
          source.values.set('a', 'new');
          const done = way === 'clear' ? users.clear() : users[way]('a');
          await expect(fleet.wait(done)).resolves.toEqual({ confirmed: true });
          const third = users.get('a');
          await fleet.runtime.settle();
          source.release();
          expect(await fleet.wait(Promise.all([first, second]))).toEqual(['old', 'old']);
          expect(await fleet.wait(third)).toBe('new');
          await fleet.runtime.advance(10);
          expect(await fleet.wait(users.get('a'))).toBe('new');
          expect(source.loads).toBe(2);
        });
      }
    }
  }

  test('set during a load: the load that began before cannot overwrite it', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join();
    const source = new Source();
    source.values.set('a', 'old');
    const users = shop.define('user', { load: source.load, ttl: '5m' });
    source.hold();
    const before = users.get('a');
    await fleet.runtime.settle();
    expect(await fleet.wait(users.set('a', 'set'))).toEqual({ confirmed: true });
    expect(await fleet.wait(users.get('a'))).toBe('set');
    source.release();
    expect(await fleet.wait(before)).toBe('old');
    await fleet.runtime.advance(10);
    expect(await fleet.wait(users.get('a'))).toBe('set');
    await fleet.runtime.advance(10_000);
    expect(await fleet.wait(users.get('a'))).toBe('set');
  });

  test('the deleter is another process: nobody keeps the old value', async () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.join(), fleet.join()];
    const source = new Source();
    source.values.set('a', 'old');
    const define = { load: source.load, ttl: '5m' } as const;
    const loading = b.shop.define('user', define);
    const deleting = a.shop.define('user', define);
    source.hold();
    const old = loading.get('a');
    await fleet.runtime.settle();
    source.values.set('a', 'new');
    expect(await fleet.wait(deleting.delete('a'))).toEqual({ confirmed: true });
    source.release();
    expect(await fleet.wait(old)).toBe('old');
    await fleet.runtime.advance(10);
    expect(await fleet.wait(deleting.get('a'))).toBe('new');
    // B's fill was refused, so not even its near tier holds the old value.
    expect(loading.peek('a')).toBeUndefined();
    expect(await fleet.wait(loading.get('a'))).toBe('new');
  });

  test('the clearer is another process: nobody keeps the old value longer than the poll period', async () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.join(), fleet.join()];
    const source = new Source();
    source.values.set('a', 'old');
    const define = { load: source.load, ttl: '5m' } as const;
    const loading = b.shop.define('user', define);
    const clearing = a.shop.define('user', define);
    source.hold();
    const old = loading.get('a');
    await fleet.runtime.settle();
    source.values.set('a', 'new');
    await fleet.wait(clearing.clear());
    source.release();
    expect(await fleet.wait(old)).toBe('old');
    expect(await fleet.wait(clearing.get('a'))).toBe('new');
    await fleet.runtime.advance(251);
    expect(await fleet.wait(loading.get('a'))).toBe('new');
  });
});

describe('a clear elsewhere', () => {
  for (const latency of [0, 3]) {
    test(`is noticed within the poll period while only near hits happen (latency ${latency} ms)`, async () => {
      const fleet = new Fleet();
      const [a, b] = [fleet.join(), fleet.join()];
      if (latency > 0) b.wire.fate = () => ({ before: latency, after: latency });
      const source = new Source();
      source.values.set('a', 'old');
      const define = { load: source.load, ttl: '5m', nearTtl: '1h' } as const;
      const reading = b.shop.define('user', define);
      const clearing = a.shop.define('user', define);
      await fleet.wait(reading.get('a'));
      for (let round = 0; round < 20; round++) {
        await fleet.runtime.advance(137);
        source.values.set('a', `value ${round}`);
        await fleet.wait(clearing.clear());
        await fleet.runtime.advance(250 + 2 * latency + 1);
        expect(await fleet.wait(reading.get('a'))).toBe(`value ${round}`);
        await fleet.runtime.advance(10);
        expect(reading.peek('a')).toBe(`value ${round}`);
      }
    });
  }

  test('is not undone by a late reply about the time before it', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const source = new Source();
    source.values.set('a', 'old');
    const users = shop.define('user', { load: source.load, ttl: '5m' });
    await fleet.wait(users.get('a'));
    await fleet.runtime.advance(249);
    let slow = true;
    wire.fate = (operation) => (isRecord(operation) && slow ? { after: 200 } : undefined);
    await fleet.runtime.advance(2);
    // Now the poll is on its way back with the generation before the clear.
    slow = false;
    source.values.set('a', 'new');
    expect(await fleet.wait(users.clear())).toEqual({ confirmed: true });
    expect(await fleet.wait(users.get('a'))).toBe('new');
    await fleet.runtime.advance(199);
    expect(await fleet.wait(users.get('a'))).toBe('new');
    await fleet.runtime.advance(40);
    expect(await fleet.wait(users.get('a'))).toBe('new');
    expect(source.loads).toBe(2);
  });

  test('leaves the other caches alone, whatever they are called', async () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.join(), fleet.join()];
    const names = ['user', '__proto__', 'constructor', 'toString'];
    const source = new Source();
    source.values.set('x', 'value');
    const define = { load: source.load, ttl: '5m' } as const;
    const caches = names.map((name) => b.shop.define(name, define));
    for (const cache of caches) await fleet.wait(cache.get('x'));
    const cleared = a.shop.define('__proto__', define);
    expect(await fleet.wait(cleared.clear())).toEqual({ confirmed: true });
    await fleet.runtime.advance(300);
    expect(caches.map((cache) => cache.peek('x'))).toEqual(['value', undefined, 'value', 'value']);
  });
});

describe('a change right after a clear elsewhere, which this process has not noticed yet', () => {
  for (const way of ['delete', 'expire', 'set', 'mutate'] as const) {
    test(`${way} is not lost in the generation before`, async () => {
      const fleet = new Fleet();
      const [a, b] = [fleet.join(), fleet.join()];
      const source = new Source();
      source.values.set('a', 'old');
      const define = { load: source.load, ttl: '5m', ...(way === 'expire' ? stale : undefined) } as const;
      const [clearing, changing] = [a, b].map(({ shop }) => shop.define('user', define));
      await fleet.wait(changing!.get('a'));
      await fleet.wait(clearing!.clear());
      // Loaded after the clear, from before the change.
      expect(await fleet.wait(clearing!.get('a'))).toBe('old');
      await fleet.runtime.settle();
      source.values.set('a', 'new');
      const done =
        way === 'set'
          ? changing!.set('a', 'new')
          : way === 'mutate'
            ? changing!.mutate('a', () => undefined)
            : changing![way]('a');
      expect(await fleet.wait<object>(done)).toMatchObject({ confirmed: true });
      await fleet.runtime.advance(6000);
      await fleet.wait(clearing!.get('a'));
      await fleet.runtime.settle();
      expect(await fleet.wait(clearing!.get('a'))).toBe('new');
    });
  }
});

describe('a server that lost its memory', () => {
  test('is cold, never stale: near copies of its caches go within the poll period', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join();
    const source = new Source();
    source.values.set('a', 'old');
    const users = shop.define('user', { load: source.load, ttl: '5m', nearTtl: '1m' });
    await fleet.wait(users.get('a'));
    source.values.set('a', 'new');
    fleet.restart();
    await fleet.runtime.advance(260);
    expect(users.peek('a')).toBeUndefined();
    expect(await fleet.wait(users.get('a'))).toBe('new');
    await fleet.runtime.advance(10);
    expect(users.peek('a')).toBe('new');
  });

  test('takes nothing from caches that are not in it', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join();
    const source = new Source();
    source.values.set('a', 'value');
    const shared = shop.define('shared', { load: source.load, ttl: '5m' });
    const local = shop.define('local', { load: source.load, ttl: '5m', remote: false });
    await fleet.wait(Promise.all([shared.get('a'), local.get('a')]));
    fleet.restart();
    await fleet.runtime.advance(600);
    expect(shared.peek('a')).toBeUndefined();
    expect(local.peek('a')).toBe('value');
  });
});

describe('a late result of a load', () => {
  test('that timed out does not overwrite what was loaded after it', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join();
    const answers: ((value: string) => void)[] = [];
    const users = shop.define<string, string>('user', {
      load: () => new Promise<string>((resolve) => answers.push(resolve)),
      ttl: '5m',
      loadTimeout: '1s',
      deadline: '5s',
    });
    const first = users.get('a');
    expect(codeOf(await fleet.outcome(first))).toBe('CISTERN_LOAD_TIMEOUT');
    const second = users.get('a');
    await fleet.runtime.settle();
    answers[1]!('new');
    expect(await fleet.wait(second)).toBe('new');
    answers[0]!('timed out');
    await fleet.runtime.advance(6000);
    expect(await fleet.wait(users.get('a'))).toBe('new');
    expect(answers).toHaveLength(2);
  });

  test('of a slow process does not overwrite what another filled after the lease time', async () => {
    const fleet = new Fleet();
    const slowClock = fakeRuntime({ seed: 2 });
    const { wire } = fleet.join();
    // The server does not know the slow process's clock.
    wire.fate = () => ({});
    const slow = cistern({ name: 'shop', runtime: slowClock, remote: wire });
    const { shop: other } = fleet.join();
    const source = new Source();
    source.values.set('a', 'old');
    const define = { load: source.load, ttl: '5m', loadTimeout: '2s' } as const;
    const paused = slow.define('user', define);
    const users = other.define('user', define);
    source.hold();
    const late = paused.get('a');
    await slowClock.settle();
    await fleet.runtime.settle();
    expect(source.loads).toBe(1);
    const held = source.release.bind(source);
    const resume = Promise.withResolvers<void>();
    void resume.promise.then(held);
    source.values.set('a', 'new');
    const taken = users.get('a');
    // The lease time is the load's and one second more.
    await fleet.runtime.advance(3500);
    resume.resolve();
    await slowClock.settle();
    expect(await fleet.wait(taken)).toBe('new');
    expect(await slowClock.until(late)).toBe('old');
    await slowClock.advance(10);
    expect(paused.peek('a')).toBeUndefined();
    await fleet.runtime.advance(6000);
    expect(await fleet.wait(users.get('a'))).toBe('new');
  });
});

test('a refresh that loses to an invalidation keeps nothing', async () => {
  const fleet = new Fleet();
  const { shop } = fleet.join();
  const source = new Source();
  source.values.set('a', 'old');
  const users = shop.define('user', { load: source.load, ttl: '5m' });
  await fleet.wait(users.get('a'));
  source.hold();
  const refreshed = users.refresh('a');
  await fleet.runtime.settle();
  source.values.set('a', 'new');
  await fleet.wait(users.delete('a'));
  source.release();
  expect(await fleet.wait(refreshed)).toBe('old');
  await sleepAndSettle(fleet);
  expect(await fleet.wait(users.get('a'))).toBe('new');
});

async function sleepAndSettle(fleet: Fleet): Promise<void> {
  await fleet.wait(sleep(fleet.runtime, 10));
}
