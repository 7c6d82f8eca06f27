import { memcached } from '../../src/memcached.ts';
import { mirrored } from '../../src/routes.ts';
import { runLostServer, type Spare } from './lost-server.ts';
import type { Scenario } from './scenario.ts';
import { member } from './servers.ts';

const spare: Spare = {
  scenario: 'mirror',
  servers: 10,
  words: 'a mirror of 10 more',
  limit: 1.1,
  after: 1000,
  make: (main, others) => {
    const pools = [
      memcached({ servers: main.map(member), name: 'one', poolName: 'one', salt: 'one' }),
      memcached({ servers: others.map(member), name: 'other', poolName: 'other', salt: 'other' }),
    ] as const;
    return { remote: mirrored(pools), pools };
  },
};

export const scenario: Scenario = {
  title: 'one of ten servers is killed; a mirrored pool has everything too',
  run: (settings) => runLostServer(spare, settings),
};
