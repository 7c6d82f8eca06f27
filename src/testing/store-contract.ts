import { strict as assert } from 'node:assert';
import { countLaws } from './store-laws/count.ts';
import { conditionLaws } from './store-laws/conditions.ts';
import type { Law } from './store-laws/law.ts';
import { leaseLaws } from './store-laws/leases.ts';
import { lifeLaws } from './store-laws/life.ts';
import { orderLaws } from './store-laws/order.ts';
import { recacheLaws } from './store-laws/recache.ts';
import { robustnessLaws } from './store-laws/robustness.ts';
import { staleLaws } from './store-laws/stale.ts';
import { valueLaws } from './store-laws/values.ts';
import { type StoreOnTrial, Trial } from './store-trial.ts';

export type { StoreOnTrial } from './store-trial.ts';

/** What the contract needs from a test runner: those of Vitest, Jest, Bun and Node fit. */
export interface TestRunner {
  readonly describe?: (name: string, body: () => void) => unknown;
  /** The timeout is in milliseconds; runners that take none ignore it. */
  readonly test: (name: string, body: () => Promise<void>, timeout?: number) => unknown;
}

export interface ContractSubject {
  readonly name: string;
  /** Makes a store for one law. The laws use keys of their own, so the stores may share one server. */
  readonly make: () => Promise<StoreOnTrial>;
  /** Laws that the store does not keep, by name, each with the reason. A law that is listed and kept is a failure too. */
  readonly deviations?: Readonly<Record<string, string>>;
}

const groups: readonly (readonly [name: string, laws: readonly Law[]])[] = [
  ['values', valueLaws],
  ['conditions', conditionLaws],
  ['leases', leaseLaws],
  ['recache', recacheLaws],
  ['stale marks', staleLaws],
  ['life', lifeLaws],
  ['count', countLaws],
  ['order', orderLaws],
  ['robustness', robustnessLaws],
];

/** The names of all laws, in order: what `deviations` may list. */
export const storeLaws: readonly string[] = groups.flatMap(([, laws]) => laws.map((law) => law.name));

const slowTimeout = 30_000;

/**
 * One test for each law of `Store`, for any leaf, wrapper or route. Laws that let seconds pass run all at the same time, each
 * with a store of its own, from the first of their tests on.
 */
export function storeContract(runner: TestRunner, subject: ContractSubject): void {
  const describe = runner.describe ?? ((_name, body) => body());
  const deviations = subject.deviations ?? {};
  const started = new Map<Law, Promise<void>>();
  const slowLaws = groups.flatMap(([, laws]) => laws.filter((law) => law.slow));

  const startSlowLaws = (): void => {
    for (const law of slowLaws) {
      const run = tryLaw(subject, law);
      run.catch(() => undefined);
      started.set(law, run);
    }
  };

  describe(`${subject.name} is a Store`, () => {
    for (const [group, laws] of groups) {
      describe(group, () => {
        for (const law of laws) {
          const body = async (): Promise<void> => {
            if (law.slow && started.size === 0) startSlowLaws();
            const run = started.get(law) ?? tryLaw(subject, law);
            if (law.name in deviations) await expectDeviation(run, law.name);
            else await run;
          };
          runner.test(law.name, body, law.slow ? slowTimeout : undefined);
        }
      });
    }
    runner.test('every deviation names a law', async () => {
      assert.deepEqual(
        Object.keys(deviations).filter((name) => !storeLaws.includes(name)),
        [],
      );
    });
  });
}

async function expectDeviation(run: Promise<void>, law: string): Promise<void> {
  let kept = true;
  await run.catch(() => (kept = false));
  assert.ok(!kept, `'${law}' is listed as a deviation, but the store keeps it: take it off the list`);
}

async function tryLaw(subject: ContractSubject, law: Law): Promise<void> {
  const onTrial = await subject.make();
  try {
    const trial = new Trial(onTrial);
    await law.run(trial);
    await trial.wait(onTrial.store.close());
  } finally {
    await onTrial.dispose();
  }
}
