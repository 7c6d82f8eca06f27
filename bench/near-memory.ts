import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { policyNames } from '../src/policies/policy-by-name.ts';
import { cistern, nearContenders } from './harness/near-contenders.ts';
import { type Figure, type Outcome, packageVersions, root } from './harness/result.ts';
import type { Benchmark, RunOptions } from './harness/side-by-side.ts';
import { spread } from './harness/statistics.ts';
import { figure, textTable } from './harness/table.ts';
import type { MemoryStart } from './workloads/near-memory-process.ts';

/** What is counted, of a cache that has been filled, has evicted a fifth, and has been asked for every key once. */
const counted =
  'heap and external memory after the collector, less what the keys and values themselves take: references to key and value, hash, ' +
  'fresh-until, refresh-until, stale and confirmed spans, loaded-at, weight, owner and generation, flags, index, policy with its ghosts and shadows, ' +
  'promises of hot entries, the live curve';

const contenders = [
  cistern('cistern', 'w-tinylfu', 'hash'),
  ...policyNames
    .filter((policy) => policy !== 'w-tinylfu')
    .map((policy) => cistern(`cistern ${policy}, hash`, policy, 'hash')),
  cistern('cistern w-tinylfu, map', 'w-tinylfu', 'map'),
  cistern('cistern lru, map', 'lru', 'map'),
  ...nearContenders.filter(({ name }) => name.startsWith('lru-cache')),
];

/** Bytes per entry besides key and value, each cache in a process of its own. */
export const benchmark: Benchmark = {
  title: 'memory of a near tier of a million entries besides keys and values, bytes per entry',
  async run(options: RunOptions): Promise<Outcome> {
    const entries = options.quick ? 100_000 : 1_000_000;
    const rounds = options.rounds ?? (options.quick ? 1 : 3);
    const results: Figure[] = [];
    for (const contender of contenders) {
      const measured: number[] = [];
      for (let round = 0; round < rounds; round++) {
        options.progress(`${contender.name}: round ${round + 1} of ${rounds}`);
        measured.push(perEntry({ ...contender, entries, parameters: contender.parameters ?? {} }));
      }
      results.push({ name: contender.name, ...spread(measured) });
    }
    return {
      bench: 'near-memory',
      unit: 'bytes per entry besides key and value',
      rounds,
      quick: options.quick,
      skipped: [],
      versions: packageVersions(contenders.flatMap(({ packages }) => packages)),
      results,
      table: textTable(
        ['cache', 'bytes per entry', 'min - max'],
        results.map(({ name, median, min, max }) => [
          name,
          figure(median),
          `${figure(min)} - ${figure(max)}`,
        ]),
      ),
      details: { entries, evictions: entries / 5, key: '24 characters', value: '{ id }', counted },
    };
  },
};

function perEntry(start: Omit<MemoryStart, 'evictions'>): number {
  const { adapter, parameters, entries } = start;
  const order: MemoryStart = { adapter, parameters, entries, evictions: entries / 5 };
  const program = join(root, 'bench/workloads/near-memory-process.ts');
  const output = execFileSync(process.execPath, [program, JSON.stringify(order)], { encoding: 'utf8' });
  return (JSON.parse(output) as { readonly perEntry: number }).perEntry;
}
