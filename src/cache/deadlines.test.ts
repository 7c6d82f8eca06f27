import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fakeRuntime } from '../testing/fake-runtime.ts';
import { Deadlines, type Due } from './deadlines.ts';

test('everything that is listed at its deadline is told then, once; what was removed is not; one timer for all', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ in: fc.nat(200), removedAt: fc.option(fc.nat(250)) }), { maxLength: 30 }),
      async (plans) => {
        const runtime = fakeRuntime({ seed: 1 });
        const deadlines = new Deadlines(runtime);
        const start = runtime.clock.read();
        const told: (number | undefined)[] = [];
        const dues = plans.map((plan, index): Due => ({
          deadline: start + plan.in,
          expire: () => {
            expect(told[index]).toBeUndefined();
            told[index] = runtime.clock.read() - start;
          },
        }));
        for (const due of dues) deadlines.add(due);
        expect(runtime.timers).toBe(plans.length > 0 ? 1 : 0);
        for (let time = 0; time <= 260; time++) {
          for (const [index, { removedAt }] of plans.entries())
            if (removedAt === time) deadlines.remove(dues[index]!);
          await runtime.advance(1);
        }
        for (const [index, { in: due, removedAt }] of plans.entries()) {
          if (removedAt !== null && removedAt < due) expect(told[index]).toBeUndefined();
          else if (removedAt === null || removedAt > due + 1) {
            expect(told[index]).toBeGreaterThanOrEqual(due);
            expect(told[index]).toBeLessThanOrEqual(due + 1);
          }
        }
        expect(runtime.timers).toBe(0);
      },
    ),
    { numRuns: 40 },
  );
});

test('telling one may add and remove others', async () => {
  const runtime = fakeRuntime({ seed: 1 });
  const deadlines = new Deadlines(runtime);
  const start = runtime.clock.read();
  const told: string[] = [];
  const second: Due = { deadline: start + 10, expire: () => told.push('second') };
  deadlines.add({
    deadline: start + 10,
    expire: () => {
      told.push('first');
      deadlines.remove(second);
      deadlines.add({ deadline: start + 20, expire: () => told.push('third') });
    },
  });
  deadlines.add(second);
  await runtime.advance(30);
  expect(told).toEqual(['first', 'third']);
  expect(runtime.timers).toBe(0);
});
