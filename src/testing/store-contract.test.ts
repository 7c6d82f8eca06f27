import { describe, expect, test } from 'vitest';
import type { Operation, Reply, Store } from '../core/store.ts';
import { memory } from '../stores/memory/memory.ts';
import { fakeRuntime } from './fake-runtime.ts';
import { type ContractSubject, storeContract, storeLaws } from './store-contract.ts';

type Change = (operation: Operation, reply: Reply) => Reply;

/** Runs the contract on memory with a fault, and answers the names of the tests that fail, with their errors. */
async function failures(
  fault: Change,
  deviations: Record<string, string> = {},
): Promise<Map<string, string>> {
  const tests = new Map<string, () => Promise<void>>();
  const subject: ContractSubject = {
    name: 'faulty',
    deviations,
    make: async () => {
      const runtime = fakeRuntime({ seed: 1 });
      const store = memory({ runtime });
      const faulty: Store = {
        name: 'faulty',
        parts: [store],
        execute: async (operation) => fault(operation, await store.execute(operation)),
        close: async () => await store.close(),
      };
      return {
        store: faulty,
        clock: runtime.clock,
        advance: async (time) => await runtime.advance(time),
        dispose: async () => undefined,
      };
    },
  };
  storeContract({ test: (name, body) => tests.set(name, body) }, subject);
  const failed = new Map<string, string>();
  for (const [name, body] of tests) await body().catch((error: unknown) => failed.set(name, String(error)));
  return failed;
}

const faultless: Change = (_operation, reply) => reply;

describe('storeContract', () => {
  test('finds nothing in a store without a fault, and has every law by its own name', async () => {
    expect([...(await failures(faultless)).keys()]).toEqual([]);
    expect(new Set(storeLaws).size).toBe(storeLaws.length);
    expect(storeLaws.length).toBeGreaterThan(80);
  });

  test.each<[string, Change, string]>([
    [
      'gives every asker the lease',
      (_, reply) => (reply.kind === 'miss' && reply.lease === 'lost' ? { ...reply, lease: 'won' } : reply),
      'of 100 askers of one cold key in one turn exactly one wins',
    ],
    [
      'lets late fills through',
      (asked, reply) =>
        asked.kind === 'set' && reply.kind === 'conflict' ? { kind: 'stored', cas: '' } : reply,
      'a plain set destroys the lease: the late fill is a conflict',
    ],
    [
      'shows placeholders',
      (asked, reply) =>
        asked.kind === 'get' && asked.lease === undefined && reply.kind === 'miss'
          ? {
              kind: 'hit',
              value: new Uint8Array(),
              flags: 0,
              cas: '1',
              freshFor: 1,
              expiresIn: 1,
              marked: false,
              claim: 'none',
            }
          : reply,
      'a placeholder is a miss for those who want no lease',
    ],
    [
      'loses flags',
      (_, reply) => (reply.kind === 'hit' ? { ...reply, flags: reply.flags & 0xff } : reply),
      'flags from 0 to 511 are kept',
    ],
    [
      'calls empty values misses',
      (_, reply) =>
        reply.kind === 'hit' && reply.value.length === 0 ? { kind: 'miss', lease: 'none', cas: '' } : reply,
      'an empty value is a hit',
    ],
    [
      'never ages',
      (_, reply) => (reply.kind === 'hit' ? { ...reply, freshFor: reply.expiresIn } : reply),
      'an entry ages after its fresh time, is served stale, and is gone after its stale time',
    ],
    [
      'rejects',
      (asked, reply) => {
        if (reply.kind === 'failed') throw new Error(`${asked?.kind} failed`);
        return reply;
      },
      'bad operations fail, whatever they are, and the store goes on',
    ],
  ])('finds a store that %s', async (_what, fault, law) => {
    const failed = await failures(fault);
    expect([...failed.keys()]).toContain(law);
    expect(failed.size).toBeLessThan(storeLaws.length / 2);
  });

  test('a listed deviation may fail; one that is kept, or that names no law, is a failure', async () => {
    const lossy: Change = (_, reply) => (reply.kind === 'hit' ? { ...reply, flags: 0 } : reply);
    const lost = Object.fromEntries(
      [...(await failures(lossy)).keys()].map((name) => [name, 'it keeps no flags']),
    );
    expect(Object.keys(lost)).toContain('flags from 0 to 511 are kept');
    expect([...(await failures(lossy, lost)).keys()]).toEqual([]);

    const kept = 'an empty value is a hit';
    const failed = await failures(faultless, { [kept]: 'out of date', 'no such law': 'misspelt' });
    expect([...failed.keys()]).toEqual([kept, 'every deviation names a law']);
    expect(failed.get(kept)).toContain('take it off the list');
  });

  test('slow laws run at the same time, and no other way when only one of them is run', async () => {
    let open = 0;
    let most = 0;
    const tests = new Map<string, () => Promise<void>>();
    const make: ContractSubject['make'] = async () => {
      const runtime = fakeRuntime({ seed: 1 });
      return {
        store: memory({ runtime }),
        clock: runtime.clock,
        advance: async (time) => {
          most = Math.max(most, ++open);
          await new Promise((resolve) => void setTimeout(resolve, 20));
          await runtime.advance(time);
          open--;
        },
        dispose: async () => undefined,
      };
    };
    storeContract({ test: (name, body) => tests.set(name, body) }, { name: 'memory', make });
    await tests.get('a touch saves an entry from its end')!();
    await tests.get('a lease lasts for its time')!();
    expect(most).toBeGreaterThan(5);
  });
});
