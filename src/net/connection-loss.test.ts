import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { echo, mute, World } from '../../test/net/made-up-protocol.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(async () => {
  await world.close();
  // oxlint-disable-next-line vitest/no-standalone-expect
  expect(world.runtime.timers, 'timers that still run').toBe(0);
});

describe('loss', () => {
  test('what was sent fails as sent; what was not goes over the next socket', async () => {
    world.reply = mute;
    const sent = world.ask('sent');
    await world.runtime.settle();
    world.listener.cutAll();
    const unsent = world.ask('unsent');
    world.reply = echo;
    await world.runtime.settle();
    expect(sent.failure).toMatchObject({ code: 'CISTERN_UNAVAILABLE', sent: true });
    expect(unsent.answer).toBe('unsent');
    expect(world.listener.accepted).toBe(2);
  });

  test('a server that hung up while nobody asked costs nobody an error', async () => {
    world.ask('a');
    await world.runtime.settle();
    for (const peer of world.listener.peers) peer.close();
    await world.runtime.settle();
    const next = world.ask('b');
    await world.runtime.settle();
    expect(next.answer).toBe('b');
    expect(world.listener.accepted).toBe(2);
  });

  test('half an answer of the old socket does not go into the first of the new one', async () => {
    world.reply = (peer, text) => {
      peer.write(text === 'hello\n' ? text : 'half an ans');
    };
    const broken = world.ask('a');
    await world.runtime.settle();
    world.listener.cutAll();
    await world.runtime.settle();
    world.reply = echo;
    const next = world.ask('b');
    await world.runtime.settle();
    expect([broken.failure?.code, next.answer]).toEqual(['CISTERN_UNAVAILABLE', 'b']);
  });

  test.each(['nonsense\n', 'one too many\n'])(
    'an answer out of place destroys the socket: %j',
    async (text) => {
      world.ask('a');
      await world.runtime.settle();
      world.reply = (peer, request) => {
        peer.write(request === 'b\nc\n' ? `${text}b\nc\nd\n` : request);
      };
      const asked = [world.ask('b'), world.ask('c')];
      await world.runtime.settle();
      const next = world.ask('e');
      await world.runtime.settle();
      expect(next.answer).toBe('e');
      expect(world.listener.accepted).toBe(2);
      if (text === 'nonsense\n') {
        for (const each of asked) expect([undefined, 'CISTERN_PROTOCOL']).toContain(each.failure?.code);
        expect(asked[1]!.failure).toMatchObject({ code: 'CISTERN_PROTOCOL', sent: true });
      }
    },
  );
});

describe('connecting', () => {
  test('refused: all that waits fails unsent, and what comes later at once', async () => {
    world.listener.answer = 'refuse';
    const asked = [world.ask('a'), world.ask('b')];
    await world.runtime.settle();
    for (const each of asked)
      expect(each.failure).toMatchObject({ code: 'CISTERN_UNAVAILABLE', sent: false });
    expect(String(asked[0]!.failure?.error)).toContain('ECONNREFUSED');
    const later = world.ask('c');
    expect(later.failure).toMatchObject({ code: 'CISTERN_DOWN', sent: false });
    expect(String(later.failure?.error)).toContain('ECONNREFUSED');
  });

  test('no answer to the connection: who waits keeps his own deadline; the attempt ends at connectTimeout', async () => {
    world.listener.answer = 'ignore';
    const first = world.ask('a');
    await world.runtime.advance(51);
    expect(first.failure).toMatchObject({ code: 'CISTERN_TIMEOUT', sent: false });
    await world.runtime.advance(940);
    const second = world.ask('b');
    await world.runtime.advance(10);
    expect(second.failure).toMatchObject({ code: 'CISTERN_UNAVAILABLE', sent: false });
    world.listener.answer = 'accept';
    await world.runtime.advance(20);
    const third = world.ask('c');
    await world.runtime.settle();
    expect(third.answer).toBe('c');
  });

  test('no answer to the greeting: nothing else was sent, and it counts as not connected', async () => {
    world.reply = () => undefined;
    const asked = world.ask('a', world.runtime.clock.read() + 30);
    await world.runtime.advance(990);
    const last = world.ask('b');
    await world.runtime.advance(15);
    expect(asked.failure).toMatchObject({ code: 'CISTERN_TIMEOUT', sent: false });
    expect(last.failure).toMatchObject({ code: 'CISTERN_UNAVAILABLE', sent: false });
    expect(world.received).toEqual(['hello\n']);
  });
});

test('the process is kept alive only while somebody awaits an answer', async () => {
  const asked = world.ask('a');
  await world.runtime.settle();
  expect(asked.answer).toBe('a');
  expect(world.keptAlive.at(-1)).toBe(false);
  world.reply = () => undefined;
  world.ask('b');
  await world.runtime.settle();
  expect(world.keptAlive.at(-1)).toBe(true);
  await world.runtime.advance(60);
  expect(world.keptAlive.at(-1)).toBe(false);
});

describe('close', () => {
  test('settles what was sent and what was not, may be called twice, and refuses what comes later', async () => {
    world.reply = mute;
    const sent = world.ask('sent');
    await world.runtime.settle();
    const unsent = world.ask('unsent');
    const closed = Promise.all([world.pool.close(), world.pool.close()]);
    expect(sent.failure).toMatchObject({ code: 'CISTERN_CLOSED', sent: true });
    expect(unsent.failure).toMatchObject({ code: 'CISTERN_CLOSED', sent: false });
    await world.runtime.settle();
    await closed;
    await world.pool.close();
    const later = world.ask('later');
    expect(later.failure).toMatchObject({ code: 'CISTERN_CLOSED', sent: false });
    await world.runtime.advance(10_000);
    expect([sent, unsent, later].map((each) => each.settled)).toEqual([1, 1, 1]);
    expect(world.listener.peers.size).toBe(0);
  });

  test('while connecting, and without ever having connected', async () => {
    await new World().close();
    const asked = world.ask('a');
    await new Promise((resolve) => setImmediate(resolve));
    const closed = world.pool.close();
    await world.runtime.settle();
    await closed;
    expect(asked.failure).toMatchObject({ code: 'CISTERN_CLOSED', sent: false });
  });
});
