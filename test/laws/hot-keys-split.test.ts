import { expect, test } from 'vitest';
import { cistern, hotKeySet } from '../../src/index.ts';
import { replicatedKeys } from '../../src/routes.ts';
import { fakeRuntime } from '../../src/testing.ts';
import { Source } from './fleet.ts';
import { Ring, Server } from './server-ring.ts';

async function world(split: boolean) {
  const runtime = fakeRuntime({ seed: 1 });
  const servers = Array.from({ length: 8 }, (_, index) => new Server(`server ${index}`, runtime));
  const source = new Source();
  source.values.set('hot', 'old');
  const join = () => {
    const ring = new Ring(servers, runtime);
    const keys = hotKeySet();
    const remote = replicatedKeys(ring, { keys, replicas: 4, read: 'random', copyFor: '1s', runtime });
    const hotKeys = { nearTtl: 0, ...(split ? { split: keys } : undefined) };
    const shop = cistern({ name: 'shop', runtime, remote, hotKeys });
    const users = shop.define('user', { load: source.load, ttl: '5m', near: false });
    return { ring, users };
  };
  const [one, other] = [join(), join()];
  const load = async (milliseconds: number): Promise<void> => {
    for (let time = 0; time < milliseconds; time++) {
      for (const { users } of [one, other]) void users.get('hot');
      await runtime.advance(1);
    }
  };
  await load(1500);
  return { runtime, source, one, other, load };
}

test('a hot key that is split is read from several servers, and stops being split when it cools down', async () => {
  const busiest: number[] = [];
  for (const split of [false, true]) {
    const { runtime, one, load } = await world(split);
    for (const leaf of one.ring.leaves) leaf.asked.length = 0;
    await load(2000);
    const gets = one.ring.leaves.map(
      ({ asked }) => asked.filter(({ kind, key }) => kind === 'get' && key.includes("'hot")).length,
    );
    busiest.push(Math.max(...gets) / gets.reduce((sum, each) => sum + each));
    await runtime.advance(20_000);
    for (const leaf of one.ring.leaves) leaf.asked.length = 0;
    await runtime.until(one.users.get('hot'));
    const keys = one.ring.leaves.flatMap(({ asked }) => asked.map(({ key }) => key));
    expect(keys.some((key) => key.includes('::'))).toBe(false);
  }
  const [alone, spread] = busiest as [number, number];
  console.log(
    `the busiest server answers ${(100 * alone).toFixed(0)} % of a hot key's gets, and ${(100 * spread).toFixed(0)} % of them when the key is split in 4`,
  );
  expect(alone).toBe(1);
  expect(spread).toBeLessThan(0.5);
});

test('a delete of a hot key that is split reaches all copies: at once in this process, in others when the copies are over at the latest', async () => {
  const { runtime, source, one, other, load } = await world(true);
  for (let round = 0; round < 10; round++) {
    source.values.set('hot', `value ${round}`);
    expect(await runtime.until(one.users.delete('hot'))).toEqual({ confirmed: true });
    for (let read = 0; read < 20; read++)
      expect(await runtime.until(one.users.get('hot'))).toBe(`value ${round}`);
    await load(50);
    expect(await runtime.until(other.users.get('hot'))).toBe(`value ${round}`);
  }
  // The other process has not asked for a while, so that the key is not hot there: its deletes reach the copies that this one reads no more.
  for (let second = 0; second < 12; second++) {
    for (let read = 0; read < 200; read++) void one.users.get('hot');
    await runtime.advance(1000);
  }
  source.values.set('hot', 'newest');
  expect(await runtime.until(other.users.delete('hot'))).toEqual({ confirmed: true });
  await runtime.advance(1001);
  for (let read = 0; read < 20; read++) expect(await runtime.until(one.users.get('hot'))).toBe('newest');
});
