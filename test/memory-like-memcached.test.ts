import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { realRuntime } from '../src/core/runtime.ts';
import type { Operation, Reply, Right, Store } from '../src/core/store.ts';
import { memcached } from '../src/stores/memcached/memcached.ts';
import { memory } from '../src/stores/memory/memory.ts';
import { type MemcachedServer, startMemcached } from '../src/testing/memcached-server.ts';
import { withoutMemcached } from './servers/real-memcached.ts';

/** Without the server there is nothing to compare with; on a build machine it must be there. */

let server: MemcachedServer | undefined;
beforeAll(async () => {
  if (!withoutMemcached) server = await startMemcached();
});
afterAll(async () => await server?.stop());

/** The script names keys and CAS values by number: the two stores have their own. */
type Line =
  | {
      readonly do: 'get';
      readonly lease: boolean;
      readonly recache: number | undefined;
      readonly touch: number | undefined;
    }
  | {
      readonly do: 'set';
      readonly mode: 'set' | 'add' | 'replace';
      readonly value: string;
      readonly flags: number;
      readonly life: number;
      readonly cas: number | undefined;
    }
  | {
      readonly do: 'join';
      readonly mode: 'append' | 'prepend';
      readonly value: string;
      readonly cas: number | undefined;
    }
  | { readonly do: 'delete'; readonly mark: boolean; readonly cas: number | undefined }
  | { readonly do: 'touch'; readonly life: number }
  | { readonly do: 'count'; readonly delta: bigint; readonly create: boolean }
  | { readonly do: 'release'; readonly win: number };
interface Step {
  readonly key: number;
  readonly line: Line;
}

const lives = [
  { freshFor: 600_000, staleFor: 600_000 },
  { freshFor: 60_000, staleFor: 0 },
  { freshFor: 0, staleFor: 300_000 },
];
const life = fc.nat(lives.length - 1);
const cas = fc.option(fc.nat(3), { nil: undefined, freq: 2 });

/** No number here gets shorter by counting (memcached fills it with spaces), and nothing empty is appended. */
const line: fc.Arbitrary<Line> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('get' as const),
      lease: fc.boolean(),
      recache: fc.constantFrom(undefined, 1000, 5_000_000),
      touch: fc.option(life, { nil: undefined, freq: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      mode: fc.constantFrom('set', 'set', 'add', 'replace'),
      value: fc.constantFrom('', '5', '12', 'text', 'EN\r\n'),
      flags: fc.constantFrom(0, 3, 511),
      life,
      cas,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('join' as const),
      mode: fc.constantFrom('append', 'prepend'),
      value: fc.constantFrom('5', 'b'),
      cas,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), mark: fc.boolean(), cas }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('touch' as const), life }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('count' as const),
      delta: fc.constantFrom(0n, 1n, 95n, 10n ** 18n),
      create: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), win: fc.nat(2) }) },
);
const script = fc.array(fc.array(fc.record({ key: fc.nat(2), line }), { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 30,
});

/** One of the two players of a script. */
class Player {
  readonly store: Store;
  readonly #prefix = `script:${realRuntime.randomId()}:`;
  /** Per key: the CAS values that were told, in order, and the rights that were won or that others have. */
  readonly cas: string[][] = [[], [], []];
  readonly rights: { readonly right: Right; readonly cas: string }[][] = [[], [], []];

  constructor(store: Store) {
    this.store = store;
  }

  operation({ key: number, line: step }: Step): Operation | undefined {
    const to = { key: `${this.#prefix}${number}`, deadline: realRuntime.clock.read() + 10_000 };
    const casOf = (age: number | undefined): { cas?: string } => {
      if (age === undefined) return {};
      return { cas: this.cas[number]!.at(-1 - age) ?? '0' };
    };
    switch (step.do) {
      case 'get':
        return {
          ...to,
          kind: 'get',
          ...(step.lease && { lease: 100_000 }),
          ...(step.recache !== undefined && { recache: step.recache }),
          ...(step.touch !== undefined && { touch: lives[step.touch]! }),
        };
      case 'set':
        return {
          ...to,
          kind: 'set',
          mode: step.mode,
          value: Buffer.from(step.value),
          flags: step.flags,
          life: lives[step.life]!,
          ...casOf(step.cas),
        };
      case 'join':
        return {
          ...to,
          kind: 'set',
          mode: step.mode,
          value: Buffer.from(step.value),
          flags: 0,
          life: lives[0]!,
          ...casOf(step.cas),
        };
      case 'delete':
        return { ...to, kind: 'delete', ...(step.mark && { staleFor: 200_000 }), ...casOf(step.cas) };
      case 'touch':
        return { ...to, kind: 'touch', life: lives[step.life]! };
      case 'count':
        return {
          ...to,
          kind: 'count',
          delta: step.delta,
          ...(step.create && { initial: { value: 10n, life: lives[1]! } }),
        };
      case 'release': {
        const right = this.rights[number]!.at(-1 - step.win);
        return right && { ...to, kind: 'release', ...right };
      }
    }
  }
}

/** What both must say alike; CAS values by their place in what was told before. */
function told(reply: Reply, operation: Operation, known: readonly string[]): unknown {
  const place = (value: string): number => known.indexOf(value);
  switch (reply.kind) {
    case 'hit': {
      const value = Buffer.from(reply.value).toString();
      if (operation.kind === 'count') return ['counted', value, place(reply.cas)];
      return ['hit', value, reply.flags, reply.marked, reply.claim, place(reply.cas)];
    }
    case 'miss':
      return ['miss', reply.lease, place(reply.cas)];
    case 'failed':
      return ['failed', reply.applied];
    default:
      return [reply.kind];
  }
}

function expectNear(left: Reply, right: Reply, operation: Operation): void {
  if (left.kind !== 'hit' || right.kind !== 'hit' || operation.kind === 'count') return;
  for (const [one, other] of [
    [left.expiresIn, right.expiresIn],
    [left.freshFor, right.freshFor],
  ] as const)
    expect(Math.abs(one - other), `${one} and ${other} are more than the grain apart`).toBeLessThan(3000);
}

/** What the answers told about a key so far. */
interface Known {
  placeholder: boolean;
  marked: boolean;
  claimed: boolean;
}

function learn(known: Known, operation: Operation, reply: Reply): void {
  if (reply.kind === 'miss') {
    if (operation.kind === 'get' && operation.lease !== undefined) known.placeholder = true;
    known.marked = false;
    known.claimed = false;
  } else if (reply.kind === 'hit') {
    known.placeholder = false;
    if (operation.kind === 'count') return;
    known.marked = reply.marked;
    known.claimed = reply.claim !== 'none';
  } else if (reply.kind === 'stored' && operation.kind !== 'release' && operation.kind !== 'touch') {
    known.placeholder = false;
    known.marked = operation.kind === 'delete' && operation.staleFor !== undefined;
    known.claimed = false;
  }
}

/**
 * Where the server has no command for what the contract says, so that the leaf for memcached differs: a mark or a touch of a
 * placeholder keeps and lengthens it, a touch of a marked entry takes the right to reload until it has been given back, and
 * a count keeps marks and rights only if the number gets no longer.
 */
function differs({ key, line: step }: Step, known: readonly Known[], batch: readonly Step[]): boolean {
  const { placeholder, marked, claimed } = known[key]!;
  const others = batch.filter((each) => each.key === key).map((each) => each.line);
  const leases = placeholder || others.some((each) => each.do === 'get' && each.lease);
  const marks = marked || others.some((each) => each.do === 'delete' && each.mark);
  const claims = claimed || others.some((each) => each.do === 'get' && each.recache !== undefined);
  switch (step.do) {
    case 'get':
      return step.touch !== undefined && leases;
    case 'delete':
      return step.mark && leases;
    case 'touch':
      return leases || marks;
    case 'count':
      return marks || claims;
    default:
      return false;
  }
}

async function play(steps: readonly (readonly Step[])[], players: readonly [Player, Player]): Promise<void> {
  const known = Array.from({ length: 3 }, (): Known => ({
    placeholder: false,
    marked: false,
    claimed: false,
  }));
  for (const batch of steps) {
    const kept = batch.filter((step) => !differs(step, known, batch));
    const asked = players.map((player) => kept.map((step) => player.operation(step)));
    const replies = await Promise.all(
      players.map((player, side) =>
        Promise.all(
          asked[side]!.map(async (operation) => operation && (await player.store.execute(operation))),
        ),
      ),
    );
    for (const [index, { key }] of kept.entries()) {
      const operation = asked[0]![index];
      const [left, right] = [replies[0]![index], replies[1]![index]];
      if (operation === undefined || left === undefined || right === undefined) continue;
      expect(told(left, operation, players[0].cas[key]!)).toEqual(
        told(right, operation, players[1].cas[key]!),
      );
      expectNear(left, right, operation);
      learn(known[key]!, operation, left);
      const both = [left, right] as const;
      if (both.every((reply) => 'cas' in reply && reply.cas !== '')) {
        for (const [side, reply] of both.entries()) {
          const player = players[side]!;
          const { cas: value } = reply as { readonly cas: string };
          player.cas[key]!.push(value);
          if (reply.kind === 'miss') player.rights[key]!.push({ right: 'lease', cas: value });
          else if (reply.kind === 'hit' && reply.claim !== 'none')
            player.rights[key]!.push({ right: reply.marked ? 'stale' : 'recache', cas: value });
        }
      }
    }
  }
}

test.skipIf(withoutMemcached)('memory answers every script as a real memcached does', async () => {
  const stores = [memory(), memcached({ servers: [server!.address], timeout: '10s' })] as const;
  const seen = new Map<string, number>();
  try {
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        const players = [new Player(counting(stores[0], seen)), new Player(stores[1])] as const;
        await play(steps, players);
      }),
      { numRuns: 1000 },
    );
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
  // A script that never gets anywhere would agree about nothing.
  for (const outcome of [
    'hit won',
    'hit lost',
    'hit marked',
    'miss won',
    'miss lost',
    'stored',
    'notStored',
    'conflict',
    'notFound',
    'failed',
    'release stored',
  ])
    expect(seen.get(outcome) ?? 0, `${outcome} came too rarely`).toBeGreaterThan(30);
});

/** The same store, with its outcomes counted. */
function counting(store: Store, seen: Map<string, number>): Store {
  const add = (outcome: string): void => void seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  return {
    name: store.name,
    parts: [store],
    async execute(operation) {
      const reply = await store.execute(operation);
      add(reply.kind);
      if (reply.kind === 'hit') add(`hit ${reply.claim}`);
      if (reply.kind === 'hit' && reply.marked) add('hit marked');
      if (reply.kind === 'miss') add(`miss ${reply.lease}`);
      if (operation.kind === 'release') add(`release ${reply.kind}`);
      return reply;
    },
    close: async () => await store.close(),
  };
}
