import { describe, expect, test } from 'vitest';
import { breaches, ratioBounds } from '../../bench/harness/ratio-bounds.ts';
import { measurePoints, replayable } from '../../bench/harness/ratio-points.ts';
import { readReferenceRatios } from '../../bench/harness/reference-ratios.ts';
import { traceNames } from '../../bench/harness/trace-file.ts';

/** Up to 96,000 requests each. `node bench/hit-ratios.ts` does it for all traces. */
const shortTraces = [
  'adaptsize-request',
  'cache2k-web12',
  'lirs-backf',
  'lirs-cs',
  'lirs-gli',
  'lirs-multi1',
  'lirs-multi3',
  'lirs-scan',
];

const present = traceNames();
const reference = readReferenceRatios();
const bounded = replayable.filter((policy) => ratioBounds[policy] !== undefined);

describe.skipIf(reference.size === 0)('hit ratios on short recorded traces', () => {
  test.each(bounded)('%s keeps to those of the reference', (policy) => {
    const points = shortTraces
      .filter((trace) => present.includes(trace))
      .flatMap((trace) => measurePoints(policy, trace, reference));
    expect(points.length).toBeGreaterThan(0);
    expect(breaches(policy, points, false)).toEqual([]);
  });
});
