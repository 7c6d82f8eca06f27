import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { realRuntime } from '../../src/core/runtime.ts';
import type { Store } from '../../src/core/store.ts';
import { migrating } from '../../src/routes/migrating/migrating.ts';
import { memcached } from '../../src/stores/memcached/memcached.ts';
import { type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';
import { skewedRuntime } from '../migration/skewed-runtime.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';
import { runCistern } from './run-cistern.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'cistern-migrate-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const schedule = [
  { stage: 'mirror', at: '2036-12-01T09:00:00Z' },
  { stage: 'populate', at: '2036-12-01T10:00:00Z', share: '20%' },
  { stage: 'read-to', at: '2036-12-02T09:00:00Z' },
  { stage: 'only-to', at: '2036-12-09T09:00:00Z' },
];

/** Lets this process go on meanwhile: it has statuses to write. */
async function statusOf(path: string, ...flags: readonly string[]): Promise<string> {
  const program = join(import.meta.dirname, '../../src/cli/main.ts');
  const env = { ...process.env, NODE_NO_WARNINGS: '1' };
  const run = await promisify(execFile)(process.execPath, [program, 'migrate', 'status', path, ...flags], {
    env,
  });
  expect(run.stderr).toBe('');
  return run.stdout;
}

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('cistern migrate plan', () => {
  test('tells every stage, the times around them, and what comes next', () => {
    const { code, out, err } = runCistern(['migrate', 'plan', file('plan.json', { name: 'shop', schedule })]);
    expect([code, err]).toEqual([0, '']);
    for (const words of [
      'migration shop, clocks at most 10 seconds apart',
      'from, 20.0% of the hits are copied     both',
      'changes reach both pools from 2036-12-01 08:59:50 to 2036-12-09 09:00:10',
      'at 2036-12-02 08:59:50',
      'all keys at 2036-12-02 09:00:00, by the clock of each process',
      'only-from; mirror in ',
    ])
      expect(out).toContain(words);
    for (const { stage, at } of schedule)
      expect(out).toMatch(new RegExp(`^${stage} .*${at.replace('T', ' ').replace('Z', '')}`, 'm'));
  });

  test('prints what docs/migration.md shows, of the file that it shows', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/migration.md'), 'utf8');
    const block = (language: string): string =>
      new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\``).exec(page)![1]!;
    const path = file('migration.json', block('json'));
    const { code, out } = runCistern(['migrate', 'plan', path], '', folder, { TZ: 'UTC' });
    expect(code).toBe(0);
    expect(out.replace(/^now .*\n/m, '').trimEnd()).toBe(block('text'));
  });

  test('reads a module, and a table that ends early', () => {
    const text = `export const migration = () => ({ perKey: { interval: '1h' }, schedule: ${JSON.stringify(schedule.slice(0, 3))} });`;
    const { code, out } = runCistern(['migrate', 'plan', file('plan.mjs', text)]);
    expect(code).toBe(0);
    expect(out).toContain('no end is planned');
    expect(out).toContain('each key at its time from 2036-12-02 09:00:00 to 2036-12-02 10:00:00');
    const mirror = runCistern(['migrate', 'plan', file('mirror.json', { schedule: schedule.slice(0, 2) })]);
    expect(mirror.out).toContain('no switch is planned');
  });

  test('as JSON is one line', () => {
    const { out } = runCistern(['migrate', 'plan', file('plan.json', { schedule }), '--json']);
    expect(JSON.parse(out)).toMatchObject({
      migration: 'migration',
      skewMs: 10_000,
      stage: 'only-from',
      next: 'mirror',
      changesReachBoth: { from: '2036-12-01T08:59:50.000Z', to: '2036-12-09T09:00:10.000Z' },
      schedule: [{}, { stage: 'populate', share: 0.2 }, {}, {}],
    });
  });

  test.each([
    ['a table that goes backwards', { schedule: schedule.toReversed() }, 'there must be a stage'],
    [
      'a table with a gap',
      { schedule: schedule.slice(2) },
      'there must be a stage in which every change reaches both',
    ],
    ['no table', {}, 'a list of at least one stage'],
    ['no migration', [], 'has no migration'],
    ['no JSON', '{', 'cannot be read'],
  ])('refuses %s, and says what to do', (_what, content, words) => {
    const { code, out, err } = runCistern(['migrate', 'plan', file('wrong.json', content)]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(words);
    expect(err).toContain('wrong.json');
  });

  test.each([
    ['no file', ['plan']],
    ['two files', ['plan', 'a.json', 'b.json']],
    ['another word', ['undo', 'a.json']],
    ['an unknown option', ['plan', 'a.json', '--fast']],
  ])('refuses %s', (_what, args) => {
    const { code, err } = runCistern(['migrate', ...args]);
    expect(code).toBe(2);
    expect(err).toContain('cistern migrate --help');
  });
});

describe.skipIf(withoutMemcached)('cistern migrate status', () => {
  const open: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of open.splice(0).toReversed()) await close();
  });

  async function twoPools(): Promise<readonly [MemcachedServer, MemcachedServer]> {
    const servers = await Promise.all([startMemcached(), startMemcached()]);
    open.push(...servers.map((server) => async () => await server.stop()));
    return [servers[0]!, servers[1]!];
  }

  test('tells of each process, of both pools, and what is not as it should be', async () => {
    const [from, to] = await twoPools();
    const pools = {
      from: { servers: [from.address], timeout: '5s' },
      to: { servers: [to.address], timeout: '5s' },
    } as const;
    const start = Date.now() - 5000;
    const table = [
      { stage: 'mirror', at: start },
      { stage: 'populate', at: start + 2000, share: 1 },
    ] as const;
    const process = (name: string, skew: number, ahead: number): Store => {
      const store = migrating({
        from: memcached(pools.from),
        to: memcached(pools.to),
        name: 'shop',
        schedule: table,
        skew,
        status: { process: name, interval: 100 },
        runtime: skewedRuntime(realRuntime, () => ahead),
      });
      open.push(async () => await store.close());
      return store;
    };
    const deadline = Number.MAX_VALUE;
    const web = process('web-1', 1000, 0);
    process('web-2', 900, 60_000);
    const path = file('status.json', { name: 'shop', skew: '1s', schedule: table, ...pools });
    const value = Buffer.from('v');
    const life = { freshFor: 60_000, staleFor: 0 };
    await web.execute({ kind: 'set', mode: 'set', key: 'k', value, flags: 0, life, deadline });
    await sleep(400);
    for (let get = 0; get < 20; get++) await web.execute({ kind: 'get', key: 'k', deadline });
    await sleep(150);
    const out = await statusOf(path);
    expect(out).toContain('migration shop: by this clock populate');
    expect(out).toMatch(/^web-1 +populate +same/m);
    expect(out).toMatch(/^web-2 +populate +\+(59|60|61) s/m);
    expect(out).toMatch(/^web-2 has another time table/m);
    expect(out).toMatch(/^The clock of web-2 is (59|60|61|1)\.?\d* (seconds|minutes) ahead/m);
    const json = await statusOf(path, '--json');
    const lines = json
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.slice(0, 2)).toMatchObject([
      { process: 'web-1', sameTable: true, copied: 1, unfinished: 0 },
      { process: 'web-2', sameTable: false },
    ]);
    expect(lines[2]).toMatchObject({ stage: 'populate', processes: 2, failed: [] });
  });

  test('says when a pool does not answer, and when nobody has told anything', async () => {
    const [from, to] = await twoPools();
    const path = file('none.json', {
      schedule,
      from: { servers: [from.address], timeout: '5s' },
      to: { servers: [to.address], timeout: '5s' },
    });
    await to.stop();
    const { code, out, err } = runCistern(['migrate', 'status', path]);
    expect([code, err]).toEqual([0, "cistern: the pool 'to' does not answer\n"]);
    expect(out).toContain('No process has told its status.');
    await from.stop();
    expect(runCistern(['migrate', 'status', path]).code).toBe(1);
  });

  test('needs pools, and says what is wrong with them', () => {
    const without = runCistern(['migrate', 'status', file('without.json', { schedule })]);
    expect([without.code, without.out]).toEqual([1, '']);
    expect(without.err).toContain("tells no pools: 'from' and 'to'");
    const wrong = runCistern([
      'migrate',
      'status',
      file('wrong.json', { schedule, from: { servers: [] }, to: 7 }),
    ]);
    expect([wrong.code, wrong.out]).toEqual([1, '']);
    expect(wrong.err).toContain("'from'");
  });
});
