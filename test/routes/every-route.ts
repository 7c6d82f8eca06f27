import type { Runtime } from '../../src/core/runtime.ts';
import type { Store } from '../../src/core/store.ts';
import {
  bigValues,
  byOperation,
  chaotic,
  ephemeral,
  failover,
  gutter,
  hedged,
  limited,
  measured,
  migrating,
  mirrored,
  missFailover,
  prefixed,
  replicatedKeys,
  shadowed,
  sharded,
  type ShardedOptions,
  warming,
} from '../../src/routes.ts';
import type { FakeRuntime } from '../../src/testing/fake-runtime.ts';
import { scheduleIn, stages } from './migration-stage.ts';

/** A route or wrapper as the laws that hold for all of them try it. */
export interface RouteCase {
  readonly name: string;
  /** How many parts it is made of here. */
  readonly parts: number;
  readonly make: (parts: readonly Store[], runtime: FakeRuntime) => Store;
}

export const everyRoute: readonly RouteCase[] = [
  { name: 'gutter', parts: 2, make: ([main, spare]) => gutter(main!, spare!) },
  {
    name: 'gutter of gutters',
    parts: 4,
    make: ([a, b, c, d]) => gutter(gutter(a!, b!), gutter(c!, d!), { ttl: '2s' }),
  },
  { name: 'failover', parts: 3, make: (parts) => failover(parts) },
  { name: 'failover of writes', parts: 3, make: (parts) => failover(parts, { writes: true }) },
  { name: 'missFailover', parts: 3, make: (parts) => missFailover(parts) },
  {
    name: 'failover of missFailovers',
    parts: 4,
    make: ([a, b, c, d]) => failover([missFailover([a!, b!]), missFailover([c!, d!])]),
  },
  { name: 'prefixed', parts: 3, make: ([a, b, c]) => prefixed({ 'user:': a!, 'user:1': b! }, c!) },
  { name: 'byOperation', parts: 3, make: ([a, b, c]) => byOperation({ get: a!, count: b! }, c!) },
  { name: 'ephemeral', parts: 1, make: ([a]) => ephemeral(a!, { ttl: '10s' }) },
  {
    name: 'limited',
    parts: 1,
    make: ([a], runtime) => limited(a!, { outstanding: 100, perSecond: 1_000_000, runtime }),
  },
  { name: 'measured', parts: 1, make: ([a], runtime) => measured(a!, { runtime }) },
  {
    name: 'shadowed',
    parts: 2,
    make: ([a, b], runtime) => shadowed(a!, b!, { share: 0.5, compare: true, runtime }),
  },
  {
    name: 'shadowed by request',
    parts: 2,
    make: ([a, b], runtime) => shadowed(a!, b!, { share: 0.5, by: 'request', runtime }),
  },
  { name: 'mirrored', parts: 3, make: (parts) => mirrored(parts, { readFrom: 1 }) },
  { name: 'mirrored, written to one', parts: 2, make: (parts) => mirrored(parts, { writes: 'one' }) },
  {
    name: 'gutter of mirrors',
    parts: 5,
    make: ([a, b, c, d, e]) => gutter(mirrored([a!, b!], { readFrom: 1 }), mirrored([c!, d!, e!])),
  },
  { name: 'warming', parts: 2, make: ([a, b]) => warming(a!, b!) },
  { name: 'warming that does not clean', parts: 2, make: ([a, b]) => warming(a!, b!, { clean: false }) },
  { name: 'hedged', parts: 2, make: ([a, b], runtime) => hedged(a!, b!, { after: 1, share: 1, runtime }) },
  {
    name: 'replicatedKeys',
    parts: 1,
    make: ([a]) =>
      replicatedKeys(a!, {
        keys: (key) => key < 'user:2',
        replicas: 3,
        runtime: { random: () => 0.5 } as unknown as Runtime,
      }),
  },
  {
    name: 'replicatedKeys at random',
    parts: 1,
    make: ([a], runtime) => replicatedKeys(a!, { keys: () => true, replicas: 3, read: 'random', runtime }),
  },
  ...stages.map((stage) => ({
    name: `migrating, ${stage}`,
    parts: 2,
    make: ([a, b]: readonly Store[], runtime: FakeRuntime) =>
      migrating({ from: a!, to: b!, status: false, runtime, ...scheduleIn(stage, runtime) }),
  })),
  { name: 'sharded', parts: 4, make: (parts, runtime) => sharded({ ...membersOf(parts), runtime }) },
  {
    name: 'sharded by jump, of gutters',
    parts: 4,
    make: ([a, b, c, d], runtime) =>
      sharded({ ...membersOf([gutter(a!, b!), gutter(c!, d!)]), placement: 'jump', runtime }),
  },
  {
    name: 'sharded by the first letter',
    parts: 3,
    make: (parts, runtime) =>
      sharded({ ...membersOf(parts), placement: 'modulo', routingKey: (key) => key.charAt(0), runtime }),
  },
  { name: 'bigValues', parts: 1, make: ([a], runtime) => bigValues(a!, { threshold: 1000, runtime }) },
  { name: 'chaotic', parts: 1, make: ([a], runtime) => chaotic(a!, { runtime, faults: { delay: 0.5 } }) },
];

function membersOf(parts: readonly Store[]): Pick<ShardedOptions, 'servers' | 'make'> {
  return {
    servers: parts.map((_, index) => `server-${index}:1`),
    make: ({ id }) => parts[Number(/\d+/.exec(id)![0])]!,
  };
}
