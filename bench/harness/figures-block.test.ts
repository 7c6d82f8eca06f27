import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CaseResult } from './contest.ts';
import { figuresBlock, type ReadResult, withFigures } from './figures-block.ts';
import { type ResultFile, root } from './result.ts';
import type { ContestDetails } from './side-by-side.ts';

const exactly = (value: number) => ({ median: value, min: value, max: value });

function getOrLoadResult(costs: Record<string, number>): ResultFile<ContestDetails> {
  const base = costs['cistern']!;
  const each: CaseResult = {
    case: 'string keys, one after the other',
    rows: Object.entries(costs).map(([name, cost]) => ({
      name,
      cpu: exactly(cost),
      ratio: exactly(cost / base),
      operationsPerSecond: exactly(1e9 / cost),
      rounds: [],
    })),
  };
  return {
    bench: 'get-or-load',
    unit: 'ns',
    date: '2026-01-02T03:04:05.000Z',
    commit: 'abc',
    node: 'v24.0.0',
    cpu: '2 x Fast',
    rounds: 9,
    quick: false,
    versions: {},
    skipped: [],
    results: [],
    details: { baseline: 'cistern', cases: [each] },
  };
}

test('a row names every library with its cost and its multiple, losses included', () => {
  const result = getOrLoadResult({ cistern: 100, 'lru-cache fetch': 80, 'p-memoize': 350 });
  const read = ((name: string) => (name === 'get-or-load' ? result : undefined)) as ReadResult;
  const block = figuresBlock(read);
  expect(block).toContain('| CPU per hit, ns | cistern | lru-cache fetch | p-memoize |');
  expect(block).toContain('| string keys, one after the other | 100 | 80.0 (0.80) | 350 (3.50) |');
  expect(block).toContain('2 x Fast, Node v24.0.0, 2026-01-02');
  expect(block).toContain(
    'Not measured yet: near-get, near-set, near-zipf, near-memory, hit-ratios, simulator, memcached-get, memcached-set, memcached-multi-get, stampede, wrong-answers.',
  );
});

test('wrong answers are counted in a line of their own', () => {
  const results = [
    { name: 'responses', ...exactly(5_000_100) },
    { name: 'wrong', ...exactly(2) },
  ];
  const result = { ...getOrLoadResult({ cistern: 1 }), bench: 'wrong-answers', results };
  const read = ((name: string) => (name === 'wrong-answers' ? result : undefined)) as ReadResult;
  expect(figuresBlock(read)).toContain('2 of 5,000,100.');
});

test('only what stands between the markers is replaced, and doing it twice changes nothing', () => {
  const text = 'a\n<!-- figures:begin -->\nold\n<!-- figures:end -->\nb\n';
  const once = withFigures(text, 'new');
  expect(once).toBe('a\n<!-- figures:begin -->\nnew\n<!-- figures:end -->\nb\n');
  expect(withFigures(once, 'new')).toBe(once);
});

test('a text without markers is refused', () => {
  expect(() => withFigures('nothing here', 'new')).toThrow('figures:begin');
  expect(() => withFigures('<!-- figures:end --> <!-- figures:begin -->', 'new')).toThrow('in this order');
});

test('the README shows the figures that were measured last', () => {
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain('<!-- figures:begin -->');
  execFileSync(process.execPath, [join(root, 'bench/figures.ts'), '--check'], { stdio: 'pipe' });
});
