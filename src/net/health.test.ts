import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { echo, mute, World } from '../../test/net/made-up-protocol.ts';
import type { HealthSettings } from './health.ts';

let world: World;
let told: string[];
const down = (message: unknown): void => void told.push(`down ${(message as { store: string }).store}`);
const up = (message: unknown): void => void told.push(`up ${(message as { store: string }).store}`);
beforeEach(() => {
  told = [];
  subscribe('cistern:server-down', down);
  subscribe('cistern:server-up', up);
});
afterEach(async () => {
  unsubscribe('cistern:server-down', down);
  unsubscribe('cistern:server-up', up);
  await world.close();
  // oxlint-disable-next-line vitest/no-standalone-expect
  expect(world.runtime.timers, 'timers that still run').toBe(0);
});

function make(
  health: Partial<HealthSettings> = {},
  options: ConstructorParameters<typeof World>[1] = {},
  seed = 7,
): void {
  world = new World(seed, {
    pool: { initial: 1, max: 1, burst: 1, idle: 60_000 },
    health: { failures: 3, firstPause: 100, longestPause: 1000, ...health },
    ...options,
  });
}

const codeOf = (text: string): string | undefined => world.ask(text).failure?.code;

/** Turns of requests that nobody answers, a millisecond apart. */
async function unanswered(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    world.ask(`lost ${turn}`);
    await world.runtime.advance(1);
  }
}

/** Lets all that is on its way arrive: the network has timers of its own. */
async function arrived(): Promise<void> {
  world.runtime.network.delay = 0;
  await world.runtime.advance(100);
}

/** Lets time pass, and returns when connections were tried. */
async function attempts(milliseconds: number): Promise<readonly number[]> {
  const start = world.runtime.clock.read();
  const times = [];
  let { failed } = world.pool.statistics();
  for (let time = 0; time < milliseconds; time++) {
    await world.runtime.advance(1);
    const now = world.pool.statistics().failed;
    if (now !== failed) times.push(world.runtime.clock.read() - start);
    failed = now;
  }
  return times;
}

describe('what marks a server down', () => {
  test('three turns of requests in a row without an answer in time, however many requests', async () => {
    make();
    await world.runtime.settle();
    world.reply = mute;
    for (let each = 0; each < 40; each++) world.ask('together');
    await world.runtime.advance(1);
    world.ask('second');
    await world.runtime.advance(1);
    world.ask('third');
    await world.runtime.advance(49.5);
    expect([told, codeOf('x')]).toEqual([[], undefined]);
    await world.runtime.advance(1);
    expect(told).toEqual(['down box']);
    expect(world.ask('y').failure).toMatchObject({ code: 'CISTERN_DOWN', sent: false });
    expect(world.ask('y').failure!.error.message).toMatch(
      /^box is marked down: it did not answer within \d+ ms\. Requests/,
    );
  });

  test('not two turns, with an answer in time, and one more', async () => {
    make({}, { pool: { initial: 1, max: 1, burst: 0, idle: 60_000 } });
    await world.runtime.settle();
    for (let round = 0; round < 5; round++) {
      world.reply = mute;
      await unanswered(2);
      await world.runtime.advance(60);
      for (const peer of world.listener.peers) peer.write('lost 0\nlost 1\n');
      world.reply = echo;
      const good = await world.asked('good');
      expect(good.answer).toBe('good');
    }
    expect(told).toEqual([]);
  });

  test('answers that come too late are none: a server that is too slow is down', async () => {
    make({}, { pool: { initial: 1, max: 1, burst: 0, idle: 60_000 } });
    await world.runtime.settle();
    world.runtime.network.delay = 40;
    for (let turn = 0; turn < 50; turn++) {
      world.ask('slow');
      await world.runtime.advance(5);
    }
    expect(world.late.length).toBeGreaterThan(3);
    expect(told[0]).toBe('down box');
    await arrived();
  });

  test('callers with short deadlines of their own do not hide it, and do not cause it', async () => {
    make();
    await world.runtime.settle();
    world.runtime.network.delay = 10;
    for (let turn = 0; turn < 10; turn++) {
      world.ask('hasty', world.runtime.clock.read() + 5);
      await world.runtime.advance(30);
    }
    expect([told, world.late.length]).toEqual([[], 10]);
    world.reply = mute;
    for (let turn = 0; turn < 4; turn++) {
      world.ask('hasty', world.runtime.clock.read() + 5);
      await world.runtime.advance(20);
    }
    await world.runtime.advance(50);
    expect(told).toEqual(['down box']);
    await arrived();
  });

  test('three connections in a row that broke with requests on them', async () => {
    make();
    world.reply = (peer, text) => {
      if (text === 'hello\n') peer.write(text);
      else peer.cut();
    };
    for (let each = 0; each < 2; each++) await world.asked('x');
    expect(told).toEqual([]);
    await world.asked('x');
    expect([told, codeOf('x')]).toEqual([['down box'], 'CISTERN_DOWN']);
  });

  test('three that hung up before they served; a firewall that lets nothing through at once', async () => {
    make();
    world.reply = (peer) => peer.close();
    await world.runtime.settle();
    await world.asked('x');
    expect(told).toEqual([]);
    await world.asked('x');
    expect(told).toEqual(['down box']);
    await world.close();
    make();
    world.listener.answer = 'ignore';
    world.listener.cutAll();
    await world.runtime.settle();
    told = [];
    const waits = world.ask('x');
    await world.runtime.advance(51);
    expect(waits.failure?.code).toBe('CISTERN_TIMEOUT');
    await world.runtime.advance(950);
    expect(told).toEqual(['down box']);
  });

  test('a refused connection, at once', async () => {
    make();
    world.listener.answer = 'refuse';
    await world.runtime.settle();
    expect([told, codeOf('x')]).toEqual([['down box'], 'CISTERN_DOWN']);
  });

  test('three turns without an answer also where another connection was opened after the first, and cannot be had', async () => {
    make();
    await world.runtime.settle();
    world.listener.frozen = true;
    for (let turn = 0; turn < 3; turn++) {
      world.ask('x');
      await world.runtime.advance(60);
    }
    expect(told).toEqual(['down box']);
  });

  test('not a slow connection: whoever waits for it keeps his own time', async () => {
    make();
    world.runtime.network.delay = 200;
    const waits = world.ask('x');
    await world.runtime.advance(60);
    expect(waits.failure).toMatchObject({ code: 'CISTERN_TIMEOUT', sent: false });
    world.runtime.network.delay = 0;
    await unanswered(5);
    await world.runtime.advance(600);
    const later = await world.asked('x');
    expect([told, later.answer]).toEqual([[], 'x']);
  });

  test('not a slow connection whose waiting requests are answered a little later', async () => {
    make({}, { timeout: 50 });
    world.runtime.network.delay = 15;
    const asked = [];
    for (let turn = 0; turn < 45; turn++) {
      asked.push(world.ask('x'));
      await world.runtime.advance(1);
    }
    await world.runtime.advance(100);
    // Connected after 15 ms, greeted after 45; those that were asked first had only 5 ms left.
    expect(asked.filter((each) => each.failure !== undefined).length).toBeGreaterThan(5);
    expect(told).toEqual([]);
    await arrived();
  });

  test('not connections that the other side closes while nobody asks', async () => {
    make();
    for (let round = 0; round < 10; round++) {
      const good = await world.asked('x');
      expect(good.answer).toBe('x');
      for (const peer of world.listener.peers) peer.close();
      await world.runtime.advance(10);
    }
    expect(told).toEqual([]);
  });
});

describe('while it is down', () => {
  test('only single probes open connections: pauses double up to the longest, each shortened by up to half', async () => {
    make();
    world.listener.answer = 'refuse';
    await world.runtime.settle();
    for (let each = 0; each < 100; each++) codeOf('x');
    const times = await attempts(20_000);
    const pauses = times.map((time, index) => time - (times[index - 1] ?? 0));
    for (const [index, pause] of pauses.entries()) {
      const whole = Math.min(1000, 100 * 2 ** index);
      expect(pause).toBeGreaterThanOrEqual(whole / 2);
      expect(pause).toBeLessThanOrEqual(whole + 2);
    }
    expect(times.length).toBeGreaterThan(20);
    expect(times.length).toBeLessThan(45);
  });

  test('several connections that were refused together count as one attempt', async () => {
    make({ firstPause: 100 }, { pool: { initial: 5, max: 5, burst: 0, idle: 60_000 } });
    world.listener.answer = 'refuse';
    await world.runtime.settle();
    const [first] = await attempts(1000);
    expect(first).toBeLessThanOrEqual(101);
  });

  test('processes do not come in step: other seeds, other pauses', async () => {
    const firsts = new Set<number>();
    for (let seed = 1; seed <= 20; seed++) {
      make({ firstPause: 1000, longestPause: 1000 }, {}, seed);
      world.listener.answer = 'refuse';
      await world.runtime.settle();
      const [first] = await attempts(1001);
      firsts.add(first!);
      await world.close();
    }
    expect(firsts.size).toBeGreaterThan(12);
    make();
  });

  test('a hang is probed one connection at a time, and the probe that is answered brings it back', async () => {
    make();
    await world.runtime.settle();
    world.listener.frozen = true;
    await unanswered(3);
    await world.runtime.advance(60);
    expect(told).toEqual(['down box']);
    await world.runtime.advance(20_000);
    const { connecting, failed, open } = world.pool.statistics();
    expect(connecting).toBeLessThanOrEqual(1);
    // Each attempt takes the whole connectTimeout of a second.
    expect(failed).toBeLessThan(20);
    expect(open).toBe(0);
    world.listener.frozen = false;
    await world.runtime.advance(1100);
    expect(told).toEqual(['down box', 'up box']);
    const good = await world.asked('x');
    expect(good.answer).toBe('x');
  });

  test('late answers over old connections do not clear the mark; the probe does', async () => {
    make();
    await world.runtime.settle();
    world.reply = mute;
    await unanswered(3);
    await world.runtime.advance(50);
    expect(told).toEqual(['down box']);
    for (const peer of world.listener.peers) {
      if (world.byPeer[0]!.length > 1) peer.write('lost 0\nlost 1\nlost 2\n');
    }
    await world.runtime.settle();
    expect([world.late.length > 0, codeOf('x')]).toEqual([true, 'CISTERN_DOWN']);
    await world.runtime.advance(101);
    expect(told).toEqual(['down box', 'up box']);
  });

  test('what was sent before it was marked does not mark it again once it is back', async () => {
    make({ firstPause: 4, longestPause: 1000 }, { pool: { initial: 1, max: 1, burst: 3, idle: 60_000 } });
    await world.runtime.settle();
    world.reply = mute;
    // Sent for 50 ms before the first three of them are given up: all of them are lost, the server is well again.
    await unanswered(52);
    world.reply = echo;
    await world.runtime.advance(200);
    expect(told).toEqual(['down box', 'up box']);
  });

  test('it is probed no more often when it fails again soon: it answers probes and nothing else', async () => {
    make({ firstPause: 20 });
    await world.runtime.settle();
    world.reply = mute;
    for (let turn = 0; turn < 20_000; turn += 5) {
      world.ask('x');
      await world.runtime.advance(5);
    }
    const ups = told.filter((each) => each === 'up box').length;
    expect(ups).toBeGreaterThan(10);
    // A second of pause, three timeouts: some 0.8 s a round once the pause has grown.
    expect(ups).toBeLessThan(40);
    expect(world.listener.peers.size).toBeLessThanOrEqual(3);
  });
});

test('the old connections of a server that is too slow make room for the probes', async () => {
  make({ firstPause: 20, longestPause: 20 });
  await world.runtime.settle();
  world.runtime.network.delay = 30;
  let most = 0;
  for (let turn = 0; turn < 2000; turn++) {
    world.ask('slow');
    await world.runtime.advance(2);
    const { open, connecting } = world.pool.statistics();
    most = Math.max(most, open + connecting);
  }
  expect(told.length).toBeGreaterThan(10);
  expect(most).toBeLessThanOrEqual(2);
  await arrived();
});
