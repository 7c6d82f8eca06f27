import { describe, expect, test } from 'vitest';
import { codeOf, Fleet, isRecord, sleep, Source } from './fleet.ts';

/** A loader that never settles, and whether it was told to stop. */
function hung() {
  const signals: AbortSignal[] = [];
  const load = (_id: string, { signal }: { readonly signal: AbortSignal }): Promise<string> => {
    signals.push(signal);
    return new Promise(() => undefined);
  };
  return { signals, load };
}

describe("the caller's deadline", () => {
  test('covers waiting for somebody else who has the lease', async () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.join(), fleet.join()];
    const { load } = hung();
    void a.shop
      .define('user', { load, ttl: '5m' })
      .get('a')
      .catch(() => undefined);
    await fleet.runtime.settle();
    const users = b.shop.define('user', { load, ttl: '5m' });
    const started = fleet.runtime.clock.read();
    expect(codeOf(await fleet.outcome(users.get('a', { deadline: 400 })))).toBe('CISTERN_DEADLINE');
    expect(fleet.runtime.clock.read() - started).toBe(400);
  });

  test('covers the remote read, the load and their sum', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    wire.fate = () => ({ before: 150 });
    const users = shop.define('user', {
      load: async (id: string) => {
        await sleep(fleet.runtime, 300);
        return id;
      },
      ttl: '5m',
    });
    const started = fleet.runtime.clock.read();
    expect(codeOf(await fleet.outcome(users.get('a', { deadline: 500 })))).toBe('CISTERN_DEADLINE');
    expect(fleet.runtime.clock.read() - started).toBe(500);
  });

  test('covers the remote write: nobody waits for it', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    wire.fate = (operation) => (operation.kind === 'set' ? { before: 900 } : undefined);
    const users = shop.define('user', { load: (id: string) => id, ttl: '5m' });
    await fleet.wait(users.get('warm the record'));
    const started = fleet.runtime.clock.read();
    expect(await fleet.wait(users.get('a', { deadline: 100 }))).toBe('a');
    expect(fleet.runtime.clock.read() - started).toBe(0);
  });

  test('covers the queue of loads', async () => {
    const fleet = new Fleet();
    const { load } = hung();
    const users = fleet.join().shop.define('user', { load, ttl: '5m', loads: { concurrent: 1 } });
    void users.get('first').catch(() => undefined);
    await fleet.runtime.settle();
    const started = fleet.runtime.clock.read();
    expect(codeOf(await fleet.outcome(users.get('second', { deadline: 250 })))).toBe('CISTERN_DEADLINE');
    expect(fleet.runtime.clock.read() - started).toBe(250);
  });

  test('covers a batch: one slow batch, each caller with its own deadline', async () => {
    const fleet = new Fleet();
    const signals: AbortSignal[] = [];
    const users = fleet.join().shop.define<string, string>('user', {
      load: () => new Promise<string>(() => undefined),
      loadMany: (_, { signal }) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
      absent: 'error',
      ttl: '5m',
    });
    const started = fleet.runtime.clock.read();
    const ended = [100, 200, 300].map(async (deadline) => {
      const error = await users.get(`id ${deadline}`, { deadline }).catch((thrown: unknown) => thrown);
      return [codeOf(error), fleet.runtime.clock.read() - started];
    });
    expect(await fleet.wait(Promise.all(ended))).toEqual([
      ['CISTERN_DEADLINE', 100],
      ['CISTERN_DEADLINE', 200],
      ['CISTERN_DEADLINE', 300],
    ]);
    expect(signals).toHaveLength(1);
    expect(signals[0]!.aborted).toBe(true);
  });

  test('is answered with the stale value where there is one', async () => {
    const fleet = new Fleet();
    const { load } = hung();
    const users = fleet.join().shop.define('user', { load, ttl: '1m', staleIfError: '1h', jitter: 0 });
    await fleet.wait(users.set('a', 'old'));
    await fleet.runtime.advance(61_000);
    const entry = await fleet.wait(users.entry('a', { deadline: 100 }));
    expect(entry).toMatchObject({ value: 'old', status: 'stale' });
    expect(codeOf(entry.error)).toBe('CISTERN_DEADLINE');
  });

  test('is not used up by a frozen remote tier: what is left is enough for a load', async () => {
    for (const known of [true, false]) {
      const fleet = new Fleet();
      const { shop, wire } = fleet.join({ remoteTimeout: '1s' });
      const users = shop.define('user', { load: (id: string) => id, ttl: '5m' });
      if (known) await fleet.wait(users.get('warm the record'));
      wire.frozen = true;
      // Shorter than the remote tier's timeout: a failing cache must not become the caller's error.
      expect(await fleet.outcome(users.get('a', { deadline: 500 }))).toBe('a');
    }
  });
});

describe('an aborted caller', () => {
  test('leaves with the reason of its signal, at once; the others get the value', async () => {
    const fleet = new Fleet();
    const source = new Source();
    source.values.set('a', 'value');
    const users = fleet.join().shop.define('user', { load: source.load, ttl: '5m' });
    source.hold();
    const leaving = new AbortController();
    const left = fleet.outcome(users.get('a', { signal: leaving.signal }));
    const staying = users.get('a');
    await fleet.runtime.settle();
    const reason = new Error('the client went away');
    leaving.abort(reason);
    expect(await left).toBe(reason);
    expect(source.signals[0]!.aborted).toBe(false);
    source.release();
    expect(await fleet.wait(staying)).toBe('value');
  });

  test('that is the last one aborts the loader, and the key is free', async () => {
    const fleet = new Fleet();
    const { signals, load } = hung();
    const users = fleet.join().shop.define('user', { load, ttl: '5m' });
    const callers = [new AbortController(), new AbortController()];
    const left = callers.map(({ signal }) => fleet.outcome(users.get('a', { signal })));
    await fleet.runtime.settle();
    callers[0]!.abort();
    await left[0];
    expect(signals[0]!.aborted).toBe(false);
    callers[1]!.abort();
    await left[1];
    expect(signals[0]!.aborted).toBe(true);
    void users.get('a').catch(() => undefined);
    await fleet.runtime.settle();
    expect(signals).toHaveLength(2);
  });

  test('that was aborted before asks nothing', async () => {
    const fleet = new Fleet();
    const { signals, load } = hung();
    const { shop, wire } = fleet.join();
    const users = shop.define('user', { load, ttl: '5m' });
    const reason = new Error('gone');
    expect(await fleet.outcome(users.get('a', { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect([signals.length, wire.asked.length]).toEqual([0, 0]);
  });

  test('in a request scope does not take the value from the others', async () => {
    const fleet = new Fleet();
    const source = new Source();
    source.values.set('a', 'value');
    const { shop } = fleet.join();
    const users = shop.define('user', { load: source.load, ttl: '5m' });
    source.hold();
    const leaving = new AbortController();
    const both = shop.request(async () => {
      const first = users.get('a', { signal: leaving.signal }).catch((error: unknown) => error);
      const second = users.get('a').catch((error: unknown) => error);
      return await Promise.all([first, second]);
    });
    await fleet.runtime.settle();
    leaving.abort(new Error('gone'));
    await fleet.runtime.settle();
    source.release();
    expect(await fleet.wait(both)).toEqual([new Error('gone'), 'value']);
  });

  test('leaves no listener behind on its signal', async () => {
    const fleet = new Fleet();
    const users = fleet.join().shop.define('user', { load: (id: string) => id, ttl: '5m', near: false });
    const listeners = new Set<unknown>();
    const signal = new AbortController().signal;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (type: string, listener: never) => {
      listeners.add(listener);
      add(type, listener);
    };
    signal.removeEventListener = (type: string, listener: never) => {
      listeners.delete(listener);
      remove(type, listener);
    };
    for (let read = 0; read < 20; read++) await fleet.wait(users.get(`id ${read}`, { signal }));
    expect(listeners.size).toBe(0);
  });
});

describe('a loader that never settles', () => {
  test('frees its key at the deadline, and its signal is aborted', async () => {
    const fleet = new Fleet();
    const { signals, load } = hung();
    const users = fleet.join().shop.define('user', { load, ttl: '5m', deadline: '1s' });
    expect(codeOf(await fleet.outcome(users.get('a')))).toMatch(/CISTERN_(DEADLINE|LOAD_TIMEOUT)/);
    expect(signals[0]!.aborted).toBe(true);
    void users.get('a').catch(() => undefined);
    await fleet.runtime.settle();
    expect(signals).toHaveLength(2);
  });

  test('is given up at the load timeout though callers would wait longer', async () => {
    const fleet = new Fleet();
    const { signals, load } = hung();
    const users = fleet.join().shop.define('user', { load, ttl: '5m', deadline: '1h', loadTimeout: '3s' });
    const started = fleet.runtime.clock.read();
    expect(codeOf(await fleet.outcome(users.get('a')))).toBe('CISTERN_LOAD_TIMEOUT');
    expect(fleet.runtime.clock.read() - started).toBe(3000);
    expect(signals[0]!.reason).toMatchObject({ code: 'CISTERN_LOAD_TIMEOUT' });
  });

  test('leaves at most so many zombies as loads may run at once', async () => {
    const fleet = new Fleet();
    const { signals, load } = hung();
    const users = fleet.join().shop.define('user', {
      load,
      ttl: '5m',
      deadline: '1s',
      loads: { concurrent: 5 },
    });
    const codes = new Set<unknown>();
    for (let round = 0; round < 20; round++) {
      const all = Array.from({ length: 10 }, (_, id) => users.get(`id ${id}`));
      for (const error of await fleet.outcomes(all)) codes.add(codeOf(error));
    }
    // As many abandoned as may run, and as many running: then the source is left alone.
    expect(signals.length).toBeLessThanOrEqual(10);
    expect(codes).toContain('CISTERN_LOAD_LIMIT');
  });

  test('is called only while somebody waits: places that free up go to nobody who has left', async () => {
    const fleet = new Fleet();
    const waiting: { id: string; end: () => void }[] = [];
    const load = (id: string): Promise<string> =>
      new Promise((resolve) => waiting.push({ id, end: () => resolve(id) }));
    const users = fleet.join({ remote: undefined as never }).shop.define('user', {
      load,
      ttl: '5m',
      deadline: '1s',
      loads: { concurrent: 2 },
    });
    const all = await fleet.outcomes(['a', 'b', 'c', 'd'].map((id) => users.get(id)));
    expect(all.map(codeOf)).toEqual(Array.from({ length: 4 }, () => 'CISTERN_DEADLINE'));
    // All four ran out at the same moment: c and d never got a place.
    expect(waiting.map(({ id }) => id)).toEqual(['a', 'b']);
    for (const { end } of waiting) end();
    await fleet.runtime.settle();
    const again = users.get('e');
    await fleet.runtime.settle();
    waiting.at(-1)!.end();
    expect(await fleet.wait(again)).toBe('e');
  });

  test('in the background does not hold its key: it is given up at the load timeout', async () => {
    const fleet = new Fleet();
    const { signals, load } = hung();
    const users = fleet.join().shop.define('user', {
      load,
      ttl: '1m',
      staleWhileRevalidate: '1h',
      loadTimeout: '2s',
      retryAfterError: 0,
      nearTtl: '2h',
      jitter: 0,
    });
    await fleet.wait(users.set('a', 'old'));
    await fleet.runtime.advance(61_000);
    expect(await fleet.wait(users.get('a'))).toBe('old');
    await fleet.runtime.advance(2000);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(await fleet.wait(users.get('a'))).toBe('old');
    await fleet.runtime.settle();
    expect(signals).toHaveLength(2);
  });
});

test('single flight is bounded: one caller more than maxWaiters is refused', async () => {
  const fleet = new Fleet();
  const source = new Source();
  source.values.set('a', 'value');
  const users = fleet.join().shop.define('user', { load: source.load, ttl: '5m', maxWaiters: 3 });
  source.hold();
  const all = fleet.outcomes(Array.from({ length: 5 }, () => users.get('a')));
  await fleet.runtime.settle();
  source.release();
  expect((await all).map(codeOf)).toEqual([
    'value',
    'value',
    'value',
    'CISTERN_LOAD_LIMIT',
    'CISTERN_LOAD_LIMIT',
  ]);
});

test('a loader is told when it will be given up, in Unix time', async () => {
  const fleet = new Fleet();
  const deadlines: number[] = [];
  const { shop, wire } = fleet.join();
  const users = shop.define<string, string>('user', {
    load: (id, { deadline }) => {
      deadlines.push(deadline - fleet.runtime.clock.wall());
      return id;
    },
    ttl: '5m',
    loadTimeout: '4s',
  });
  wire.fate = (operation) => (isRecord(operation) ? undefined : { before: 500 });
  await fleet.wait(users.get('a'));
  await fleet.wait(users.get('b', { deadline: '2s' }));
  expect(deadlines).toEqual([4000, 1500]);
});
