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

test('all that is asked in one turn is written at once, behind the greeting', async () => {
  const asked = ['a', 'b', 'c'].map((text) => world.ask(text));
  await Promise.resolve().then(() => asked.push(world.ask('d')));
  await world.runtime.settle();
  expect(world.received).toEqual(['hello\n', 'a\nb\nc\nd\n']);
  expect(asked.map((each) => each.answer)).toEqual(['a', 'b', 'c', 'd']);
  expect(world.listener.accepted).toBe(1);
});

test('bodies of any size go out between the lines, in order', async () => {
  world.reply = (peer, text) => peer.write(text === 'hello\n' ? text : '');
  world = new World(7, { maxBytesInFlight: 1_000_000 });
  const big = 'B'.repeat(100_000);
  for (const body of ['one', '', big, 'two', big]) {
    world.ask(`put ${body.length}:`, undefined, Buffer.from(body));
    world.ask('x');
  }
  await world.runtime.settle();
  expect(world.received.slice(1).join('')).toBe(
    ['one', '', big, 'two', big].map((body) => `put ${body.length}:${body}\r\nx\n`).join(''),
  );
});

describe('timeouts', () => {
  test('one fails at its own deadline or at the timeout, whichever is nearer, and only that one', async () => {
    world.reply = mute;
    const now = world.runtime.clock.read();
    const soon = world.ask('soon', now + 10);
    const normal = world.ask('normal', now + 10_000);
    await world.runtime.settle();
    await world.runtime.advance(9);
    expect(soon.settled).toBe(0);
    await world.runtime.advance(2);
    expect(soon.failure).toMatchObject({ code: 'CISTERN_TIMEOUT', sent: true });
    expect(String(soon.failure?.error)).toContain('10 ms');
    expect(normal.settled).toBe(0);
    await world.runtime.advance(40);
    expect(normal.failure).toMatchObject({ code: 'CISTERN_TIMEOUT', sent: true });
    expect(String(normal.failure?.error)).toContain('50 ms');
  });

  test('a late answer is taken by its own slot, never by the next', async () => {
    let held: () => void = () => undefined;
    world.reply = (peer, text) => {
      if (text === 'a\n') held = () => peer.write('a\n');
      else if (text === 'b\n') {
        held();
        peer.write('b\n');
      } else peer.write(text);
    };
    const first = world.ask('a');
    await world.runtime.advance(60);
    expect(first.failure?.code).toBe('CISTERN_TIMEOUT');
    const second = world.ask('b');
    await world.runtime.settle();
    expect(second.answer).toBe('b');
    expect(first.settled).toBe(1);
    expect(world.late).toEqual(['a']);
  });

  test('what is past its deadline before it could be sent is not sent', async () => {
    const late = world.ask('late', world.runtime.clock.read() - 1);
    const never = world.ask('never', Number.NaN);
    const good = world.ask('good');
    await world.runtime.settle();
    for (const each of [late, never])
      expect(each.failure).toMatchObject({ code: 'CISTERN_TIMEOUT', sent: false });
    expect(good.answer).toBe('good');
    expect(world.received).toEqual(['hello\n', 'good\n']);
  });

  test('a server that hangs: the slots stay until the socket is given up, then a new one is used', async () => {
    world.reply = mute;
    const lost = Array.from({ length: 60 }, (_, index) => world.ask(`lost ${index}`));
    await world.runtime.advance(100);
    expect(lost.every((each) => each.failure?.code === 'CISTERN_TIMEOUT')).toBe(true);
    const more = Array.from({ length: 41 }, (_, index) => world.ask(`more ${index}`));
    await world.runtime.settle();
    expect(more.at(-1)!.failure?.code).toBe('CISTERN_OVERLOADED');
    await world.runtime.advance(1000);
    expect([...lost, ...more].every((each) => each.settled === 1)).toBe(true);
    world.reply = echo;
    const next = world.ask('next');
    await world.runtime.settle();
    expect(next.answer).toBe('next');
    expect(world.listener.accepted).toBe(2);
  });

  test('what waits because the socket takes no more fails unsent, and the rest goes out when it does again', async () => {
    world.runtime.network.window = 100;
    world.ask('open');
    await world.runtime.settle();
    world.listener.frozen = true;
    const body = Buffer.alloc(200, 0x78);
    const first = world.ask('put', undefined, body);
    await world.runtime.settle();
    const late = world.ask('late', world.runtime.clock.read() + 10);
    const patient = world.ask('patient');
    await world.runtime.advance(11);
    expect(late.failure).toMatchObject({ code: 'CISTERN_TIMEOUT', sent: false });
    world.reply = (peer, text) => peer.write(text.startsWith('put') ? 'put\n' : text);
    world.listener.frozen = false;
    await world.runtime.settle();
    expect([first.answer, patient.answer]).toEqual(['put', 'patient']);
    expect(world.received.join('')).not.toContain('late');
  });
});

describe('bounds', () => {
  test('more than maxInFlight requests fail at once, unsent', async () => {
    world = new World(7, { maxInFlight: 3 });
    const asked = Array.from({ length: 5 }, (_, index) => world.ask(String(index)));
    expect(asked.map((each) => each.failure?.code)).toEqual([
      undefined,
      undefined,
      undefined,
      'CISTERN_OVERLOADED',
      'CISTERN_OVERLOADED',
    ]);
    expect(asked[3]!.failure).toMatchObject({ sent: false });
    expect(String(asked[3]!.failure?.error)).toContain("'maxInFlight'");
    await world.runtime.settle();
    const again = world.ask('again');
    await world.runtime.settle();
    expect(again.answer).toBe('again');
  });

  test('more than maxBytesInFlight bytes fail at once, unsent', async () => {
    world = new World(7, { maxBytesInFlight: 20 });
    const [first, second] = [world.ask('x'.repeat(15)), world.ask('y'.repeat(5))];
    expect(second.failure).toMatchObject({ code: 'CISTERN_OVERLOADED', sent: false });
    await world.runtime.settle();
    expect(first.answer).toBeDefined();
    const third = world.ask('y'.repeat(5));
    await world.runtime.settle();
    expect(third.answer).toBe('yyyyy');
  });
});
