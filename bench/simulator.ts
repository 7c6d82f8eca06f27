import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { seededRandom } from '../src/testing/seeded-random.ts';
import { type Figure, type Outcome, root } from './harness/result.ts';
import type { Benchmark, RunOptions } from './harness/side-by-side.ts';
import { spread } from './harness/statistics.ts';
import { figure, textTable } from './harness/table.ts';

/** The goals: LRU takes so many requests a second, and the whole run so many seconds. */
const leastPerSecond = 5e6;
const mostSeconds = 120;

const policies = ['lru', 'fifo', 'sieve', 's3-fifo', 'arc', 'w-tinylfu'];
const sizes = ['0.1%', '0.5%', '1%', '5%', '10%'];

interface Line {
  readonly requests: number;
  readonly distinct: number;
  readonly results: readonly {
    readonly policy: string;
    readonly nsPerRequest: number;
    readonly hitRatio: number;
  }[];
}

/** `cistern simulate` as users run it: a process of its own, the file read and all, six policies by five sizes. */
export const benchmark: Benchmark = {
  title: `cistern simulate on 4,000,000 requests: ${policies.length} policies x ${sizes.length} sizes`,
  async run(options: RunOptions): Promise<Outcome> {
    const requests = options.quick ? 400_000 : 4_000_000;
    const rounds = options.rounds ?? (options.quick ? 1 : 3);
    const folder = mkdtempSync(join(tmpdir(), 'cistern-simulator-'));
    try {
      const file = join(folder, 'zipf.trace');
      options.progress('writing the trace');
      await writeTrace(file, requests);
      const seconds: number[] = [];
      const perSecond = new Map<string, number[]>(policies.map((policy) => [policy, []]));
      let line: Line | undefined;
      for (let round = 0; round < rounds; round++) {
        options.progress(`round ${round + 1} of ${rounds}`);
        const start = performance.now();
        line = await simulate(file);
        seconds.push((performance.now() - start) / 1000);
        for (const policy of policies) {
          const own = line.results.filter((result) => result.policy === policy);
          const mean = own.reduce((sum, { nsPerRequest }) => sum + nsPerRequest, 0) / own.length;
          perSecond.get(policy)!.push(1e9 / mean);
        }
      }
      const results: Figure[] = [
        ...[...perSecond].map(([policy, each]) => ({ name: `requests/s: ${policy}`, ...spread(each) })),
        { name: 'seconds for all', ...spread(seconds) },
      ];
      const [lru, all] = [results[0]!.median, results.at(-1)!.median];
      return {
        bench: 'simulator',
        unit: 'requests per second; seconds',
        rounds,
        quick: options.quick,
        skipped: [],
        versions: {},
        results,
        table: textTable(
          ['', 'median', 'min', 'max'],
          results.map(({ name, median, min, max }) => [name, ...[median, min, max].map(figure)]),
        ),
        ...(lru < leastPerSecond && {
          failure: `LRU takes ${figure(lru)} requests per second, fewer than ${figure(leastPerSecond)}`,
        }),
        ...(all > mostSeconds && { failure: `all took ${figure(all)} seconds, more than ${mostSeconds}` }),
        details: {
          policies,
          sizes,
          requests: line?.requests,
          distinct: line?.distinct,
          results: line?.results,
        },
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function simulate(file: string): Promise<Line> {
  const args = [
    join(root, 'dist/cli/main.js'),
    'simulate',
    file,
    '--json',
    '--policies',
    policies.join(),
    '--sizes',
    sizes.join(),
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 });
  return JSON.parse(stdout) as Line;
}

/**
 * Keys are integers, three of four by Zipf's law (exponent .9 over a million), the fourth a scan of keys that do not come again: some 1.3 million keys
 * in all, so that no table fits into the processor's caches.
 */
async function writeTrace(file: string, requests: number): Promise<void> {
  const random = seededRandom(1);
  const zipfKeys = 1_000_000;
  const exponent = 0.9;
  const total = zipfKeys ** (1 - exponent);
  const out = await open(file, 'w');
  try {
    for (let from = 0; from < requests; from += 50_000) {
      const keys = Array.from({ length: Math.min(50_000, requests - from) }, (_, index) => {
        const at = from + index;
        if (at % 4 === 0) return zipfKeys + at;
        // The inverse of the distribution's integral: close to Zipf beyond the first few ranks.
        return Math.floor((1 + random() * (total - 1)) ** (1 / (1 - exponent)));
      });
      await out.write(`${keys.join('\n')}\n`);
    }
  } finally {
    await out.close();
  }
}
