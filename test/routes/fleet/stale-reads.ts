import fc from 'fast-check';
import type { ShardedOptions } from '../../../src/routes/sharded.ts';
import type { Member } from '../../../src/routes/server-list/server-list.ts';
import type { Faults } from './fenced-link.ts';
import { Fleet, type FleetOptions, type FleetProcess, memberOf } from './fleet.ts';

/** One thing that happens in a fleet. Numbers are taken modulo what there is. */
export type Step =
  | {
      readonly kind: 'read' | 'write';
      readonly process: number;
      readonly key: number;
      /** By the process that is about to end, if there is one still. */
      readonly old: boolean;
    }
  /** The list of servers changes; processes take it over later. */
  | { readonly kind: 'ring'; readonly members: readonly Member[] }
  | { readonly kind: 'adopt'; readonly process: number }
  /**
   * A process ends and starts again: with the ring that it had, or with the newest where rings change by that alone. With an overlap the new one
   * starts first, and both run for so many milliseconds.
   */
  | { readonly kind: 'restart'; readonly process: number; readonly overlap: number | undefined }
  /** All end, then all start with the newest ring; only if they had the same before, and it has a server in common with the newest. */
  | { readonly kind: 'redeploy' }
  | { readonly kind: 'outage'; readonly server: number; readonly milliseconds: number }
  /** One process cannot reach one server. */
  | {
      readonly kind: 'cut';
      readonly process: number;
      readonly server: number;
      readonly milliseconds: number;
    }
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
      // The server that all lists of deploys have in common keeps its weight: with another one it is another server (docs/fleet.md), and then
      // nothing remembers the list before, which is not covered.
      .map((given) =>
        list.map((id, index) => memberOf(id, way === 'deploys' && id === common ? 1 : given[index])),
      ),
  );
}

const process = fc.nat({ max: processes - 1 });
const key = fc.nat({ max: keys - 1 });
const old = fc.boolean();
const overlap = fc.option(fc.integer({ min: 0, max: 3000 }), { nil: undefined });
const server = fc.nat({ max: serverIds.length - 1 });

export function stories(way: Way, weights: boolean): fc.Arbitrary<Story> {
  const members = membersOf(way, weights);
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 16, arbitrary: fc.record({ kind: fc.constant('read' as const), process, key, old }) },
    { weight: 10, arbitrary: fc.record({ kind: fc.constant('write' as const), process, key, old }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('ring' as const), members }) },
    {
      weight: way === 'lists' ? 8 : 0,
      arbitrary: fc.record({ kind: fc.constant('adopt' as const), process }),
    },
    {
      weight: way === 'lists' ? 1 : 8,
      arbitrary: fc.record({ kind: fc.constant('restart' as const), process, overlap }),
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
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('cut' as const),
        process,
        server,
        milliseconds: fc.integer({ min: 1, max: 1500 }),
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
  open = (given: FleetOptions): Fleet => new Fleet(given),
): Promise<readonly string[]> {
  const fleet = open({ seed: story.seed, faults, options });
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

  const ending = new Map<number, FleetProcess>();
  const end = async (some: FleetProcess): Promise<void> => {
    await quiet([some]);
    await runtime.until(some.store.close());
  };
  const endOld = async (index: number): Promise<void> => {
    const some = ending.get(index);
    ending.delete(index);
    if (some !== undefined) await end(some);
  };
  const restart = async (index: number, members: readonly Member[], both?: number): Promise<void> => {
    await endOld(index);
    const before = running[index]!;
    if (both === undefined) await end(before);
    running[index] = fleet.start(members);
    if (both === undefined) return;
    ending.set(index, before);
    runtime.after(both, () => {
      if (ending.get(index) === before) overdue.add(index);
    });
  };
  const overdue = new Set<number>();
  const actor = (step: { readonly process: number; readonly old: boolean }): FleetProcess =>
    (step.old ? ending.get(step.process) : undefined) ?? running[step.process]!;

  for (const step of story.steps) {
    for (const index of overdue) await endOld(index);
    overdue.clear();
    switch (step.kind) {
      case 'read':
        void actor(step).read(nameOf(step.key));
        break;
      case 'write':
        void actor(step).write(nameOf(step.key));
        break;
      case 'ring':
        newest = step.members;
        break;
      case 'adopt':
        running[step.process]!.list.set(newest);
        break;
      case 'restart':
        await restart(
          step.process,
          story.way === 'lists' ? running[step.process]!.list.members : newest,
          step.overlap,
        );
        break;
      case 'redeploy': {
        const rings = new Set(running.map((each) => JSON.stringify(each.list.members)));
        const known = running[0]!.list.members;
        if (rings.size > 1 || !newest.some((each) => known.some((other) => sameServer(each, other)))) break;
        for (let index = 0; index < processes; index++) await endOld(index);
        for (const each of running) await end(each);
        for (let index = 0; index < processes; index++) running[index] = fleet.start(newest);
        break;
      }
      case 'outage': {
        const broken = fleet.disturbed(serverIds[step.server]!);
        broken.reachable = false;
        runtime.after(step.milliseconds, () => void (broken.reachable = true));
        break;
      }
      case 'cut': {
        const { cut } = running[step.process]!;
        const id = serverIds[step.server]!;
        cut.add(id);
        runtime.after(step.milliseconds, () => void cut.delete(id));
        break;
      }
      case 'wipe':
        fleet.disturbed(serverIds[step.server]!).restart();
        break;
      case 'wait':
        await runtime.advance(step.milliseconds);
    }
  }
  fleet.loss = 0;
  for (const [index, each] of running.entries())
    if (story.way === 'lists') each.list.set(newest);
    else if (each.list.members !== newest)
      await restart(index, newest, story.seed % 2 === 0 ? 500 : undefined);
  await runtime.advance(1000);
  for (let index = 0; index < processes; index++) await endOld(index);
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
