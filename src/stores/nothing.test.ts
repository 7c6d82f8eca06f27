import { describe, expect, test } from 'vitest';
import type { Operation, Reply } from '../core/store.ts';
import { fakeRuntime } from '../testing/fake-runtime.ts';
import { storeContract, storeLaws } from '../testing/store-contract.ts';
import { nothing } from './nothing.ts';

const life = { freshFor: 1000, staleFor: 500 };
const deadline = Number.POSITIVE_INFINITY;
const set = { kind: 'set', key: 'k', value: Buffer.from('v'), flags: 0, life, deadline } as const;
const initial = { value: 7n, life };

/** What a store answers that drops every entry at once. */
const answers: readonly (readonly [what: string, operation: Operation, reply: Partial<Reply>])[] = [
  ['a get', { kind: 'get', key: 'k', deadline }, { kind: 'miss', lease: 'none', cas: '' }],
  [
    'a get for a lease',
    { kind: 'get', key: 'k', lease: 1000, deadline },
    { kind: 'miss', lease: 'none', cas: '' },
  ],
  ['a set', { ...set, mode: 'set' }, { kind: 'stored', cas: '' }],
  ['an add', { ...set, mode: 'add' }, { kind: 'stored', cas: '' }],
  ['a replace', { ...set, mode: 'replace' }, { kind: 'notStored' }],
  ['an append', { ...set, mode: 'append' }, { kind: 'notStored' }],
  ['a prepend with a CAS', { ...set, mode: 'prepend', cas: '1' }, { kind: 'notStored' }],
  ['a set with a CAS', { ...set, mode: 'set', cas: '1' }, { kind: 'notFound' }],
  ['a replace with a CAS', { ...set, mode: 'replace', cas: '1' }, { kind: 'notFound' }],
  ['a delete', { kind: 'delete', key: 'k', deadline }, { kind: 'notFound' }],
  ['a mark', { kind: 'delete', key: 'k', staleFor: 1000, deadline }, { kind: 'notFound' }],
  ['a touch', { kind: 'touch', key: 'k', life, deadline }, { kind: 'notFound' }],
  ['a count', { kind: 'count', key: 'k', delta: 1n, deadline }, { kind: 'notFound' }],
  [
    'a count with a start',
    { kind: 'count', key: 'k', delta: 1n, initial, deadline },
    { kind: 'hit', value: Uint8Array.of(0x37), freshFor: 1000, expiresIn: 1500, claim: 'none' },
  ],
  ['a release', { kind: 'release', key: 'k', right: 'lease', cas: '1', deadline }, { kind: 'notFound' }],
];

describe('nothing', () => {
  test.each(answers)('answers %s as if the entry had just been dropped', async (_what, operation, reply) => {
    const store = nothing({ runtime: fakeRuntime({ seed: 1 }) });
    for (let time = 0; time < 2; time++) expect(await store.execute(operation)).toMatchObject(reply);
  });
});

/** The laws that say nothing about an entry that is there. All others need one. */
const kept = new Set([
  'a key that was never set is a miss without a lease',
  'append and prepend are notStored on a missing key',
  'marking a missing entry is notFound, and leaves nothing',
  'touch of a missing entry is notFound',
  'a marked entry is gone after its stale time',
  'answers settle in the order in which they were asked',
  'the store has a name and a list of parts',
  'close settles what is pending, and may be called twice',
  'after close every operation fails with CISTERN_CLOSED',
]);

storeContract(
  { describe, test },
  {
    name: 'nothing',
    make: async () => {
      const runtime = fakeRuntime({ seed: 1 });
      return {
        store: nothing({ runtime }),
        clock: runtime.clock,
        advance: async (milliseconds) => await runtime.advance(milliseconds),
        dispose: async () => undefined,
      };
    },
    deviations: Object.fromEntries(
      storeLaws.filter((name) => !kept.has(name)).map((name) => [name, 'it keeps no entry']),
    ),
  },
);
