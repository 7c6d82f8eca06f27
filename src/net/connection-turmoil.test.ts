import { expect, test } from 'vitest';
import { World } from '../../test/net/made-up-protocol.ts';
import type { PoolSettings } from './connection-pool.ts';
import { Connection } from './connection.ts';
import type { Exchange } from './exchange.ts';

/** The fault that this floor is there to prevent: a request that was given up takes its slot with it. */
class ForgetfulConnection extends Connection {
  protected override abandon(exchange: Exchange): void {
    super.abandon(exchange);
    const rest = [];
    for (let slot = this.slots.shift(); slot !== undefined; slot = this.slots.shift()) {
      if (slot !== exchange) rest.push(slot);
    }
    for (const slot of rest) this.slots.push(slot);
  }
}

/** Random deadlines, delays, cuts and freezes from a seed. */
async function turmoil(
  seed: number,
  Kind: typeof Connection,
  pool: PoolSettings = { initial: 0, max: 1, burst: 0, idle: 60_000 },
): Promise<{ right: number; wrong: number; left: number }> {
  const world = new World(seed, { maxInFlight: 1000, maxBytesInFlight: 100_000, pool }, Kind);
  world.runtime.network.chunks = (['written', 'bytes', 'anywhere'] as const)[seed % 3]!;
  world.runtime.network.delay = [0, 15];
  const asked: (readonly [string, ReturnType<World['ask']>])[] = [];
  for (let turn = 0; turn < 60; turn++) {
    for (let each = 0; each < 5; each++) {
      const text = `${turn}.${each}`;
      asked.push([
        text,
        world.ask(text, world.runtime.clock.read() + Math.floor(world.runtime.random() * 80)),
      ]);
    }
    const chance = world.runtime.random();
    if (chance < 0.05) world.listener.cutAll();
    else if (chance < 0.1) world.listener.frozen = !world.listener.frozen;
    else if (chance < 0.15) world.listener.answer = world.listener.answer === 'accept' ? 'refuse' : 'accept';
    const { open, connecting } = world.pool.statistics();
    expect(open + connecting, `seed ${seed}`).toBeLessThanOrEqual(pool.max + pool.burst);
    await world.runtime.advance(Math.floor(world.runtime.random() * 20));
  }
  world.listener.frozen = false;
  world.listener.answer = 'accept';
  await world.runtime.advance(3000);
  const { inFlight, bytesInFlight, waiting } = world.pool.statistics();
  let right = 0;
  let wrong = 0;
  for (const [text, question] of asked) {
    expect(question.settled, `seed ${seed}`).toBe(1);
    if (question.answer === text) right++;
    else if (question.failure === undefined) wrong++;
  }
  await world.close();
  return { right, wrong, left: inFlight + bytesInFlight + waiting };
}

test('whatever happens, every request settles exactly once and gets its own answer', async () => {
  let right = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const run = await turmoil(seed, Connection);
    expect([run.wrong, run.left], `seed ${seed}`).toEqual([0, 0]);
    right += run.right;
  }
  expect(right).toBeGreaterThan(1000);
});

test('with several connections that come and go, too', async () => {
  let right = 0;
  for (let seed = 101; seed <= 140; seed++) {
    const pool = { initial: seed % 3, max: 2 + (seed % 2), burst: seed % 4, idle: 200 };
    const run = await turmoil(seed, Connection, pool);
    expect([run.wrong, run.left], `seed ${seed}`).toEqual([0, 0]);
    right += run.right;
  }
  expect(right).toBeGreaterThan(1000);
});

test('the check bites: a connection that drops the slots of those who left gives wrong answers', async () => {
  let wrong = 0;
  for (let seed = 1; seed <= 3; seed++) wrong += (await turmoil(seed, ForgetfulConnection)).wrong;
  expect(wrong).toBeGreaterThan(0);
});
