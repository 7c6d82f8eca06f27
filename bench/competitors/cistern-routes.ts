import { memory, type Store } from 'cistern';
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
  mirrored,
  missFailover,
  prefixed,
  replicatedKeys,
  shadowed,
  warming,
} from 'cistern/routes';

const part = (): Store => memory({ maxBytes: '256mb' });

/** A store that nobody has said of that it keeps the contract: it is watched over. */
function unknown(): Store {
  const store = part();
  return {
    name: 'unknown',
    parts: [],
    execute: (operation) => store.execute(operation),
    close: () => store.close(),
  };
}

const routes: Readonly<Record<string, () => Store>> = {
  memory: part,
  'prefixed, 3 lengths': () => prefixed({ 'a:': part(), 'order:': part(), 'session:': part() }, part()),
  'prefixed, of an unknown store': () => prefixed({ 'a:': part() }, unknown()),
  ephemeral: () => ephemeral(part(), { ttl: '1h' }),
  'limited, per second': () => limited(part(), { perSecond: 1e9 }),
  'limited, outstanding': () => limited(part(), { outstanding: 1e6 }),
  'bigValues, small values': () => bigValues(part()),
  'replicatedKeys, other keys': () => replicatedKeys(part(), { keys: new Set(['hot']), replicas: 4 }),
  'replicatedKeys, hot keys': () => replicatedKeys(part(), { keys: () => true, replicas: 4 }),
  'shadowed, no key': () => shadowed(part(), part(), { share: 0 }),
  'shadowed, all keys': () => shadowed(part(), part(), { share: 1, outstanding: 1e6 }),
  byOperation: () => byOperation({ count: part() }, part()),
  gutter: () => gutter(part(), part()),
  failover: () => failover([part(), part()]),
  missFailover: () => missFailover([part(), part()]),
  mirrored: () => mirrored([part(), part()]),
  'mirrored, written to one': () => mirrored([part(), part()], { writes: 'one' }),
  warming: () => warming(part(), part()),
  measured: () => measured(part()),
  hedged: () => hedged(part(), part(), { after: '1s' }),
  'hedged, by percentile': () => hedged(part(), part(), { least: '1s' }),
  chaotic: () => chaotic(part()),
  'gutter, prefixed, measured': () => measured(prefixed({ 'a:': part() }, gutter(part(), part()))),
};

/** The names of all routes, the bare store first. */
export const routeNames: readonly string[] = Object.keys(routes);

/** A route over stores in this process, by its name in the table. */
export function openRoute(name: string): Store {
  return routes[name]!();
}
