import type { Database } from '../database/database.ts';
import { today } from '../database/schema.ts';
import { homeQueries } from '../source.ts';

const rounds = 5;

/** What the five queries of the home page cost the database together, in milliseconds: for each the median of five runs, one at a time. */
export async function homeCost(database: Database): Promise<number> {
  let sum = 0;
  for (const [name, text] of Object.entries(homeQueries)) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const explained = await database.query<{ 'QUERY PLAN': string }>(
        `explain-${name}`,
        `EXPLAIN (ANALYZE, TIMING OFF) ${text.replaceAll('$1', `'${today}'`)}`,
      );
      const plan = explained.map((row) => row['QUERY PLAN']).join('\n');
      times.push(Number(/Execution Time: ([\d.]+) ms/.exec(plan)?.[1]));
    }
    sum += times.toSorted((one, other) => one - other)[Math.floor(rounds / 2)]!;
  }
  return sum;
}
