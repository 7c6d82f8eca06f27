import { memcached } from '../../src/memcached.ts';
import { gutter } from '../../src/routes.ts';
import { runLostServer, type Spare } from './lost-server.ts';
import type { Scenario } from './scenario.ts';
import { member } from './servers.ts';

const spare: Spare = {
  scenario: 'gutter',
  servers: 2,
  words: 'a gutter of 2, entries in it living for 10 s at most',
  limit: 2,
  after: 30_000,
  make: (main, others) => {
    const pools = [
      memcached({ servers: main.map(member), name: 'main', poolName: 'main', salt: 'main' }),
      memcached({ servers: others.map(member), name: 'gutter', poolName: 'gutter', salt: 'gutter' }),
    ] as const;
    return { remote: gutter(...pools, { ttl: '10s' }), pools };
  },
};

export const scenario: Scenario = {
  title: 'one of ten servers is killed; a gutter of two stands in',
  run: (settings) => runLostServer(spare, settings),
};
