import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { neverStale, type Race } from '../../test/routes/races.ts';
import { ask, type Asked, life, said, setOf, type Wire, world } from '../../test/routes/wire.ts';
import type { HitReply, MissReply, Operation, Reply, Store } from '../core/store.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import { memory } from '../stores/memory/memory.ts';
import { indexOf } from './big-value/value-index.ts';
import { bigValues, type BigValuesOptions } from './big-values.ts';

routeContract('bigValues', 1, ([store], runtime) => bigValues(store!, { runtime }));
routeContract(
  'bigValues, all of them cut',
  1,
  ([store], runtime) => bigValues(store!, { threshold: 1, runtime, maxValueBytes: 10_000 }),
  {
    'a value comes back byte for byte': 'a value of 300,000 bytes is above the largest that is set here',
    'a count adds and subtracts, and answers the digits': 'a number that is cut is no number to the store',
  },
);

interface Rig {
  readonly runtime: FakeRuntime;
  readonly wire: Wire;
  readonly bare: Store;
  readonly store: Store;
  readonly tell: (operation: Asked) => Promise<Reply>;
  /** What was asked since the last look: kind and key, tokens as `*`. */
  readonly asked: () => readonly string[];
  /** The names of the chunks that were written. */
  readonly chunks: () => readonly string[];
}

function rig(options: BigValuesOptions = {}): Rig {
  const { runtime, wires, stores } = world(1);
  const wire = wires[0]!;
  const store = bigValues(wire, { threshold: 10, runtime, ...options });
  const written: string[] = [];
  wire.fate = ({ kind, key }) => {
    if (kind === 'set' && key.includes('::')) written.push(key);
    return undefined;
  };
  return {
    runtime,
    wire,
    bare: stores[0]!,
    store,
    tell: async (operation) => {
      const reply = await ask(runtime, store, operation);
      await runtime.settle();
      return reply;
    },
    asked: () => wire.asked.splice(0).map(({ kind, key }) => `${kind} ${key.replace(/::[\w-]{8}:/, '::*:')}`),
    chunks: () => written,
  };
}

const get: Asked = { kind: 'get', key: 'k' };
const lease: Asked = { kind: 'get', key: 'k', lease: 5000 };
const long = 'a value of 33 characters, in pieces';

describe('bigValues', () => {
  test('a value above the threshold is cut: the chunks first, and the index when they are stored', async () => {
    const { tell, asked } = rig();
    expect((await tell(setOf('k', long, { flags: 9 }))).kind).toBe('stored');
    expect(asked()).toEqual(['set k::*:0', 'set k::*:1', 'set k::*:2', 'set k::*:3', 'set k']);
    const hit = (await tell(get)) as HitReply;
    expect([said(hit), hit.flags]).toEqual([long, 9]);
    expect(hit).toMatchObject({ freshFor: 60_000, expiresIn: 120_000 });
    expect(asked()).toEqual(['get k', 'get k::*:0', 'get k::*:1', 'get k::*:2', 'get k::*:3']);
  });

  test('values of any size and content come back as they went in', async () => {
    const value = fc.oneof(
      fc.uint8Array({ maxLength: 200, size: 'max' }),
      fc
        .nat(40)
        .map((length) =>
          indexOf({ token: 'abcdefgh', count: 1, length: 2, checksum: 3 }).subarray(0, length),
        ),
    );
    await fc.assert(
      fc.asyncProperty(value, fc.integer({ min: 1, max: 60 }), async (bytes, threshold) => {
        const { tell } = rig({ threshold });
        expect((await tell({ ...setOf('k', ''), value: bytes } as Asked)).kind).toBe('stored');
        expect(Uint8Array.from(((await tell(get)) as HitReply).value)).toEqual(Uint8Array.from(bytes));
      }),
      { numRuns: 200 },
    );
  });

  test('what is joined to a value is joined, whatever form it has', async () => {
    const step = fc.record({
      mode: fc.constantFrom('append' as const, 'prepend' as const),
      text: fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 15 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme-ascii', maxLength: 30, size: 'max' }),
        fc.array(step, { maxLength: 6 }),
        async (first, steps) => {
          const { tell } = rig();
          await tell(setOf('k', first, { flags: 5 }));
          let model = first;
          for (const { mode, text } of steps) {
            model = mode === 'append' ? model + text : text + model;
            expect((await tell(setOf('k', text, { mode }))).kind).toBe('stored');
          }
          const hit = (await tell(get)) as HitReply;
          expect([said(hit), hit.flags, hit.expiresIn]).toEqual([model, 5, 120_000]);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('a small value is handed on as it is, and so is the promise of its set', async () => {
    const { tell, wire } = rig();
    await tell(setOf('k', 'small'));
    await tell(get);
    expect(wire.asked.map(({ kind }) => kind)).toEqual(['set', 'get']);
    const inner = bigValues(memory());
    const promise = Promise.resolve({ kind: 'notFound' } as const);
    inner.execute = () => promise;
    expect(bigValues(inner).execute({ ...setOf('k', 'v'), deadline: 1 } as Operation)).toBe(promise);
  });

  test.each<[string, (bare: Rig, chunk: string) => Promise<unknown>]>([
    ['missing', async ({ runtime, bare }, key) => await ask(runtime, bare, { kind: 'delete', key })],
    ['another', async ({ runtime, bare }, key) => await ask(runtime, bare, setOf(key, 'x'.repeat(10)))],
    ['too short', async ({ runtime, bare }, key) => await ask(runtime, bare, setOf(key, 'x'))],
    ['too long', async ({ runtime, bare }, key) => await ask(runtime, bare, setOf(key, 'x'.repeat(99)))],
  ])('a chunk that is %s makes a miss, and the next asker wins a lease', async (_what, damage) => {
    for (const number of [0, 3]) {
      const own = rig();
      await own.tell(setOf('k', long));
      await damage(own, own.chunks()[number]!);
      const won = (await own.tell(lease)) as MissReply;
      expect(won).toMatchObject({ kind: 'miss', lease: 'won' });
      expect(await own.tell(lease)).toMatchObject({ lease: 'lost', cas: won.cas });
      expect((await own.tell(setOf('k', `${long}!`, { cas: won.cas }))).kind).toBe('stored');
      expect(said(await own.tell(get))).toBe(`${long}!`);
    }
  });

  test('a broken value that somebody has replaced meanwhile is not removed', async () => {
    const own = rig();
    await own.tell(setOf('k', long));
    await ask(own.runtime, own.bare, { kind: 'delete', key: own.chunks()[0]! });
    let replaced = false;
    own.wire.fate = ({ kind, key }) => {
      if (kind === 'get' && key.includes('::') && !replaced) {
        replaced = true;
        void own.bare.execute({ ...setOf('k', 'newer'), deadline: 1e15 } as Operation);
      }
      return undefined;
    };
    expect(said(await own.tell(lease))).toBe('newer');
  });

  test('a damaged index is a miss, too', async () => {
    const { runtime, tell, bare } = rig();
    const index = indexOf({ token: 'abcdefgh', count: 1, length: 2, checksum: 3 });
    await ask(runtime, bare, { ...setOf('k', ''), value: index.subarray(0, 20) } as Asked);
    expect((await tell(get)).kind).toBe('miss');
    expect((await ask(runtime, bare, get)).kind).toBe('miss');
  });

  test('a chunk that could not be read is a failure: the value may be whole, and its right is given back', async () => {
    const { tell, wire, runtime, bare } = rig();
    await tell(setOf('k', long));
    await tell({ kind: 'delete', key: 'k', staleFor: 60_000 });
    wire.fate = ({ key }) => (key.endsWith(':2') ? 'unsent' : undefined);
    expect((await tell(lease)).kind).toBe('failed');
    wire.up();
    expect(await tell(lease)).toMatchObject({ kind: 'hit', marked: true, claim: 'won' });
    expect((await ask(runtime, bare, get)).kind).toBe('hit');
  });

  test('a write whose chunks cannot all be stored changes nothing, and leaves none behind', async () => {
    const { tell, wire, asked } = rig();
    await tell(setOf('k', 'old'));
    asked();
    wire.fate = ({ key }) => (key.endsWith(':2') ? 'lost' : undefined);
    expect(await tell(setOf('k', long))).toMatchObject({ kind: 'failed', applied: 'no' });
    expect(asked().slice(4)).toEqual([0, 1, 2, 3].map((number) => `delete k::*:${number}`));
    wire.up();
    expect(said(await tell(get))).toBe('old');
  });

  test.each<[string, Asked, string, boolean]>([
    ['an add on an existing entry', setOf('k', long, { mode: 'add' }), 'notStored', true],
    ['a fill that comes too late', setOf('k', long, { cas: '999' }), 'conflict', true],
    ['a replace of nothing', setOf('other', long, { mode: 'replace' }), 'notStored', true],
    ['an index that was not sent', setOf('unsent', long), 'failed', true],
    ['an index whose answer got lost', setOf('lost', long), 'failed', false],
  ])('the chunks of %s are removed, unless its index may be there', async (_what, write, answer, removed) => {
    const { tell, wire, asked } = rig();
    await tell(setOf('k', 'old'));
    asked();
    wire.fate = ({ key }) => (key === 'unsent' || key === 'lost' ? key : undefined);
    expect((await tell(write)).kind).toBe(answer);
    expect(asked().filter((each) => each.startsWith('delete'))).toHaveLength(removed ? 4 : 0);
  });

  test('chunks outlive their index, and a touch reaches them', async () => {
    const { runtime, tell } = rig();
    await tell(setOf('k', long, { life: { freshFor: 5000, staleFor: 5000 } }));
    await runtime.advance(9999);
    expect(said(await tell(get))).toBe(long);
    expect((await tell({ kind: 'touch', key: 'k', life })).kind).toBe('stored');
    await runtime.advance(100_000);
    expect(said(await tell({ kind: 'get', key: 'k', touch: life }))).toBe(long);
    await runtime.advance(100_000);
    expect(said(await tell(get))).toBe(long);
    expect((await tell({ kind: 'touch', key: 'other', life })).kind).toBe('notFound');
  });

  test('chunks end after their index, also when that is written late', async () => {
    const { runtime, bare } = rig();
    const slow: Store = {
      name: 'slow',
      parts: [],
      execute: async (operation) => {
        if (operation.key === 'k' && operation.kind === 'set')
          await new Promise<void>((resolve) => void runtime.after(5000, resolve));
        return await bare.execute(operation);
      },
      close: async () => undefined,
    };
    const store = bigValues(slow, { threshold: 10, runtime });
    await ask(runtime, store, setOf('k', long, { life: { freshFor: 8000, staleFor: 0 } }));
    await runtime.advance(7999);
    expect(said(await ask(runtime, store, get))).toBe(long);
  });

  test('a touch and a prepend take no right that they do not use', async () => {
    const { tell, wire } = rig();
    await tell(setOf('k', long));
    await tell({ kind: 'delete', key: 'k', staleFor: 60_000 });
    expect((await tell({ kind: 'touch', key: 'k', life })).kind).toBe('stored');
    wire.fate = ({ kind, key }) => (kind === 'set' && key === 'k' ? 'unsent' : undefined);
    expect((await tell(setOf('k', 'x', { mode: 'prepend' }))).kind).toBe('failed');
    wire.up();
    expect(await tell(get)).toMatchObject({ marked: true, claim: 'won' });
  });

  test('a prepend that others get ahead of is tried again, and not for ever', async () => {
    const { runtime, tell, wire, bare } = rig();
    await tell(setOf('k', 'v'));
    let changes = 0;
    let most = 1;
    wire.fate = ({ kind }) => {
      if (kind !== 'set' || changes >= most) return undefined;
      changes++;
      void bare.execute({ ...setOf('k', `v${changes}`), deadline: 1e15 } as Operation);
      return undefined;
    };
    expect((await tell(setOf('k', '-', { mode: 'prepend' }))).kind).toBe('stored');
    expect(said(await ask(runtime, bare, get))).toBe('-v1');
    [changes, most] = [0, 99];
    expect((await tell(setOf('k', '-', { mode: 'prepend' }))).kind).toBe('conflict');
    expect(changes).toBe(3);
    expect((await tell(setOf('k', '-', { mode: 'prepend', cas: '1' }))).kind).toBe('conflict');
    expect(changes).toBe(4);
  });

  test('what is asked while a large value is written comes after it', async () => {
    const { runtime, store } = rig();
    const deadline = runtime.clock.read() + 1000;
    const operations = [
      setOf('k', long),
      get,
      setOf('k', 'small'),
      get,
      setOf('k', '-', { mode: 'prepend' }),
      get,
      { kind: 'delete', key: 'k' },
      get,
    ];
    const replies = operations.map((each) => store.execute({ deadline, ...each } as Operation));
    expect((await runtime.until(Promise.all(replies))).map(said)).toEqual([
      'stored',
      long,
      'stored',
      'small',
      'stored',
      '-small',
      'stored',
      'miss',
    ]);
  });

  test('what is malformed fails, also when it has to wait', async () => {
    const { runtime, store } = rig();
    const deadline = runtime.clock.read() + 1000;
    const first = store.execute({ deadline, ...setOf('k', long) } as Operation);
    const second = store.execute({ deadline, kind: 'set', key: 'k', mode: 'set' } as unknown as Operation);
    expect((await runtime.until(first)).kind).toBe('stored');
    expect(await runtime.until(second)).toMatchObject({ kind: 'failed', applied: 'no' });
  });

  test('a value over the largest is refused by name, and the older one is gone', async () => {
    const { tell, asked } = rig({ maxValueBytes: 30 });
    await tell(setOf('k', 'old'));
    asked();
    expect(await tell(setOf('k', long))).toMatchObject({
      kind: 'failed',
      applied: 'no',
      error: { code: 'CISTERN_TOO_LARGE', message: expect.stringContaining("('maxValueBytes')") as string },
    });
    expect(asked()).toEqual(['delete k']);
    expect((await tell(get)).kind).toBe('miss');
  });

  test.each<[object, RegExp]>([
    [{ threshold: 0 }, /'threshold' is 0/],
    [
      { threshold: '1mb', maxValueBytes: '512kb' },
      /'maxValueBytes' is 524288, but must be at least 'threshold', which is 1048576/,
    ],
    [{ maxValueBytes: '8gb' }, /'maxValueBytes' is '8gb'/],
    [{ chunk: 1 }, /'chunk' is 1/],
  ])('%j is refused', (options, saying) => {
    expect(() => bigValues(memory(), options)).toThrow(saying);
  });
});

test.each<Pick<Race, 'faults' | 'steps' | 'most'>>([
  { faults: false },
  { faults: true },
  { faults: false, steps: ['read', 'write'], most: 3 },
])('no schedule shows parts of different values, or an old one: %j', async (race) => {
  const make: Race['make'] = ([store]) => bigValues(store!, { threshold: 4 });
  await fc.assert(neverStale({ pools: 1, make, ...race }), { numRuns: 300 });
});
