import { describe, expect, test } from 'vitest';
import { cistern } from '../../src/index.ts';
import { fakeRuntime } from '../../src/testing.ts';
import { Fleet, isRecord, Source } from './fleet.ts';
import { Ring, Server, serverTimeout, type State } from './server-ring.ts';

const stale = { staleWhileRevalidate: '1m', staleIfError: '1h' } as const;

async function fiveServers() {
  const runtime = fakeRuntime({ seed: 1 });
  const servers = Array.from({ length: 5 }, (_, index) => new Server(`server ${index}`, runtime));
  const ring = new Ring(servers, runtime);
  const shop = cistern({ name: 'shop', runtime, remote: ring });
  const source = new Source();
  const ids = Array.from({ length: 40 }, (_, index) => `id${index}`);
  for (const id of ids) source.values.set(id, `old ${id}`);
  const users = shop.define('user', { load: source.load, ttl: '5m', ...stale });
  await runtime.until(users.getMany(ids));
  await runtime.advance(300);
  const serverOf = (id: string): Server =>
    ring.leaves.find(({ asked }) => asked.some(({ key }) => key.endsWith(`'${id}`)))!.server;
  return { runtime, servers, users, ids, serverOf };
}

const changes = {
  delete: async (users: Users, id: string) => await users.delete(id),
  expire: async (users: Users, id: string) => await users.expire(id),
  set: async (users: Users, id: string) => await users.set(id, 'set'),
  mutate: async (users: Users, id: string) => await users.mutate(id, () => undefined),
};
type Users = Awaited<ReturnType<typeof fiveServers>>['users'];

describe('changes while one of five servers is dead', () => {
  for (const state of ['refused', 'hung', 'late'] as const)
    for (const [way, change] of Object.entries(changes))
      test(`${way} (${state}): says of each key whether its server took it, within two timeouts`, async () => {
        const { runtime, servers, users, ids, serverOf } = await fiveServers();
        for (const dead of servers) {
          dead.state = state satisfies State;
          const began = runtime.clock.read();
          const answers = await runtime.until(Promise.all(ids.map((id) => change(users, id))));
          expect(runtime.clock.read() - began).toBeLessThanOrEqual(2 * serverTimeout);
          expect(answers.map(({ confirmed }) => confirmed)).toEqual(ids.map((id) => serverOf(id) !== dead));
          dead.state = 'up';
          await runtime.advance(300);
        }
      });

  for (const state of ['refused', 'hung', 'late'] as const)
    test(`or all of them (${state}): nothing is confirmed, nothing is thrown, and nobody waits long`, async () => {
      const { runtime, servers, users } = await fiveServers();
      for (const server of servers) server.state = state;
      for (const change of [...Object.values(changes), async () => await users.clear()]) {
        const began = runtime.clock.read();
        expect(await runtime.until(change(users, 'id1'))).toMatchObject({ confirmed: false });
        expect(runtime.clock.read() - began).toBeLessThanOrEqual(2 * serverTimeout);
      }
    });
});

describe('a set that the remote tier does not confirm', () => {
  const fates = {
    'is not sent': { fail: 'unsent' },
    'is carried out, but the answer is lost': { fail: 'lost' },
    'arrives after its deadline': { before: 2000 },
    'is answered after its deadline': { after: 2000 },
  } as const;
  for (const [what, fate] of Object.entries(fates))
    test(`because it ${what}: the old value is removed, and not read again`, async () => {
      const fleet = new Fleet();
      const [one, other] = [fleet.join(), fleet.join()];
      const source = new Source();
      source.values.set('a', 'old');
      const define = { load: source.load, ttl: '5m', ...stale } as const;
      const [users, others] = [one.shop.define('user', define), other.shop.define('user', define)];
      await fleet.wait(users.get('a'));
      await fleet.runtime.settle();
      source.values.set('a', 'new');
      one.wire.fate = (operation) => (operation.kind === 'set' && !isRecord(operation) ? fate : undefined);
      expect(await fleet.wait(users.set('a', 'new'))).toEqual({ confirmed: false });
      expect(one.wire.entries('delete')).toHaveLength(1);
      expect(await fleet.wait(others.get('a'))).toBe('new');
      await fleet.runtime.advance(10_000);
      for (const each of [users, others]) expect(await fleet.wait(each.get('a'))).toBe('new');
    });

  test('nor the read before it: the delete is sent all the same, for the store to keep account of', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const users = shop.define('user', { load: async () => 'old', ttl: '5m' });
    await fleet.wait(users.get('a'));
    await fleet.runtime.settle();
    wire.fate = (operation) => (isRecord(operation) ? undefined : { fail: 'unsent' });
    expect(await fleet.wait(users.set('a', 'new'))).toEqual({ confirmed: false });
    expect(wire.entries('delete')).toHaveLength(1);
    // This process has the new one for as long as it may answer unasked.
    expect(users.peek('a')).toBe('new');
  });

  test('a refresh that could not be stored leaves no older value either', async () => {
    const fleet = new Fleet();
    const [one, other] = [fleet.join(), fleet.join()];
    const source = new Source();
    source.values.set('a', 'old');
    const define = { load: source.load, ttl: '5m' } as const;
    const [users, others] = [one.shop.define('user', define), other.shop.define('user', define)];
    await fleet.wait(users.get('a'));
    await fleet.runtime.settle();
    source.values.set('a', 'new');
    one.wire.fate = (operation) =>
      operation.kind === 'set' && !isRecord(operation) ? { fail: 'unsent' } : undefined;
    expect(await fleet.wait(users.refresh('a'))).toBe('new');
    await fleet.runtime.settle();
    expect(await fleet.wait(others.get('a'))).toBe('new');
  });
});
