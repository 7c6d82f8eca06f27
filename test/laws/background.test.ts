import { strict as assert } from 'node:assert';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cistern, type Codec, type CodecStep, memory, type Store } from '../../src/index.ts';
import type { Reply } from '../../src/core/store.ts';
import { fakeRuntime } from '../../src/testing.ts';
import { codeOf, Fleet, isRecord } from './fleet.ts';

const unhandled: unknown[] = [];
const listen = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', listen);
});

afterEach(async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', listen);
  assert.deepEqual(unhandled.slice(0, 1), []);
});

function boom(): never {
  throw new Error('boom');
}

const spans = {
  ttl: '1m',
  staleWhileRevalidate: '1h',
  staleIfError: '2h',
  retryAfterError: 0,
  jitter: 0,
  nearTtl: '3h',
} as const;

/** Everything a program does with a cache, whatever comes of it: all of it must settle, and the last read give a value or an error. */
async function exercise(fleet: Fleet, define: object, options: object = {}): Promise<readonly unknown[]> {
  const { shop } = fleet.join(options);
  const users = shop.define<string, unknown>('user', {
    ...spans,
    load: (id: string) => `value ${id}`,
    ...define,
  });
  const asked: (() => Promise<unknown>)[] = [
    () => users.get('a'),
    () => users.get('a'),
    () => users.set('b', { set: true }),
    () => users.getMany(['a', 'b', 'c']),
    () => users.entries(['a', 'd']),
    () => users.expire('a'),
    () => users.get('a'),
    () => users.refresh('a'),
    () => users.mutate('a', () => 1, { also: () => ['b'] }),
    () => users.delete('b'),
    () => users.warm(['e', 'f']),
    () => shop.request(async () => await users.get('g')),
    () => shop.getOrSet('h', { ttl: '1m' }, () => 'ad hoc'),
    () => users.clear(),
  ];
  const answers: unknown[] = [];
  for (const ask of asked) {
    answers.push(await fleet.outcome((async () => await ask())()));
    await fleet.runtime.advance(61_000);
  }
  answers.push(users.peek('a'), users.stats());
  await fleet.wait(shop.close());
  expect(fleet.runtime.timers).toBeLessThanOrEqual(2);
  return answers;
}

describe('nothing makes an unhandled rejection, and everything settles', () => {
  const rejecting: () => Promise<never> = () => Promise.reject(new Error('boom'));
  const schemaOf = (validate: () => unknown) => ({ '~standard': { version: 1, vendor: 'test', validate } });
  const cases: Record<string, object> = {
    'load throws': { load: boom },
    'load rejects': { load: rejecting },
    'load rejects with undefined': { load: async () => await Promise.reject(undefined as unknown as Error) },
    'load answers undefined': { load: () => undefined },
    'loadMany throws': { loadMany: boom },
    'loadMany rejects': { loadMany: rejecting },
    'loadMany answers nonsense': { loadMany: () => 5 },
    'loadMany answers an array that is too short': { loadMany: () => [1] },
    'loadMany answers bad keys': {
      loadMany: () =>
        new Map<unknown, unknown>([
          [null, 1],
          [{}, 2],
        ]),
    },
    'key throws': { key: boom },
    'key answers nothing': { key: () => undefined },
    'key answers an empty tuple': { key: () => [] },
    'key answers an object': { key: () => [{}] },
    'ttl throws': { ttl: boom },
    'ttl rejects': { ttl: rejecting },
    'ttl answers nonsense': { ttl: () => 'soon' },
    'the schema throws': { value: schemaOf(boom), near: false },
    'the schema rejects': { value: schemaOf(rejecting), near: false },
    'the schema answers nonsense': { value: schemaOf(() => undefined), near: false },
    'the schema refuses': { value: schemaOf(() => ({ issues: [{ message: 'no' }] })), near: false },
    'the value throws when it is looked at': {
      load: () =>
        new Proxy({}, { get: boom, ownKeys: boom, getPrototypeOf: boom, getOwnPropertyDescriptor: boom }),
    },
    'the value cannot be stored': { load: () => ({ fn: boom, symbol: Symbol('x') }) },
    'the value is too large': { load: () => 'x'.repeat(2000), maxValueBytes: 100 },
  };
  for (const [name, define] of Object.entries(cases)) {
    test(`when ${name}`, async () => {
      const answers = await exercise(new Fleet(), define);
      expect(answers).toHaveLength(16);
    });
  }

  test('when the background hook throws or rejects', async () => {
    for (const background of [boom, rejecting as () => never]) {
      const answers = await exercise(new Fleet(), {}, { background });
      expect(answers[0]).toBe('value a');
    }
  });

  test('when codecs and steps throw', async () => {
    const codec = (part: Partial<Codec>): Codec => ({
      name: 'broken',
      encode: () => new Uint8Array(1),
      decode: () => 'decoded',
      ...part,
    });
    const step = (part: Partial<CodecStep>): CodecStep => ({
      id: 1,
      name: 'broken',
      encode: (bytes) => bytes,
      decode: (bytes) => bytes,
      ...part,
    });
    const nonsense = (() => 5) as never;
    for (const options of [
      { codec: codec({ encode: boom }) },
      { codec: codec({ decode: boom }) },
      { codec: codec({ encode: nonsense }) },
      { codec: codec({ encode: rejecting as never }) },
      { codecSteps: [step({ encode: boom })] },
      { codecSteps: [step({ decode: boom })] },
      { codecSteps: [step({ encode: nonsense, decode: nonsense })] },
    ]) {
      const answers = await exercise(new Fleet(), { near: false }, options);
      expect(answers[0]).toBe('value a');
      expect(answers[1]).toMatch(/value a|decoded/);
    }
  });

  const nonsense: readonly unknown[] = [
    undefined,
    null,
    5,
    {},
    { kind: 'nonsense' },
    { kind: 'hit' },
    { kind: 'miss' },
  ];
  const stores: Record<string, () => unknown> = {
    'throws at once': boom,
    rejects: rejecting,
    'rejects with undefined': async () => await Promise.reject(undefined as unknown as Error),
    'answers no promise': () => undefined,
    ...Object.fromEntries(nonsense.map((reply) => [`answers ${JSON.stringify(reply)}`, async () => reply])),
    'answers too late': () => new Promise(() => undefined),
  };
  for (const [name, execute] of Object.entries(stores)) {
    test(`when the store ${name}: the loader answers all the same`, async () => {
      const fleet = new Fleet();
      const remote = { name: 'broken', parts: [], execute, close: async () => undefined } as unknown as Store;
      const answers = await exercise(fleet, {}, { remote });
      expect(answers[0]).toBe('value a');
      expect(answers[6]).toBe('value a');
      expect(answers[12]).toBe('ad hoc');
    });
    test(`when the store ${name} to entries only`, async () => {
      const fleet = new Fleet();
      const inner = memory({ runtime: fleet.runtime });
      const remote: Store = {
        name: 'broken',
        parts: [],
        execute: (operation) =>
          isRecord(operation) ? inner.execute(operation) : (execute() as Promise<Reply>),
        close: async () => undefined,
      };
      const answers = await exercise(fleet, {}, { remote });
      expect(answers[0]).toBe('value a');
      expect(answers[6]).toBe('value a');
    });
  }

  test('when also() rejects or answers bad ids', async () => {
    const fleet = new Fleet();
    const users = fleet.join().shop.define('user', { load: (id: string) => id, ttl: '1m' });
    const first = users.mutate('a', () => 1, { also: rejecting as never });
    expect(await fleet.outcome(first)).toBeInstanceOf(Error);
    const second = users.mutate('a', () => 1, { also: () => [null as never, 'b'] });
    // The write was made, so its result is not lost; what could not be invalidated is told.
    expect(await fleet.outcome(second)).toEqual({ result: 1, confirmed: false });
  });

  test('when nobody waits for the answer of a get that fails in the background', async () => {
    const fleet = new Fleet();
    const users = fleet.join().shop.define<string, string>('user', { ...spans, load: boom });
    await fleet.wait(users.set('a', 'old'));
    await fleet.runtime.advance(61_000);
    expect(await fleet.wait(users.get('a'))).toBe('old');
    await fleet.runtime.advance(10_000);
    expect(await fleet.wait(users.get('a'))).toBe('old');
  });
});

describe('the background hook', () => {
  test('is given all work that goes on after its caller was answered, and each promise is fulfilled', async () => {
    const fleet = new Fleet();
    const given: Promise<void>[] = [];
    const { shop, wire } = fleet.join({ background: (work) => void given.push(work) });
    let fails = false;
    const users = shop.define('user', { ...spans, load: (id: string) => (fails ? boom() : id) });
    wire.fate = (operation) => (operation.kind === 'set' ? { after: 100 } : undefined);
    await fleet.wait(users.get('a'));
    expect(given.length).toBeGreaterThanOrEqual(1);
    const filled = Promise.all(given);
    expect(users.peek('a')).toBeUndefined();
    await fleet.wait(filled);
    expect(users.peek('a')).toBe('a');
    await fleet.runtime.advance(61_000);
    const before = given.length;
    fails = true;
    expect(await fleet.wait(users.get('a'))).toBe('a');
    expect(given.length).toBeGreaterThan(before);
    expect(await fleet.wait(Promise.all(given))).toEqual(given.map(() => undefined));
  });

  test('nothing needs a listener for errors', async () => {
    const shop = cistern({ name: 'shop', runtime: fakeRuntime({ seed: 1 }) });
    expect('on' in shop).toBe(false);
    expect(shop.define('user', { load: boom, ttl: '1m' }).name).toBe('user');
    await shop.close();
  });
});

describe('close', () => {
  test('drains background work, and then refuses all use; twice is once', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const users = shop.define('user', { load: (id: string) => id, ttl: '1m' });
    wire.fate = (operation) =>
      operation.kind === 'set' && !isRecord(operation) ? { before: 500 } : undefined;
    await fleet.wait(users.get('a'));
    const started = fleet.runtime.clock.read();
    await fleet.wait(Promise.all([shop.close(), shop.close()]));
    expect(fleet.runtime.clock.read() - started).toBe(500);
    await fleet.wait(shop.close());
    for (const use of [
      () => users.get('a'),
      () => users.getMany(['a']),
      () => users.entry('a'),
      () => users.entries(['a']),
      () => users.set('a', 'x'),
      () => users.delete('a'),
      () => users.expire('a'),
      () => users.refresh('a'),
      () => users.clear(),
      () => users.mutate('a', () => 1),
      () => shop.getOrSet('k', { ttl: '1m' }, () => 1),
      () => shop.delete('k'),
    ]) {
      expect(codeOf(await fleet.outcome((async () => await use())()))).toBe('CISTERN_CLOSED');
    }
    expect(users.peek('a')).toBeUndefined();
    expect(() => shop.define('late', { load: () => 1, ttl: 1 })).toThrow(/used after close/);
    expect(fleet.runtime.timers).toBe(1);
    // What was filled is there for the others: the store is not ours to close.
    const other = fleet.join().shop.define('user', { load: () => 'loaded anew', ttl: '1m' });
    expect(await fleet.wait(other.get('a' as never))).toBe('a');
  });

  test('waits for hanging background work no longer than closeTimeout', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join({ closeTimeout: '2s' });
    const users = shop.define<string, string>('user', {
      ...spans,
      load: () => new Promise<string>(() => undefined),
    });
    await fleet.wait(users.set('a', 'old'));
    await fleet.runtime.advance(61_000);
    await fleet.wait(users.get('a'));
    const started = fleet.runtime.clock.read();
    await fleet.wait(shop.close());
    expect(fleet.runtime.clock.read() - started).toBe(2000);
  });

  test('rejects everybody who waits with CISTERN_CLOSED and aborts their loaders, superseded ones too', async () => {
    const fleet = new Fleet();
    const signals: AbortSignal[] = [];
    const { shop } = fleet.join();
    const users = shop.define<string, string>('user', {
      load: (_, { signal }) => {
        signals.push(signal);
        return new Promise<string>(() => undefined);
      },
      ttl: '1m',
    });
    const waiting = [users.get('a'), users.get('b')];
    await fleet.runtime.settle();
    await fleet.wait(users.delete('a'));
    waiting.push(users.get('a'), users.refresh('c'), users.get(null as never));
    waiting.push(users.mutate('d', async () => await users.get('e')) as never);
    await fleet.runtime.settle();
    const codes = fleet.outcomes(waiting);
    await fleet.wait(shop.close());
    expect((await codes).map(codeOf)).toEqual(waiting.map(() => 'CISTERN_CLOSED'));
    expect(signals.map(({ aborted }) => aborted)).toEqual(signals.map(() => true));
  });

  test('is what await using does', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    let users;
    {
      await using shop = cistern({ name: 'shop', runtime });
      users = shop.define('user', { load: (id: string) => id, ttl: '1m' });
      expect(await runtime.until(users.get('a'))).toBe('a');
    }
    await expect(users.get('b')).rejects.toMatchObject({ code: 'CISTERN_CLOSED' });
  });
});
