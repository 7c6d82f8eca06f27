import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainMiss, type Reply } from '../core/store.ts';
import { fakeRuntime } from '../testing/fake-runtime.ts';
import { Deadlines } from './deadlines.ts';
import { GuardedStore } from './guarded-store.ts';

const ways = ['answers', 'never', 'throws', 'rejects', 'nonsense', 'no promise'] as const;

test('every operation gets a reply by its deadline and a grace of 10 ms, whatever the store does', async () => {
  const plan = fc.record({
    pause: fc.oneof(fc.nat(40), fc.constantFrom(0, 12)),
    /** Relative to now: a deadline may have passed already. */
    deadline: fc.oneof(fc.integer({ min: -30, max: 60 }), fc.integer({ min: -12, max: 5 })),
    way: fc.constantFrom(...ways, 'never' as const),
    delay: fc.nat(80),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { maxLength: 25 }), async (plans) => {
      const runtime = fakeRuntime({ seed: 1 });
      const { clock } = runtime;
      let current = plans[0]!;
      const execute = (): unknown => {
        const { way, delay } = current;
        if (way === 'throws') throw new Error('boom');
        if (way === 'rejects') return Promise.reject(new Error('boom'));
        if (way === 'nonsense') return Promise.resolve(undefined);
        if (way === 'no promise') return undefined;
        if (way === 'never') return new Promise(() => undefined);
        return new Promise((resolve) => void runtime.after(delay, () => resolve(plainMiss)));
      };
      const deadlines = new Deadlines(runtime);
      const store = new GuardedStore(
        { name: 'any', parts: [], execute: execute as never, close: async () => undefined },
        runtime,
        deadlines,
        1000,
      );
      const replies: (Reply & { readonly at: number })[] = [];
      const due: number[] = [];
      for (const [index, each] of plans.entries()) {
        await runtime.advance(each.pause);
        current = each;
        const deadline = clock.read() + each.deadline;
        due.push(Math.max(clock.read(), deadline + 10) + 1);
        void store
          .execute({ kind: 'get', key: 'k', deadline })
          .then((reply) => (replies[index] = { ...reply, at: clock.read() }));
      }
      await runtime.advance(500);
      for (const [index, each] of plans.entries()) {
        expect(replies[index], `operation ${index} (${each.way})`).toBeDefined();
        expect(replies[index]!.at).toBeLessThanOrEqual(due[index]!);
      }
      expect(runtime.timers).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test('waiting for work of the store ends at the deadline', async () => {
  const runtime = fakeRuntime({ seed: 1 });
  const store = new GuardedStore(
    { name: 'any', parts: [], execute: async () => plainMiss, close: async () => undefined },
    runtime,
    new Deadlines(runtime),
    1000,
  );
  expect(await store.within(Promise.resolve(true), runtime.clock.read() + 10)).toBe(true);
  expect(await store.within(Promise.resolve(false), runtime.clock.read() + 10)).toBe(false);
  expect(await store.within(Promise.resolve(true), Number.POSITIVE_INFINITY)).toBe(true);
  const started = runtime.clock.read();
  expect(await runtime.until(store.within(new Promise(() => undefined), started + 50))).toBe(false);
  expect(runtime.clock.read() - started).toBe(50);
  expect(runtime.timers).toBe(0);
});
