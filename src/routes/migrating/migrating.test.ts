import { routeContract } from '../../../test/routes/route-contract.ts';
import { migrating } from './migrating.ts';
import { stages, scheduleIn } from '../../../test/routes/migration-stage.ts';

for (const stage of stages)
  routeContract(`migrating, ${stage}`, 2, ([from, to], runtime) =>
    migrating({ from: from!, to: to!, runtime, status: false, ...scheduleIn(stage, runtime) }),
  );
