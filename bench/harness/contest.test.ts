import { expect, test } from 'vitest';
import { type Contest, runContest } from './contest.ts';

const adapter = import.meta.resolve('./fixtures/counting-adapter.ts');

function contest(...contenders: { name: string; parameters: Record<string, unknown> }[]): Contest {
  return {
    bench: 'test',
    unit: 'us',
    workload: import.meta.resolve('./fixtures/counting-workload.ts'),
    cases: ['first', 'second'],
    contenders: contenders.map((contender) => ({ ...contender, packages: [], adapter })),
    baseline: 'one',
    parameters: { factor: 1 },
  };
}

test('every contender is warmed, then measured in every round of every case, in turns', async () => {
  const asked: string[] = [];
  const result = await runContest(
    contest({ name: 'one', parameters: {} }, { name: 'three', parameters: { factor: 3 } }),
    { rounds: 3, milliseconds: 1 },
    (text) => asked.push(text),
  );
  expect(asked.filter((text) => text.startsWith('round'))).toEqual([
    'round 1 of 3: one, first',
    'round 1 of 3: three, first',
    'round 2 of 3: three, first',
    'round 2 of 3: one, first',
    'round 3 of 3: one, first',
    'round 3 of 3: three, first',
    'round 1 of 3: one, second',
    'round 1 of 3: three, second',
    'round 2 of 3: three, second',
    'round 2 of 3: one, second',
    'round 3 of 3: one, second',
    'round 3 of 3: three, second',
  ]);
  expect(result.map((each) => each.case)).toEqual(['first', 'second']);
  // The first case is asked as number 1 in the warm-up, then as 3, 4 and 5: 4 us for each of 10 operations, times that.
  const [one, three] = result[0]!.rows;
  expect(one!.cpu).toEqual({ median: 16, min: 12, max: 20 });
  expect(one!.ratio).toEqual({ median: 1, min: 1, max: 1 });
  expect(three!.cpu).toEqual({ median: 48, min: 36, max: 60 });
  expect(three!.ratio).toEqual({ median: 3, min: 3, max: 3 });
  expect(three!.rounds).toHaveLength(3);
  expect(one!.operationsPerSecond.median).toBe(10_000);
});

test.each([
  ['cannot start', { failsToOpen: true }, 'other: Error: does not open'],
  ['answers wrongly', { failsAt: 4 }, 'other: Error: failed at first'],
  ['dies', { diesAt: 3 }, 'other: its process ended (exit code 3)'],
])('a contender that %s fails the contest by its name', async (_what, parameters, message) => {
  const run = runContest(
    contest({ name: 'one', parameters: {} }, { name: 'other', parameters }),
    { rounds: 2, milliseconds: 1 },
    () => {},
  );
  await expect(run).rejects.toThrow(message);
});
