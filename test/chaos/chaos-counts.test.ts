import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { memory } from '../../src/index.ts';
import type { Operation, Reply, Store } from '../../src/core/store.ts';
import { amplification } from './amplification.ts';
import { Application } from './application.ts';
import { mostConnects } from './counted-connects.ts';
import { CountedSource } from './counted-source.ts';
import { Figures, figureTable } from './figures.ts';
import { scenarios } from './scenarios.ts';
import { zipf } from './workload.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';

/** A store that can be told to lie: about whose value it is, or by keeping what was deleted. */
class Lying implements Store {
  readonly name = 'lying';
  readonly parts: readonly Store[] = [];
  readonly #store = memory();
  keeps = false;
  confuses = false;

  async execute(operation: Operation): Promise<Reply> {
    const entry = operation.copy === undefined;
    if (this.keeps && entry && operation.kind === 'delete') return { kind: 'stored', cas: '' };
    if (this.confuses && entry && operation.kind === 'get')
      return await this.#store.execute({ ...operation, key: operation.key.replace(/'.*$/, "'a") });
    return await this.#store.execute(operation);
  }

  async close(): Promise<void> {
    await this.#store.close();
  }
}

test('old and wrong answers, and errors, are counted', async () => {
  const remote = new Lying();
  const source = new CountedSource(0);
  const application = new Application({ remote, source });
  await application.readAll(['a', 'b']);
  await application.write('a');
  expect(await application.read('a')).toEqual({ id: 'a', version: 2 });
  expect(application.counts).toMatchObject({ operations: 4, errors: 0, wrong: 0, stale: 0, writes: 1 });
  expect(source.loads).toHaveLength(3);

  remote.keeps = true;
  await application.write('a');
  expect(await application.read('a')).toEqual({ id: 'a', version: 2 });
  expect(application.counts).toMatchObject({ stale: 1, wrong: 0 });
  expect(await application.countStale(['a', 'b'])).toBe(1);

  remote.confuses = true;
  await application.read('b');
  expect(application.counts).toMatchObject({ wrong: 1 });

  await application.shop.close();
  await application.read('b');
  expect(application.counts).toMatchObject({ errors: 1 });
  await application.close();
});

test('the formula says what a lost server costs', () => {
  const lost = (hitRatio: number, spareHitRatio: number): number =>
    amplification({ hitRatio, share: 0.1, spareHitRatio, measured: 0 }).formula;
  expect(lost(0.95, 0)).toBeCloseTo(2.9, 5);
  expect(lost(0.99, 0)).toBeCloseTo(10.9, 5);
  expect(lost(0.95, 0.474)).toBeCloseTo(2, 2);
  expect(lost(0.95, 1)).toBe(1);
});

test('attempts to connect that health allows', () => {
  // Pauses of 25, 50, 100, 200, 400, 800 ms at least, then 1 s each.
  expect(mostConnects(20, 50, 2000)).toBe(1);
  expect(mostConnects(30, 50, 2000)).toBe(2);
  expect(mostConnects(1000, 50, 2000)).toBe(6);
  expect(mostConnects(1576 + 3000, 50, 2000)).toBe(1 + 6 + 3);
});

test('draws follow the law of Zipf', () => {
  const ids = Array.from({ length: 100 }, (_, rank) => String(rank));
  const draw = zipf(ids, 1, seededRandom(1));
  const counts = new Map<string, number>();
  for (let turn = 0; turn < 50_000; turn++) {
    const id = draw();
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const share = (rank: number): number => counts.get(String(rank))! / 50_000;
  expect(share(0)).toBeCloseTo(1 / 5.187, 2);
  expect(share(9)).toBeCloseTo(1 / 51.87, 2);
});

test('figures say what was asked and what came', () => {
  const figures = new Figures();
  figures.atMost('time', 5, 5.0001, ' ms');
  figures.atLeast('share', 25, 25, ' %');
  figures.none('errors', 0);
  expect(figures.all.map(({ met }) => met)).toEqual([false, true, true]);
  expect(figureTable(figures.all)).toContain('MISSED  time    asked <= 5 ms  got 5 ms');
});

test('the page names every scenario, with what it showed', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/chaos.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| '));
  for (const name of Object.keys(scenarios)) {
    expect(
      rows.some((row) => row.startsWith(`| \`${name}\` |`)),
      name,
    ).toBe(true);
    expect(page).toMatch(new RegExp(`^- .*\\*\\*\`${name}\`\\*\\*`, 'm'));
  }
});

const run = (...args: readonly string[]): { readonly status: number | null; readonly said: string } => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'main.ts'), ...args],
    { encoding: 'utf8' },
  );
  return { status, said: stdout + stderr };
};

test('the command says what there is, and what is wrong', () => {
  expect(run('--help')).toMatchObject({
    status: 0,
    said: expect.stringMatching(/Names: server-stop, .*--quick/s),
  });
  expect(run()).toMatchObject({ status: 2, said: expect.stringContaining('npm run chaos -- <name>') });
  expect(run('server')).toMatchObject({
    status: 2,
    said: expect.stringContaining("There is no scenario 'server'. Names: server-stop"),
  });
  expect(run('mirror', '--fast')).toMatchObject({ status: 2, said: expect.stringContaining("'--fast'") });
  expect(run('mirror', '--seed', 'x')).toMatchObject({
    status: 2,
    said: expect.stringContaining("--seed is 'x'"),
  });
  expect(run('mirror', 'gutter')).toMatchObject({
    status: 2,
    said: expect.stringContaining('One scenario at a time'),
  });
});
