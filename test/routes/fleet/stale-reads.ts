import fc from 'fast-check';
import type { ShardedOptions } from '../../../src/routes/sharded.ts';
import type { Member } from '../../../src/routes/server-list/server-list.ts';
import type { Faults } from './fenced-link.ts';
import { Fleet, type FleetProcess, memberOf } from './fleet.ts';

/** One thing that happens in a fleet. Numbers are taken modulo what there is. */
export type Step =
  | { readonly kind: 'read' | 'write'; readonly process: number; readonly key: number }
  /** The list of servers changes; processes take it over later. */
  | { readonly kind: 'ring'; readonly members: readonly Member[] }
  | { readonly kind: 'adopt'; readonly process: number }
  /** A process ends and starts again: with the ring that it had, or with the newest where rings change by that alone. */
  | { readonly kind: 'restart'; readonly process: number }
  /** All end, then all start with the newest ring; only if they had the same before, and it has a server in common with the newest. */
  | { readonly kind: 'redeploy' }
  | { readonly kind: 'outage'; readonly server: number; readonly milliseconds: number }
  | { readonly kind: 'wipe'; readonly server: number }
  | { readonly kind: 'wait'; readonly milliseconds: number };

/** How processes learn of another list: while they run, or by being started anew, one after the other. */
export type Way = 'lists' | 'deploys';

export interface Story {
  readonly way: Way;
  readonly seed: number;
  readonly first: readonly Member[];
  readonly steps: readonly Step[];
  readonly loss: number;
}

const serverIds = ['a', 'b', 'c', 'd', 'e'];
const processes = 3;
const keys = 12;

function membersOf(way: Way, weights: boolean): fc.Arbitrary<readonly Member[]> {
  const [common, ...others] = serverIds;
  const some = way === 'lists' ? fc.shuffledSubarray(serverIds, { minLength: 1 }) : fc.subarray(others);
  const ids = way === 'lists' ? some : some.map((each) => [common!, ...each]);
  return ids.chain((list) =>
    fc
      .array(weights ? fc.constantFrom(1, 1, 2) : fc.constant(1), {
        minLength: list.length,
        maxLength: list.length,
      })
      .map((given) => list.map((id, index) => memberOf(id, given[index]))),
  );
}

const process = fc.nat({ max: processes - 1 });
const key = fc.nat({ max: keys - 1 });
const server = fc.nat({ max: serverIds.length - 1 });

export function stories(way: Way, weights: boolean): fc.Arbitrary<Story> {
  const members = membersOf(way, weights);
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 16, arbitrary: fc.record({ kind: fc.constant('read' as const), process, key }) },
    { weight: 10, arbitrary: fc.record({ kind: fc.constant('write' as const), process, key }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('ring' as const), members }) },
    {
      weight: way === 'lists' ? 8 : 0,
      arbitrary: fc.record({ kind: fc.constant('adopt' as const), process }),
    },
    {
      weight: way === 'lists' ? 1 : 8,
      arbitrary: fc.record({ kind: fc.constant('restart' as const), process }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'redeploy' as const }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('outage' as const),
        server,
        milliseconds: fc.integer({ min: 1, max: 400 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wipe' as const), server }) },
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        milliseconds: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 600 })),
      }),
    },
  );
  return fc.record({
    way: fc.constant(way),
    seed: fc.integer({ min: 1, max: 2 ** 30 }),
    first: members,
    steps: fc.array(step, { minLength: 20, maxLength: 150 }),
    loss: fc.constantFrom(0, 0, 0.05),
  });
}

const sameServer = (one: Member, other: Member): boolean =>
  one.id === other.id && one.weight === other.weight;

/** Lets a story happen, and then everything come to rest. Answers the keys of which a process is still told an old version. */
export async function staleAfter(
  story: Story,
  faults: Faults = {},
  options: Partial<ShardedOptions> = {},
): Promise<readonly string[]> {
  const fleet = new Fleet({ seed: story.seed, faults, options });
  const { runtime } = fleet;
  fleet.loss = story.loss;
  let newest = story.first;
  const running = Array.from({ length: processes }, () => fleet.start(newest));
  const nameOf = (index: number): string => `key:${index}`;
  const quiet = async (some: readonly FleetProcess[]): Promise<void> => {
    // Loads that were under way have ended by then; what cannot be repaired now never will be.
    await runtime.advance(200);
    for (let round = 0; round < 500 && some.some((each) => !each.idle); round++) await runtime.advance(50);
    if (some.some((each) => !each.idle)) throw new Error('does not come to rest');
  };

  const restart = async (index: number, members: readonly Member[]): Promise<void> => {
    await quiet([running[index]!]);
    await runtime.until(running[index]!.store.close());
    running[index] = fleet.start(members);
  };

  for (const step of story.steps) {
    switch (step.kind) {
      case 'read':
        void running[step.process]!.read(nameOf(step.key));
        break;
      case 'write':
        void running[step.process]!.write(nameOf(step.key));
        break;
      case 'ring':
        newest = step.members;
        break;
      case 'adopt':
        running[step.process]!.list.set(newest);
        break;
      case 'restart':
        await restart(step.process, story.way === 'lists' ? running[step.process]!.list.members : newest);
        break;
      case 'redeploy': {
        const rings = new Set(running.map((each) => JSON.stringify(each.list.members)));
        const known = running[0]!.list.members;
        if (rings.size > 1 || !newest.some((each) => known.some((other) => sameServer(each, other)))) break;
        await quiet(running);
        for (const each of running) await runtime.until(each.store.close());
        for (let index = 0; index < processes; index++) running[index] = fleet.start(newest);
        break;
      }
      case 'outage': {
        const broken = fleet.server(serverIds[step.server]!);
        broken.reachable = false;
        runtime.after(step.milliseconds, () => void (broken.reachable = true));
        break;
      }
      case 'wipe':
        fleet.server(serverIds[step.server]!).restart();
        break;
      case 'wait':
        await runtime.advance(step.milliseconds);
    }
  }
  fleet.loss = 0;
  for (const [index, each] of running.entries())
    if (story.way === 'lists') each.list.set(newest);
    else if (each.list.members !== newest) await restart(index, newest);
  // Long enough for what two rings in use at once make necessary, and asked often enough for records to be read.
  for (let round = 0; round < 12; round++) {
    await runtime.advance(400);
    await quiet(running);
    for (const each of running) for (let index = 0; index < keys; index++) void each.peek(nameOf(index));
  }

  const stale: string[] = [];
  for (const [number, each] of running.entries())
    for (let index = 0; index < keys; index++) {
      const told = await runtime.until(each.peek(nameOf(index)));
      const now = fleet.source.get(nameOf(index)) ?? 0;
      if (told !== undefined && told !== now)
        stale.push(`process ${number} is told version ${told} of ${nameOf(index)}, which is at ${now}`);
    }
  for (const each of running) await runtime.until(each.store.close());
  return stale;
}
