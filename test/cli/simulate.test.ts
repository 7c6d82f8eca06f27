import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { runCistern } from './run-cistern.ts';

let folder: string;
const path = (name: string): string => join(folder, name);

/** 20,000 requests for some 2,000 keys, the low ones popular. */
const random = seededRandom(1);
const keys = Array.from({ length: 20_000 }, () => Math.floor(2000 * random() ** 4));
const distinct = new Set(keys).size;

/** Hits of LRU with room for so many. */
function lruHits(room: number): number {
  const inside = new Set<number>();
  let hits = 0;
  for (const key of keys) {
    if (inside.delete(key)) hits++;
    inside.add(key);
    if (inside.size > room) for (const oldest of inside) if (inside.delete(oldest)) break;
  }
  return hits;
}

interface Line {
  trace: string;
  requests: number;
  distinct: number;
  malformed: number;
  sample?: number;
  results: {
    policy: string;
    size: number;
    unit?: string;
    hitRatio: number;
    byteHitRatio?: number;
    nsPerRequest: number;
  }[];
}
const linesOf = (out: string): Line[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cistern-cli-'));
  writeFileSync(path('plain.trace'), keys.join('\n'));
  writeFileSync(path('packed.trace.gz'), gzipSync(`${keys.join('\r\n')}\r\n`));
  writeFileSync(path('sized.txt'), keys.map((key) => `k${key},${100 + (key % 900)}`).join('\n'));
  writeFileSync(path('timed.csv'), `time,key\n${keys.map((key, at) => `${at},${key}`).join('\n')}\n`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('cistern simulate', () => {
  test('--json: one line per trace, and the figures are right', () => {
    const { code, out, err } = runCistern([
      'simulate',
      path('plain.trace'),
      path('packed.trace.gz'),
      '--sizes',
      '1%,100',
      '--policies',
      'lru,belady',
      '--json',
    ]);
    expect(err).toBe('');
    expect(code).toBe(0);
    const [plain, packed] = linesOf(out);
    expect(plain).toMatchObject({ trace: 'plain', requests: 20_000, distinct, malformed: 0 });
    expect(packed!.trace).toBe('packed');
    const onePercent = Math.round(distinct / 100);
    expect(plain!.results.map(({ policy, size }) => [policy, size])).toEqual([
      ['lru', onePercent],
      ['lru', 100],
      ['belady', onePercent],
      ['belady', 100],
    ]);
    for (const trace of [plain!, packed!]) {
      expect(trace.results[0]!.hitRatio).toBeCloseTo(lruHits(onePercent) / keys.length, 6);
      expect(trace.results[1]!.hitRatio).toBeCloseTo(lruHits(100) / keys.length, 6);
      expect(trace.results[3]!.hitRatio).toBeGreaterThan(trace.results[1]!.hitRatio);
      for (const { nsPerRequest } of trace.results) expect(nsPerRequest).toBeGreaterThan(0);
    }
  });

  test('from the standard input, packed or not', () => {
    const args = ['simulate', '-', '--sizes', '100', '--policies', 'lru', '--json'];
    for (const input of [keys.join('\n'), gzipSync(keys.join('\n'))]) {
      const [line] = linesOf(runCistern(args, input).out);
      expect(line).toMatchObject({ trace: 'stdin', requests: 20_000 });
      expect(line!.results[0]!.hitRatio).toBeCloseTo(lruHits(100) / keys.length, 6);
    }
  });

  test('a table for people', () => {
    const { code, out } = runCistern([
      'simulate',
      path('plain.trace'),
      '--sizes',
      '1%,500',
      '--policies',
      'all',
    ]);
    expect(code).toBe(0);
    expect(out).toContain(`plain: 20,000 reads of ${distinct.toLocaleString('en-US')} keys`);
    expect(out).toMatch(/^hit ratio +\d+ +500$/m);
    expect(out).toContain(`${((lruHits(500) / keys.length) * 100).toFixed(1)}%`);
    for (const name of ['w-tinylfu', 's3-fifo', 'arc', 'sieve', 'belady (the optimum)'])
      expect(out).toContain(`\n${name} `);
  });

  test('--csv: a row per result, the names once', () => {
    const { out } = runCistern([
      'simulate',
      path('plain.trace'),
      path('packed.trace.gz'),
      '--sizes',
      '100,200',
      '--policies',
      'lru',
      '--csv',
    ]);
    const rows = out.trimEnd().split(/\r?\n/);
    expect(rows[0]).toBe('trace,policy,size,unit,hit_ratio,byte_hit_ratio,ns_per_request');
    expect(rows.slice(1).map((row) => row.split(',').slice(0, 4).join())).toEqual([
      'plain,lru,100,entries',
      'plain,lru,200,entries',
      'packed,lru,100,entries',
      'packed,lru,200,entries',
    ]);
  });

  test('--svg draws a chart', () => {
    const target = path('chart.svg');
    expect(
      runCistern(['simulate', path('plain.trace'), '--svg', target, '--policies', 'lru,fifo']).code,
    ).toBe(0);
    const svg = readFileSync(target, 'utf8');
    expect(svg).toMatch(/^<svg [^>]+>[\s\S]+<\/svg>\n$/);
    expect(svg).toContain('cache size in entries');
    for (const name of ['lru', 'fifo']) expect(svg).toMatch(new RegExp(`>${name} \\d`));
    expect(
      runCistern(['simulate', path('plain.trace'), path('sized.txt'), '--svg', target, '--sizes', '10']).code,
    ).toBe(0);
    expect(readFileSync(path('chart-plain.svg'), 'utf8')).toContain('<svg');
    expect(
      runCistern(['simulate', path('plain.trace'), '--svg', join(folder, 'none', 'c.svg')]),
    ).toMatchObject({ code: 1 });
  });

  test('sizes in bytes: by the trace, or by one size for all', () => {
    const { out } = runCistern([
      'simulate',
      path('sized.txt'),
      '--sizes',
      '20kb,100',
      '--policies',
      'lru',
      '--json',
    ]);
    const [bytes, entries] = linesOf(out)[0]!.results;
    expect(bytes).toMatchObject({ size: 20 * 1024, unit: 'bytes' });
    expect(bytes!.byteHitRatio).toBeGreaterThan(0.05);
    expect(entries!.hitRatio).toBeCloseTo(lruHits(100) / keys.length, 6);
    const unsaid = runCistern([
      'simulate',
      path('plain.trace'),
      '--sizes',
      '100kb',
      '--policies',
      'lru',
      '--json',
    ]);
    expect(unsaid.err).toContain('1.00 kB (--value-size)');
    expect(JSON.parse(unsaid.out)).toMatchObject({ assumedValueSize: 1024 });
    const assumed = runCistern([
      'simulate',
      path('plain.trace'),
      '--sizes',
      '100kb',
      '--value-size',
      '1kb',
      '--policies',
      'lru',
      '--json',
    ]);
    expect(linesOf(assumed.out)[0]!.results[0]!.hitRatio).toBeCloseTo(lruHits(100) / keys.length, 6);
  });

  test('--ttl needs times: those of the trace, or so many requests per second', () => {
    const args = ['--ttl', '100s', '--sizes', '1000', '--policies', 'lru', '--json'];
    const [timed] = linesOf(runCistern(['simulate', path('timed.csv'), ...args]).out);
    const last = new Map<number, number>();
    let hits = 0;
    for (const [at, key] of keys.entries()) {
      if (at - (last.get(key) ?? -1e9) < 100) hits++;
      else last.set(key, at);
    }
    expect(timed!.results[0]!.hitRatio).toBeCloseTo(hits / keys.length, 6);
    const untimed = runCistern(['simulate', path('plain.trace'), ...args]);
    expect(untimed).toMatchObject({ code: 1, out: '' });
    expect(untimed.err).toContain('--requests-per-second');
    const assumed = runCistern(['simulate', path('plain.trace'), ...args, '--requests-per-second', '1']);
    expect(linesOf(assumed.out)[0]!.results).toMatchObject([{ hitRatio: timed!.results[0]!.hitRatio }]);
  });

  test('lines that cannot be read are counted and told, with their numbers', () => {
    const { code, out, err } = runCistern(['simulate', '-', '--json'], 'a\nb c\na\n,5\na\nx,y\n');
    expect(code).toBe(0);
    expect(linesOf(out)[0]).toMatchObject({ requests: 3, malformed: 3 });
    expect(err).toContain('3 of 6 lines could not be read');
    expect(err).toContain('line 2 has a blank in its key: b c');
    expect(err).toContain('line 4 has no key: ,5');
  });

  test.each(['simulate', 'size'])(
    '%s: a sample without any key is an error, not a hit ratio of nothing',
    (command) => {
      const { code, out, err } = runCistern([command, '-', '--sample', '0.0001%'], 'a\nb\na\n');
      expect([code, out]).toEqual([1, '']);
      expect(err).toContain('no key that is in the sample');
    },
  );

  test('a sample is said to be one', () => {
    const { out, err } = runCistern([
      'simulate',
      path('plain.trace'),
      '--sample',
      '50%',
      '--sizes',
      '100',
      '--policies',
      'lru',
      '--json',
    ]);
    expect(err).toContain('a sample of 50% of the keys');
    const [line] = linesOf(out);
    expect(line).toMatchObject({ requests: 20_000, sample: 0.5 });
    expect(Math.abs(line!.results[0]!.hitRatio - lruHits(100) / keys.length)).toBeLessThan(0.1);
  });

  test('several files: what is wrong with one does not stop the others', () => {
    const { code, out, err } = runCistern(['simulate', path('none'), path('plain.trace'), '--json']);
    expect(code).toBe(1);
    expect(linesOf(out)).toHaveLength(1);
    expect(err).toContain('there is no such file');
  });

  test('a reader that leaves early is no error', async () => {
    const args = [
      join(import.meta.dirname, '../../src/cli/main.ts'),
      'simulate',
      ...Array.from({ length: 40 }, () => path('plain.trace')),
      '--sizes',
      '10',
      '--policies',
      'fifo',
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let err = '';
    child.stderr.on('data', (chunk) => (err += String(chunk)));
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(err).toBe('');
    expect(code).toBe(0);
  });
});

describe('what cannot be read is an error that says what was expected', () => {
  test.each([
    ['an empty file', '', [], 'is empty'],
    ['only blank lines', '\n\n', [], 'is empty'],
    ['nothing that looks like a trace', '{"a": 1}\n{ }\n', [], 'memcached-watch'],
    [
      'no valid line of the format that was named',
      'a b\nc d\n',
      ['--format', 'plain'],
      'one key per line, or key,size',
    ],
    ['no reads', 'key,op\na,set\n', [], 'no reads'],
    ['another compression', Buffer.from('28b52ffd00000000', 'hex'), [], 'zstd'],
    ['damaged gzip', gzipSync('a\n'.repeat(10_000)).subarray(0, 30), [], 'damaged or cut'],
    ['CSV without a key', 'a,b\n1,2\n', ['--format', 'csv'], "named 'key'"],
  ])('%s', (_what, input, args, said) => {
    const { code, out, err } = runCistern(['simulate', '-', ...args], input);
    expect(err).toContain(said);
    expect(err).not.toMatch(/\n {4}at /);
    expect(out).toBe('');
    expect(code).toBeGreaterThan(0);
  });

  test.each([
    ['/no/such/file', 'no such file'],
    [tmpdir(), 'folder'],
  ])('%s', (file, said) => {
    expect(runCistern(['simulate', file])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining(said) as string,
    });
  });
});

describe('usage', () => {
  test.each([
    [['--help'], 'simulate'],
    [['help'], 'size'],
    [['simulate', '--help'], '--policies'],
    [['size', '-h'], '--hit-ratio'],
  ])('%j', (args, said) => {
    expect(runCistern(args)).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringContaining(said) as string,
    });
  });

  test.each([
    [[], 'simulate'],
    [['nonsense'], "no command 'nonsense'"],
    [['constructor'], 'no command'],
    [['simulate'], 'Give a file'],
    [['simulate', 'x', '--bogus'], "'--bogus'"],
    [['simulate', 'x', '--sizes'], '--sizes'],
    [['simulate', 'x', '--sizes', '5x'], "--sizes is '5x'"],
    [['simulate', 'x', '--sizes', ','], '--sizes'],
    [['simulate', 'x', '--policies', 'best'], 'w-tinylfu'],
    [['simulate', 'x', '--ttl', 'soon'], '--ttl'],
    [['simulate', 'x', '--format', 'xml'], 'redis-monitor'],
    [['simulate', 'x', '--columns', 'a=b'], '--columns'],
    [['simulate', 'x', '--memory', '1'], '--memory'],
    [['simulate', 'x', '--sample', '0%'], '--sample'],
    [['simulate', 'x', '--seed', '-1'], '--seed'],
    [['simulate', 'x', '--json', '--csv'], 'not both'],
    [['size', 'x', '--hit-ratio', '120%'], '--hit-ratio'],
  ])('%j is refused with exit code 2', (args, said) => {
    expect(runCistern(args)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(said) as string,
    });
  });
});
