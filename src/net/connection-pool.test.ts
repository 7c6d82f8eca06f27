import { afterEach, describe, expect, test } from 'vitest';
import { echo, mute, type Question, World } from '../../test/net/made-up-protocol.ts';
import type { PoolSettings } from './connection-pool.ts';

let world: World;
afterEach(async () => {
  await world.close();
  // oxlint-disable-next-line vitest/no-standalone-expect
  expect(world.runtime.timers, 'timers that still run').toBe(0);
});

function make(pool: Partial<PoolSettings>, options: ConstructorParameters<typeof World>[1] = {}): void {
  world = new World(7, {
    pool: { initial: 1, max: 1, burst: 0, idle: 60_000, ...pool },
    maxInFlight: 10_000,
    maxBytesInFlight: 10_000_000,
    ...options,
  });
}

function askMany(count: number, text = 'x'): Question[] {
  return Array.from({ length: count }, (_, index) => world.ask(`${text}${index}`));
}

describe('the first connections', () => {
  test('are opened before anybody asks, and serve nothing but requests', async () => {
    make({ initial: 3 });
    await world.runtime.settle();
    expect(world.pool.statistics()).toMatchObject({ open: 3, opened: 3, connecting: 0 });
    await world.runtime.advance(600_000);
    expect(world.listener.peers.size).toBe(3);
    expect(world.received).toEqual(['hello\n', 'hello\n', 'hello\n']);
  });

  test('hang up, and are opened again by the next requests, up to as many as before', async () => {
    make({ initial: 3 });
    await world.runtime.settle();
    for (const peer of world.listener.peers) peer.close();
    await world.runtime.advance(10_000);
    expect(world.listener.accepted).toBe(3);
    const asked = [];
    for (let turn = 0; turn < 5; turn++) asked.push(await world.asked('x'));
    expect(asked.map((each) => each.answer)).toEqual(Array.from({ length: 5 }, () => 'x'));
    expect(world.pool.statistics()).toMatchObject({ open: 3, opened: 6, closed: 3, marks: 0 });
  });

  test('come back with the server', async () => {
    make({ initial: 3 });
    await world.runtime.settle();
    world.listener.answer = 'refuse';
    world.listener.cutAll();
    await world.runtime.settle();
    await world.asked('x');
    expect(world.pool.statistics()).toMatchObject({ down: true, open: 0 });
    world.listener.answer = 'accept';
    await world.runtime.advance(2000);
    expect(world.pool.statistics()).toMatchObject({ down: false, open: 3 });
  });
});

describe('which connection', () => {
  test('all of one turn goes over one, in order; the next turn over the one with the least to do', async () => {
    make({ initial: 2, max: 2 });
    await world.runtime.settle();
    world.received.length = 0;
    world.reply = mute;
    askMany(10);
    await world.runtime.settle();
    askMany(3, 'y');
    await world.runtime.settle();
    askMany(3, 'z');
    await world.runtime.settle();
    expect(world.received.map((text) => text.split('\n').length - 1)).toEqual([10, 3, 3]);
    expect(world.received[0]).toBe('x0\nx1\nx2\nx3\nx4\nx5\nx6\nx7\nx8\nx9\n');
    expect(world.byPeer.map((texts) => texts.join(''))).toEqual([
      `hello\n${world.received[0]}`,
      `hello\n${world.received[1]}${world.received[2]}`,
    ]);
  });

  test('another one is opened when all have 256 requests under way, up to max', async () => {
    make({ max: 3 });
    await world.runtime.settle();
    world.reply = mute;
    const counts = [];
    for (let turn = 0; turn < 10; turn++) {
      askMany(130);
      await world.runtime.settle();
      counts.push(world.listener.accepted);
    }
    expect(counts).toEqual([1, 1, 2, 2, 2, 3, 3, 3, 3, 3]);
  });

  test('a stuck one is passed by: what is asked later is answered over another', async () => {
    make({ burst: 1 });
    await world.runtime.settle();
    const [first] = world.listener.peers;
    world.reply = (peer, text) => {
      if (peer !== first) peer.write(text);
    };
    const lost = world.ask('lost');
    await world.runtime.advance(51);
    expect(lost.failure?.code).toBe('CISTERN_TIMEOUT');
    world.runtime.network.delay = 5;
    const [a, b] = [await world.asked('a'), await world.asked('b')];
    await world.runtime.advance(40);
    expect([a.answer, b.answer]).toEqual(['a', 'b']);
    world.runtime.network.delay = 0;
    await world.runtime.advance(10);
    expect(world.pool.statistics()).toMatchObject({ open: 2, down: false });
  });

  test('one whose socket takes no more is passed by as well', async () => {
    make({ burst: 1 });
    await world.runtime.settle();
    world.runtime.network.window = 100;
    world.runtime.network.delay = 20;
    world.reply = (peer, text) => {
      peer.write(text.startsWith('put') ? 'put\n' : text);
    };
    const big = world.ask('put', undefined, Buffer.alloc(200, 0x78));
    await world.runtime.settle();
    world.runtime.network.delay = 0;
    await world.asked('a');
    const small = await world.asked('b');
    expect([small.answer, big.settled]).toEqual(['b', 0]);
    await world.runtime.advance(40);
    expect(big.answer).toBe('put');
  });
});

describe('bursts', () => {
  test('there are never more than max and burst connections, and what is over fails at once', async () => {
    make({ max: 2, burst: 2 }, { maxInFlight: 1000, timeout: 10_000 });
    world.reply = mute;
    const asked: Question[] = [];
    for (let turn = 0; turn < 60; turn++) {
      asked.push(...askMany(20));
      await world.runtime.settle();
    }
    expect(world.listener.accepted).toBe(4);
    expect(asked.filter((each) => each.failure === undefined)).toHaveLength(1000);
    expect(asked.at(-1)!.failure).toMatchObject({ code: 'CISTERN_OVERLOADED', sent: false });
    expect(world.pool.statistics()).toMatchObject({ inFlight: 1000, overloaded: 200, open: 4 });
  });

  test('are over after a second, what grew under load after `idle`, and the first ones never', async () => {
    make({ max: 2, burst: 1, idle: 30_000 }, { maxInFlight: 600 });
    await world.runtime.settle();
    world.reply = mute;
    for (let turn = 0; turn < 12; turn++) {
      askMany(50);
      await world.runtime.settle();
    }
    expect(world.listener.peers.size).toBe(3);
    for (const [index, peer] of [...world.listener.peers].entries()) {
      const lines = world.byPeer[index]!.join('').split('\n').length - 2;
      peer.write('x\n'.repeat(lines));
    }
    await world.runtime.settle();
    expect(world.pool.statistics()).toMatchObject({ inFlight: 0, open: 3 });
    await world.runtime.advance(2100);
    expect(world.listener.peers.size).toBe(2);
    await world.runtime.advance(27_000);
    expect(world.listener.peers.size).toBe(2);
    await world.runtime.advance(31_000);
    expect(world.listener.peers.size).toBe(1);
    await world.runtime.advance(600_000);
    expect(world.pool.statistics()).toMatchObject({ open: 1, closed: 2, opened: 3 });
  });
});

describe('while connections cannot be opened', () => {
  test('those that are open go on serving, nothing is marked, and few attempts are made', async () => {
    make({ initial: 2, max: 2, burst: 2 });
    await world.runtime.settle();
    world.listener.answer = 'refuse';
    [...world.listener.peers][0]!.cut();
    await world.runtime.settle();
    const asked: Question[] = [];
    for (let turn = 0; turn < 1000; turn++) {
      asked.push(await world.asked('x'));
      await world.runtime.advance(10);
    }
    expect(asked.every((each) => each.answer === 'x')).toBe(true);
    const { failed, ...rest } = world.pool.statistics();
    expect(rest).toMatchObject({ marks: 0, down: false, open: 1, refused: 0 });
    // 10 seconds of pauses from 20 ms up to a second, each at least half of that.
    expect(failed).toBeGreaterThan(9);
    expect(failed).toBeLessThan(27);
    world.listener.answer = 'accept';
    await world.runtime.advance(1000);
    expect(world.pool.statistics()).toMatchObject({ open: 2 });
  });

  test('and the last one breaks: then it is down at once', async () => {
    make({ initial: 2, max: 2 });
    await world.runtime.settle();
    world.listener.answer = 'refuse';
    [...world.listener.peers][0]!.cut();
    await world.runtime.settle();
    await world.asked('x');
    world.listener.cutAll();
    await world.runtime.settle();
    expect(world.ask('y').failure).toMatchObject({ code: 'CISTERN_DOWN', sent: false });
  });

  test('what was not sent goes over one that could be opened', async () => {
    make({ initial: 2, max: 2 });
    const [a] = [world.ask('a')];
    let count = 0;
    world.reply = (peer, text) => {
      if (count++ === 0) peer.cut();
      else peer.write(text);
    };
    await world.runtime.settle();
    expect(a.answer).toBe('a');
  });
});

test('a request that must not be sent fails alone; those around it are sent', async () => {
  make({});
  await world.runtime.settle();
  const [first, barred, last] = [
    world.ask('first'),
    world.ask('put', undefined, new Uint8Array(40_000)),
    world.ask('last'),
  ];
  barred.barred = true;
  await world.runtime.settle();
  expect(world.received.at(-1)).toBe('first\nlast\n');
  expect(barred.failure).toMatchObject({ code: 'CISTERN_UNAVAILABLE', sent: false });
  expect([first.answer, last.answer]).toEqual(['first', 'last']);
  expect(world.pool.statistics()).toMatchObject({ inFlight: 0, bytesInFlight: 0 });
});

describe('held', () => {
  test('everything fails at once, what waits included; nothing that was sent; and it goes on afterwards', async () => {
    make({});
    world.reply = mute;
    const waiting = world.ask('waiting');
    const kept = world.ask('kept');
    world.pool.hold(new Error('not now'), (exchange) => exchange !== kept);
    expect(waiting.failure).toMatchObject({ sent: false });
    expect(String(waiting.failure!.error)).toContain('not now');
    await world.runtime.settle();
    expect(world.received.at(-1)).toBe('kept\n');
    expect(String(world.ask('later').failure!.error)).toContain('not now');
    for (const peer of world.listener.peers) peer.write('kept\n');
    await world.runtime.settle();
    expect(kept.answer).toBe('kept');
    world.reply = echo;
    world.pool.hold(undefined, () => true);
    const again = await world.asked('again');
    expect(again.answer).toBe('again');
  });
});

test('close settles all of all connections, closes all sockets, and leaves no timer', async () => {
  make({ initial: 3, max: 5, burst: 1 });
  await world.runtime.settle();
  world.reply = mute;
  const asked = [];
  for (let turn = 0; turn < 6; turn++) asked.push(await world.asked('x'));
  const unsent = world.ask('y');
  await world.close();
  for (const each of asked) expect(each.failure).toMatchObject({ code: 'CISTERN_CLOSED', sent: true });
  expect(unsent.failure).toMatchObject({ code: 'CISTERN_CLOSED', sent: false });
  expect(world.ask('z').failure).toMatchObject({ code: 'CISTERN_CLOSED', sent: false });
  expect(world.listener.peers.size).toBe(0);
});
