import { afterEach, describe, expect, test } from 'vitest';
import { realRuntime } from '../../core/runtime.ts';
import { longestLife, type Operation, type Reply, type Store } from '../../core/store.ts';
import { fakeRuntime } from '../../testing/fake-runtime.ts';
import { storeContract } from '../../testing/store-contract.ts';
import { memory } from './memory.ts';

const noStaleShare = 'a raw store knows no stale share: the two spans of a life are one';
const noCeiling = 'a raw store keeps entries for as long as it is told';
const allFlags = 'a raw store keeps flags of 32 bits';

storeContract(
  { describe, test },
  {
    name: 'raw memory',
    make: async () => {
      const runtime = fakeRuntime({ seed: 1 });
      return {
        store: memory({ runtime, raw: true }),
        clock: runtime.clock,
        advance: (milliseconds) => runtime.advance(milliseconds),
        dispose: async () => undefined,
      };
    },
    deviations: {
      'a hit tells the freshness and the life that are left': noStaleShare,
      'an entry may be aged from the start': noStaleShare,
      'touch gives another whole life; the stale share stays what was stored': noStaleShare,
      'a get with touch answers the value, and gives another whole life': noStaleShare,
      'an entry ages after its fresh time, is served stale, and is gone after its stale time': noStaleShare,
      'a count keeps life and flags': noStaleShare,
      'no entry lives longer than 30 days: the ceiling clamps both shares': noCeiling,
      'the ceiling holds for touches, leases, marks and counts too': noCeiling,
      'bad operations fail, whatever they are, and the store goes on': allFlags,
    },
  },
);

let store: Store | undefined;
afterEach(async () => await store?.close());

async function ask(operation: Record<string, unknown>): Promise<Reply> {
  const deadline = realRuntime.clock.read() + 10_000;
  return await store!.execute({ key: 'k', deadline, ...operation } as unknown as Operation);
}

async function keep(flags: number, freshFor: number): Promise<Reply> {
  const set = { kind: 'set', mode: 'set', value: Buffer.from('x'), flags, life: { freshFor, staleFor: 0 } };
  await ask(set);
  return await ask({ kind: 'get' });
}

test('flags of 32 bits and lives of any length come back as they were', async () => {
  store = memory({ raw: true });
  expect(await keep(0xffff_ffff, Number.POSITIVE_INFINITY)).toMatchObject({
    flags: 0xffff_ffff,
    freshFor: Number.POSITIVE_INFINITY,
    expiresIn: Number.POSITIVE_INFINITY,
  });
  const reply = await keep(0x8000_0000, 3 * longestLife);
  expect(reply).toMatchObject({ kind: 'hit', flags: 0x8000_0000 });
  expect(reply.kind === 'hit' && reply.expiresIn).toBeGreaterThan(2 * longestLife);
  expect(await keep(1, 0)).toMatchObject({ kind: 'miss' });
  expect(
    await ask({
      kind: 'set',
      mode: 'set',
      value: Buffer.of(1),
      flags: 2 ** 32,
      life: { freshFor: 1, staleFor: 0 },
    }),
  ).toMatchObject({ kind: 'failed', applied: 'no' });
});

test('clear removes everything, and says false when the store is closed', async () => {
  store = memory({ raw: true });
  await keep(0, 60_000);
  expect(await store!.clear?.()).toBe(true);
  expect(await ask({ kind: 'get' })).toMatchObject({ kind: 'miss' });
  await store!.close();
  expect(await store!.clear?.()).toBe(false);
});

test('only true or false says whether it is raw', () => {
  store = memory();
  expect(() => memory({ raw: 'yes' as never })).toThrow("Option 'raw'");
});
