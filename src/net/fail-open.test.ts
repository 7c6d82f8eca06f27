import { afterEach, expect, test } from 'vitest';
import { mute, type Question, World } from '../../test/net/made-up-protocol.ts';
import { HealthGroup } from './health-group.ts';

/** What a server does whose group does not obey marks any more. */
let world: World;
afterEach(async () => {
  await world.close();
  // oxlint-disable-next-line vitest/no-standalone-expect
  expect(world.runtime.timers, 'timers that still run').toBe(0);
});

function make(together: HealthGroup): void {
  world = new World(7, {
    pool: { initial: 1, max: 1, burst: 1, idle: 60_000 },
    health: { failures: 3, firstPause: 40, longestPause: 1000 },
    group: together,
  });
}

const codeOf = (text: string): string | undefined => world.ask(text).failure?.code;
const failed = (question: Question): boolean => question.failure !== undefined;

const group = (): HealthGroup => new HealthGroup({ above: 0.5, below: 0.25 });

test('with most of its servers down obeys no marks: requests try, one connection at a time', async () => {
  const together = group();
  const others = Array.from({ length: 3 }, () => ({ down: false, obeyed: () => undefined }));
  for (const other of others) together.join(other);
  make(together);
  world.listener.answer = 'refuse';
  await world.runtime.settle();
  expect([codeOf('x'), together.failOpen]).toEqual(['CISTERN_DOWN', false]);
  others[0]!.down = others[1]!.down = true;
  together.changed();
  expect(together.failOpen).toBe(true);
  // Its pause is not over: nothing is tried.
  expect(codeOf('x')).toBe('CISTERN_DOWN');
  world.listener.answer = 'ignore';
  const before = world.pool.statistics();
  let tried = world.ask('x');
  for (let time = 0; failed(tried); time++) {
    expect(time).toBeLessThan(41);
    await world.runtime.advance(1);
    tried = world.ask('x');
  }
  await world.runtime.settle();
  for (let each = 0; each < 20; each++) world.ask('x');
  expect(world.pool.statistics().connecting).toBe(1);
  await world.runtime.advance(51);
  expect(tried.failure?.code).toBe('CISTERN_TIMEOUT');
  expect(world.pool.statistics().failed - before.failed).toBeLessThanOrEqual(1);
  world.listener.answer = 'accept';
  await world.runtime.advance(2000);
  const good = await world.asked('x');
  expect(good.answer).toBe('x');
});

test('a server that hangs is asked all the same, over the connections that it has', async () => {
  const together = group();
  const others = Array.from({ length: 2 }, () => ({ down: true, obeyed: () => undefined }));
  make(together);
  await world.runtime.settle();
  world.reply = mute;
  for (let turn = 0; turn < 3; turn++) {
    world.ask('lost');
    await world.runtime.advance(1);
  }
  await world.runtime.advance(51);
  expect(codeOf('x')).toBe('CISTERN_DOWN');
  for (const other of others) together.join(other);
  const asked = world.ask('x');
  await world.runtime.advance(51);
  expect(asked.failure?.code).toBe('CISTERN_TIMEOUT');
  for (const other of others) together.leave(other);
});

test('obeys again when few are down', async () => {
  const together = group();
  make(together);
  world.listener.answer = 'refuse';
  await world.runtime.settle();
  const others = Array.from({ length: 3 }, () => ({ down: true, obeyed: () => undefined }));
  for (const other of others) together.join(other);
  expect(together.failOpen).toBe(true);
  others[0]!.down = others[1]!.down = false;
  together.changed();
  expect([together.failOpen, together.down, together.servers]).toEqual([true, 2, 4]);
  others[2]!.down = false;
  together.changed();
  expect([together.failOpen, codeOf('x')]).toEqual([false, 'CISTERN_DOWN']);
});
