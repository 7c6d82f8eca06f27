import { channel } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Events } from '../../core/events.ts';
import type { Operation } from '../../core/store.ts';
import { type FakeRuntime, fakeRuntime } from '../../testing/fake-runtime.ts';
import { Journal, type JournalOptions } from './journal.ts';
import type { LostWrite } from './lost-write.ts';
import type { Mender, ServerJournal } from './server-journal.ts';

const life = { freshFor: 1000, staleFor: 0 };
const value = new Uint8Array(1);
const deadline = Infinity;
const remove = (key: string): Operation => ({ kind: 'delete', key, deadline });
const set = (key: string): Operation => ({ kind: 'set', mode: 'set', key, value, flags: 0, life, deadline });
const lostBecause = new Error('on purpose');

/** A server that confirms what it is told to. */
class Patient implements Mender {
  up = true;
  /** Keys that it never confirms. */
  readonly stubborn = new Set<string>();
  readonly rounds: (readonly string[])[] = [];
  renewals = 0;
  held: Error | undefined;
  /** Set: answers wait for it. */
  gate: Promise<void> | undefined;
  readonly renew: () => Promise<boolean> = async () => {
    this.renewals++;
    await this.gate;
    return this.up;
  };

  async remove(lost: readonly LostWrite[]): Promise<readonly boolean[]> {
    this.rounds.push(lost.map((each) => each.key));
    const { up } = this;
    await this.gate;
    return lost.map((each) => up && !this.stubborn.has(each.key));
  }

  hold(error: Error | undefined): void {
    this.held = error;
  }
}

let runtime: FakeRuntime;
let journal: Journal;
let server: Patient;
let part: ServerJournal;
let told: Events['journal'][];
const listen = (message: unknown): void => void told.push(message as Events['journal']);

function open(options: JournalOptions = {}): void {
  journal = new Journal('main', options, runtime);
  server = new Patient();
  part = journal.join('a', server);
}

/** In memory nobody has to wait for it. */
function lose(operation: Operation, applied: 'no' | 'unknown' = 'no', into = part): void {
  expect(into.failed(operation, applied, lostBecause)).toBeUndefined();
}

beforeEach(() => {
  runtime = fakeRuntime({ seed: 5 });
  told = [];
  channel('cistern:journal').subscribe(listen);
  open();
});
afterEach(async () => {
  channel('cistern:journal').unsubscribe(listen);
  await runtime.until(journal.close());
  if (runtime.timers > 0) throw new Error(`${runtime.timers} timers are left`);
});

describe('what is a record', () => {
  const cas = '1';
  test.each<[Operation, boolean]>([
    [remove('k'), true],
    [{ ...remove('k'), staleFor: 1000 } as Operation, true],
    [{ kind: 'touch', key: 'k', life, deadline }, true],
    [set('k'), true],
    [{ ...set('k'), mode: 'replace' } as Operation, true],
    [{ ...set('k'), mode: 'append' } as Operation, true],
    [{ ...set('k'), mode: 'add' } as Operation, false],
    [{ ...set('k'), cas } as Operation, false],
    [{ ...set('k'), copy: 0 } as Operation, false],
    [{ ...remove('k'), cas } as Operation, false],
    [{ kind: 'get', key: 'k', touch: life, deadline }, false],
    [{ kind: 'count', key: 'k', delta: 1n, deadline }, false],
    [{ kind: 'release', key: 'k', right: 'lease', cas, deadline }, false],
  ])('%o: %s', (operation, recorded) => {
    expect(part.failed(operation, 'no', lostBecause)).toBeUndefined();
    expect(part.size).toBe(recorded ? 1 : 0);
    expect(part.closes('k')).toBe(recorded);
  });

  test('one of a key, whatever was lost; other keys stay open', () => {
    lose(remove('k'));
    lose(set('k'), 'unknown');
    lose(remove('k'));
    expect(journal.statistics()).toMatchObject({ lost: 3, pending: 1 });
    expect(part.closes('other')).toBe(false);
  });
});

describe('repair', () => {
  test('by removal, until it is confirmed; then the key is open again', async () => {
    server.up = false;
    lose(remove('k'), 'unknown');
    await runtime.advance(5000);
    expect(server.rounds.length).toBeGreaterThan(3);
    expect(part.closes('k')).toBe(true);
    server.up = true;
    await runtime.advance(10_000);
    expect(part.closes('k')).toBe(false);
    expect(journal.statistics()).toMatchObject({ lost: 1, repaired: 1, pending: 0, bytes: 0, oldest: 0 });
    expect(told.map((each) => [each.state, each.key, each.server, each.pending])).toEqual([
      ['lost', 'k', 'a', 1],
      ['repaired', 'k', 'a', 0],
    ]);
    expect(told[0]!.error).toBe(lostBecause);
  });

  test('a dead server is asked ever less often, and never in step with others', async () => {
    server.up = false;
    lose(remove('k'));
    const times: number[] = [];
    const original = server.remove.bind(server);
    server.remove = async (lost) => {
      times.push(runtime.clock.read());
      return await original(lost);
    };
    await runtime.advance(120_000);
    const pauses = times.slice(1).map((time, index) => time - times[index]!);
    expect(pauses.length).toBeLessThan(32);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(10_001);
    expect(Math.min(...pauses.slice(8))).toBeGreaterThanOrEqual(5000);
    expect(new Set(pauses.map(Math.round)).size).toBeGreaterThan(pauses.length / 2);
  });

  test('at once when the server answers again', async () => {
    server.up = false;
    lose(remove('k'));
    await runtime.advance(60_000);
    server.up = true;
    part.up();
    await runtime.settle();
    expect(part.size).toBe(0);
  });

  test('only a removal that was asked after the newest loss settles it', async () => {
    const gate = Promise.withResolvers<void>();
    server.gate = gate.promise;
    lose(remove('k'));
    await runtime.advance(200);
    expect(server.rounds).toEqual([['k']]);
    lose(set('k'));
    server.gate = undefined;
    gate.resolve();
    await runtime.settle();
    expect(server.rounds).toEqual([['k'], ['k']]);
    expect(part.size).toBe(0);
  });

  test('a value that may still land is looked after once more, later; the key is open meanwhile', async () => {
    lose(set('k'), 'unknown');
    await runtime.advance(1000);
    expect(server.rounds).toEqual([['k']]);
    expect([part.size, part.closes('k')]).toEqual([1, false]);
    await runtime.advance(8000);
    expect(server.rounds).toHaveLength(1);
    await runtime.advance(3000);
    expect(server.rounds).toEqual([['k'], ['k']]);
    expect(part.size).toBe(0);
  });

  test('a value that may still land is not forgotten for what was lost after it', async () => {
    lose(set('k'), 'unknown');
    lose(remove('k'));
    await runtime.advance(15_000);
    expect(server.rounds).toEqual([['k'], ['k']]);
  });

  test.each(['no', 'unknown'] as const)(
    'a lost delete (%s) and a lost set that was not sent need one',
    async (applied) => {
      lose(remove('k'), applied);
      lose(set('l'));
      await runtime.advance(30_000);
      expect(server.rounds).toEqual([['k', 'l']]);
    },
  );

  test('what can never be removed keeps nobody waiting', async () => {
    for (let index = 0; index < 300; index++) {
      const key = `stubborn${index}`;
      server.stubborn.add(key);
      lose(remove(key));
    }
    lose(remove('k'));
    await runtime.advance(2000);
    expect(part.closes('k')).toBe(false);
    expect(part.size).toBe(300);
    expect(Math.max(...server.rounds.map((each) => each.length))).toBeLessThanOrEqual(128);
  });

  test('a key whose entry cannot live any more is forgotten', async () => {
    server.up = false;
    lose(remove('k'));
    await runtime.advance(29 * 24 * 3_600_000);
    expect(part.size).toBe(1);
    await runtime.advance(2 * 24 * 3_600_000);
    expect(journal.statistics()).toMatchObject({ pending: 0, bytes: 0, repaired: 0 });
  });

  test('what is owed waits for the next store of the server', async () => {
    server.up = false;
    lose(remove('k'));
    await runtime.advance(1000);
    part.leave(server);
    const rounds = server.rounds.length;
    await runtime.advance(60_000);
    expect(server.rounds).toHaveLength(rounds);
    const next = new Patient();
    expect(journal.join('a', next)).toBe(part);
    await runtime.settle();
    expect(next.rounds).toEqual([['k']]);
    // The former store is closed at last: the next one has come meanwhile.
    part.leave(server);
    lose(remove('k'));
    await runtime.advance(1000);
    expect(next.rounds).toEqual([['k'], ['k']]);
  });
});

describe('when there is no room', () => {
  test.each<JournalOptions>([{ maxEntries: 100 }, { maxBytes: 100 * 243 }])(
    '%o: nothing is dropped, the server is held until it has a new incarnation',
    async (limits) => {
      open(limits);
      server.up = false;
      for (let index = 0; index < 100; index++) lose(remove(`k${index}`));
      expect(server.held).toBeUndefined();
      lose(remove('one too many'));
      expect(server.held).toBeInstanceOf(Error);
      expect(journal.statistics()).toMatchObject({
        pending: 0,
        bytes: 0,
        dropped: 0,
        fenced: 0,
        servers: [{ server: 'a', fencing: true }],
      });
      await runtime.advance(5000);
      expect(server.held).toBeInstanceOf(Error);
      server.up = true;
      await runtime.advance(10_000);
      expect(server.held).toBeUndefined();
      expect(journal.statistics()).toMatchObject({ fenced: 1, servers: [{ fencing: false }] });
      expect(server.rounds.flat()).not.toContain('one too many');
      expect(told.map((each) => each.state).filter((each) => each !== 'lost')).toEqual([
        'overflowed',
        'fenced',
      ]);
    },
  );

  test('the server that is owed most is the one', async () => {
    open({ maxEntries: 10 });
    const other = new Patient();
    server.up = other.up = false;
    const second = journal.join('b', other);
    for (let index = 0; index < 3; index++) lose(remove(`k${index}`));
    for (let index = 0; index < 8; index++) lose(remove(`k${index}`), 'no', second);
    expect([server.held, part.size]).toEqual([undefined, 3]);
    expect(other.held).toBeInstanceOf(Error);
  });

  test('what is lost before the new incarnation is asked for is covered, what is lost meanwhile is not', async () => {
    open({ maxEntries: 2 });
    for (const key of ['a', 'b', 'c']) lose(remove(key));
    lose(remove('covered'));
    const gate = Promise.withResolvers<void>();
    server.gate = gate.promise;
    await runtime.advance(200);
    expect(server.renewals).toBe(1);
    lose(remove('meanwhile'));
    server.gate = undefined;
    gate.resolve();
    await runtime.settle();
    expect(server.rounds).toEqual([['meanwhile']]);
    expect(journal.statistics()).toMatchObject({ pending: 0, fenced: 1 });
  });

  test('no room again while it is asked for: another one after it, and the server stays held', async () => {
    open({ maxEntries: 2 });
    for (const key of ['a', 'b', 'c']) lose(remove(key));
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    server.gate = gates[0]!.promise;
    await runtime.advance(200);
    for (const key of ['d', 'e', 'f']) lose(remove(key));
    server.gate = gates[1]!.promise;
    gates[0]!.resolve();
    await runtime.settle();
    expect([server.renewals, server.held]).toEqual([2, expect.any(Error)]);
    gates[1]!.resolve();
    await runtime.settle();
    expect([server.renewals, server.held]).toEqual([2, undefined]);
  });

  test('without a fence the oldest are dropped, and told of', async () => {
    open({ maxEntries: 10 });
    const plain: Mender = { remove: async (lost) => lost.map(() => false), hold: () => undefined };
    const unfenced = journal.join('b', plain);
    for (let index = 0; index < 15; index++) lose(remove(`k${index}`), 'no', unfenced);
    expect(journal.statistics().dropped).toBe(5);
    expect([unfenced.closes('k4'), unfenced.closes('k5'), unfenced.size]).toEqual([false, true, 10]);
    expect(told.filter((each) => each.state === 'dropped')).toHaveLength(5);
  });

  test('a million losses take no more memory than allowed', () => {
    open({ maxEntries: 1e9, maxBytes: '1mb' });
    server.up = false;
    let most = 0;
    for (let index = 0; index < 1e6; index++) {
      lose(remove(`key:${index}`));
      if (index % 1000 === 0) most = Math.max(most, journal.statistics().bytes);
    }
    expect(most).toBeLessThanOrEqual(1_048_576);
  });
});

describe('flush', () => {
  test('repairs now, and says whether nothing is owed', async () => {
    for (let index = 0; index < 1000; index++) lose(remove(`k${index}`));
    expect(await runtime.until(journal.flush(1000))).toBe(true);
    expect(server.rounds.flat()).toHaveLength(1000);
    expect(await runtime.until(journal.flush(1000))).toBe(true);
  });

  test('ends at once when nothing more can be done', async () => {
    server.up = false;
    lose(remove('k'));
    const before = runtime.clock.read();
    expect(await runtime.until(journal.flush(5000))).toBe(false);
    expect(runtime.clock.read() - before).toBeLessThan(100);
  });

  test('ends in time when a server does not answer', async () => {
    server.gate = new Promise(() => undefined);
    lose(remove('k'));
    const before = runtime.clock.read();
    expect(await runtime.until(journal.flush(500))).toBe(false);
    expect(runtime.clock.read() - before).toBeLessThanOrEqual(501);
  });

  test('a value that may land later does not hold it up', async () => {
    lose(set('k'), 'unknown');
    expect(await runtime.until(journal.flush(5000))).toBe(false);
    expect([server.rounds, part.closes('k')]).toEqual([[['k']], false]);
    // Nothing is left but what has to wait.
    const before = runtime.clock.read();
    expect(await runtime.until(journal.flush(5000))).toBe(false);
    expect([server.rounds.length, runtime.clock.read() - before]).toEqual([1, 0]);
    await runtime.advance(11_000);
    expect(await runtime.until(journal.flush(5000))).toBe(true);
    expect(server.rounds).toEqual([['k'], ['k']]);
  });
});

test('how old the oldest is', async () => {
  server.up = false;
  lose(remove('k'));
  await runtime.advance(3000);
  lose(remove('l'));
  await runtime.advance(1000);
  expect(journal.statistics().oldest).toBe(4000);
  expect(journal.statistics().servers).toEqual([{ server: 'a', pending: 2, oldest: 4000, fencing: false }]);
});

test.each([{ path: '' }, { path: 7 }, { maxEntries: 0 }, { maxEntries: 1.5 }, { maxBytes: 'much' }])(
  '%o is refused, by name',
  (options) => {
    expect(() => new Journal('main', options as never, runtime)).toThrow(
      `'journal.${Object.keys(options)[0]}'`,
    );
  },
);
