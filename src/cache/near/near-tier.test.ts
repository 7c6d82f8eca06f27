import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { KeyPart } from '../../core/key.ts';
import { policyNames } from '../../policies/policy-by-name.ts';
import { NearModel, type Step } from '../../../test/near/near-model.ts';

const keys: fc.Arbitrary<KeyPart> = fc.oneof(
  fc.nat(25),
  fc.nat(25).map(String),
  fc.nat(5).map(BigInt),
  fc.boolean(),
  // All the same to an index that samples characters.
  {
    weight: 2,
    arbitrary: fc.nat(20).map((number) => `${String.fromCharCode(97 + number)}${'x'.repeat(40)}`),
  },
  fc.constantFrom(0, -0, 1, '1', 1n, true, 0.5, -0.5, 1e300, 2 ** 31, -(2 ** 31), 2n ** 64n, -(2n ** 64n)),
  fc.constantFrom('', 'é', '\ud800', '\udc00', '\ud800\udc00', 'x'.repeat(3000), `${'x'.repeat(2999)}y`),
);

const index = fc.nat(2);
const act = <A extends string>(name: A): fc.Arbitrary<A> => fc.constant(name);
const spans = fc.tuple(fc.nat(2000), fc.nat(2000), fc.nat(500));

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        act: act('put'),
        index,
        key: keys,
        bytes: fc.oneof(fc.nat(600), fc.nat(9000)),
        spans,
        negative: fc.boolean(),
        copied: fc.boolean(),
      }),
    },
    { weight: 12, arbitrary: fc.record({ act: act('get'), index, key: keys }) },
    { weight: 3, arbitrary: fc.record({ act: act('look'), index, key: keys }) },
    { weight: 4, arbitrary: fc.record({ act: act('offer'), index, key: keys }) },
    { weight: 1, arbitrary: fc.record({ act: act('recall'), index, key: keys }) },
    { weight: 4, arbitrary: fc.record({ act: act('delete'), index, key: keys }) },
    { weight: 2, arbitrary: fc.record({ act: act('clear'), index }) },
    { weight: 2, arbitrary: fc.record({ act: act('turn') }) },
    { weight: 2, arbitrary: fc.record({ act: act('wait'), milliseconds: fc.nat(800) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        act: act('resize'),
        maxBytes: fc.integer({ min: 400, max: 16_000 }),
        maxEntries: fc.integer({ min: 1, max: 60 }),
      }),
    },
  ),
  { maxLength: 300, size: 'max' },
);

/** Half of the tiers count entries, half of them bytes alone. */
const limits = fc.record({
  maxBytes: fc.integer({ min: 400, max: 16_000 }),
  maxEntries: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
  background: fc.boolean(),
  seed: fc.integer(),
});

describe.each(['hash', 'map'] as const)('with the index "%s", against a naive model', (indexName) => {
  test.each(policyNames)('%s', (policy) => {
    fc.assert(
      fc.property(steps, limits, (script, options) => {
        const model = new NearModel({ policy, index: indexName, ...options });
        for (const step of script) model.take(step);
        model.close();
      }),
      { numRuns: 150 },
    );
  });
});
