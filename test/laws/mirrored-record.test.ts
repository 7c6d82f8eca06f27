import { expect, test } from 'vitest';
import { type Cache, cistern } from '../../src/index.ts';
import type { Operation } from '../../src/core/store.ts';
import { mirrored } from '../../src/routes/mirrored.ts';
import { fakeRuntime } from '../../src/testing.ts';
import { Ring, Server } from './server-ring.ts';

const ids = Array.from({ length: 60 }, (_, index) => `id${index}`);

function twoZones() {
  const runtime = fakeRuntime({ seed: 1 });
  const zones = ['a', 'b'].map((zone) =>
    Array.from({ length: 4 }, (_, index) => new Server(`${zone}${index}`, runtime)),
  );
  const world = { runtime, zones, loads: 0, version: 1 };
  const join = (readFrom: number): Cache<string, string> => {
    const pools = zones.map((servers) => new Ring(servers, runtime));
    const shop = cistern({ name: 'shop', runtime, remote: mirrored(pools, { readFrom }) });
    return shop.define('user', {
      load: async (id: string) => {
        world.loads++;
        return await Promise.resolve(`${id} ${world.version}`);
      },
      ttl: '5m',
      near: false,
    });
  };
  return { ...world, world, join };
}

/** How many copies of the record a zone has, and what they say. */
async function copies(servers: readonly Server[]): Promise<string[]> {
  const operation: Operation = { kind: 'get', key: 'shop:~record', deadline: Number.MAX_VALUE };
  const replies = await Promise.all(servers.map(async ({ memory }) => await memory.execute(operation)));
  return replies.flatMap((reply) => (reply.kind === 'hit' ? [new TextDecoder().decode(reply.value)] : []));
}

test('the record of two mirrored pools is in both of them, and the same', async () => {
  const { runtime, zones, join } = twoZones();
  const [one, other] = [join(0), join(1)];
  await runtime.until(one.getMany(ids));
  await runtime.until(other.getMany(ids));
  for (const cache of [one, other]) {
    expect(await runtime.until(cache.clear())).toEqual({ confirmed: true });
    const all = await Promise.all(zones.map(copies));
    expect(all.map(({ length }) => length)).toEqual([2, 1]);
    expect(new Set(all.flat()).size).toBe(1);
  }
});

test.each([0, 1])('when zone %i is lost after a clear, the other keeps what it has', async (lost) => {
  const { runtime, zones, join, world } = twoZones();
  const [one, other] = [join(0), join(1)];
  await runtime.until(one.getMany(ids));
  expect(await runtime.until(one.clear())).toEqual({ confirmed: true });
  world.version = 2;
  for (const cache of [one, other]) {
    await runtime.advance(300);
    await runtime.until(cache.getMany(ids));
  }
  await runtime.advance(300);
  await runtime.until(other.getMany(ids));
  for (const server of zones[lost]!) server.state = 'refused';
  world.loads = 0;
  for (const cache of [one, other, join(0), join(1)]) {
    await runtime.advance(300);
    const values = await runtime.until(cache.getMany(ids));
    expect([...values.values()].every((value) => value.endsWith(' 2'))).toBe(true);
  }
  expect(world.loads).toBe(0);
});
