import { routeContract } from '../../test/routes/route-contract.ts';
import { mirrored } from './mirrored.ts';

const elsewhere = {
  'operations of one turn on one key happen in the order in which they were asked':
    'what is written on a condition is decided in the first pool, and read in the own one',
  'any store clears the right: the next asker wins, the first winner’s fill is a conflict':
    'after an append the entry is in the deciding pool alone: the fill finds none in its own, and is notFound',
};

routeContract('mirrored', 2, (pools) => mirrored(pools));
routeContract(
  'mirrored, read from the last of three',
  3,
  (pools) => mirrored(pools, { readFrom: 2 }),
  elsewhere,
);
routeContract(
  'mirrored, written to one',
  3,
  (pools) => mirrored(pools, { readFrom: 1, writes: 'one' }),
  elsewhere,
);
routeContract('mirrored, written to most', 3, (pools) => mirrored(pools, { writes: 'quorum' }));
