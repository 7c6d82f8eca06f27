import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from './machine/port.ts';
import type { Ratio, SideFigures } from './report/figures.ts';
import type { PriceChange, ProductPage, SearchPage } from './shop.ts';

// The Node of the lock file, as `npm start` uses it: the tests may run on another one.
const node = join(import.meta.dirname, '../../node_modules/.bin/node');
const limit = 300_000;

interface Run {
  readonly process: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  readonly exited: Promise<number | null>;
}

function start(...parameters: string[]): Run {
  const child = spawn(node, [join(import.meta.dirname, 'main.ts'), ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Its servers end with it: they are watched.
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (output.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (output.stderr += String(chunk)));
  return { process: child, output, exited: once(child, 'close').then(([code]) => code as number | null) };
}

async function refuses(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}

function serverPorts(text: string): number[] {
  const ports = [...text.matchAll(/127\.0\.0\.1:(\d+)/g)].map((match) => Number(match[1]));
  expect(ports.length).toBeGreaterThan(0);
  return ports;
}

test(
  'npm start -- --once --json: both sides are measured, nothing is stale, one line of JSON comes last, nothing is left',
  async () => {
    const run = start('--once', '--json', '--seconds', '1');
    expect({ code: await run.exited, ...((await run.exited) === 0 ? {} : run.output) }).toEqual({ code: 0 });
    const result = JSON.parse(run.output.stdout.trimEnd().split('\n').at(-1)!) as {
      without: SideFigures;
      with: SideFigures;
      ratio: Ratio;
    };
    for (const side of [result.without, result.with]) {
      expect(side.requests).toBeGreaterThan(5);
      expect(side.rps).toBeGreaterThan(1);
      expect(side.p99).toBeGreaterThanOrEqual(side.p50);
      expect(side.p50).toBeGreaterThan(0);
      expect({ stale: side.staleAnswers, errors: side.errors }).toEqual({ stale: 0, errors: 0 });
    }
    expect(result.without.hitRatio).toBeUndefined();
    expect(result.with.hitRatio?.near).toBeGreaterThan(0.1);
    expect(result.ratio.p50).toBeGreaterThan(1);
    const perRequest = (side: SideFigures): number => side.dbQueries / side.rps;
    expect(perRequest(result.without)).toBeGreaterThan(4 * perRequest(result.with));
    expect(result.ratio.rps).toBeGreaterThan(1);
    for (const port of serverPorts(run.output.stderr)) expect(await refuses(port)).toBe(true);
  },
  limit,
);

test(
  'npm start: the shop stays open, a changed price is there at once, and Ctrl-C ends everything',
  async () => {
    const port = await freePort();
    const run = start('--seconds', '1', '--port', String(port));
    const opened = new Promise<void>((resolve) => {
      run.process.stdout!.on('data', () => run.output.stdout.includes('Ctrl-C stops') && resolve());
    });
    await Promise.race([opened, run.exited]);
    expect(run.output.stderr).toBe('');
    const url = `http://127.0.0.1:${port}`;
    const ask = async <T>(path: string, options?: RequestInit): Promise<{ status: number; body: T }> => {
      const response = await fetch(`${url}${path}`, options);
      return { status: response.status, body: (await response.json()) as T };
    };
    const before = await ask<ProductPage>('/products/1');
    const change = await ask<PriceChange>('/products/1/price', { method: 'PUT', body: '{"cents":1999}' });
    const after = await ask<ProductPage>('/products/1');
    expect(change.body).toEqual({ id: 1, cents: 1999, version: before.body.version + 1 });
    expect(after.body).toEqual({ ...before.body, cents: 1999, version: before.body.version + 1 });
    const page = '/search?category=3&sort=popular&page=2';
    const direct = /without Cistern:\s+(\S+)/.exec(run.output.stdout)![1]!;
    const found = await ask<SearchPage>(page);
    expect(found.body.products).toHaveLength(20);
    expect(found.body).toEqual(await (await fetch(`${direct}${page}`)).json());

    expect((await ask('/products/1000000')).status).toBe(404);
    expect((await ask('/nothing')).status).toBe(404);
    const wrong: [string, RequestInit?][] = [
      ['/products/one'],
      ['/search?category=1&sort=best'],
      ['/search'],
      ['/products/1/price', { method: 'PUT', body: 'cheap' }],
      ['/products/1/price', { method: 'PUT', body: '{"cents":-1}' }],
      ['/products/1/price', { method: 'PUT', body: 'x'.repeat(5000) }],
    ];
    for (const [path, options] of wrong) {
      expect({ path, ...(await ask(path, options)) }).toMatchObject({ path, status: 400 });
    }
    run.process.kill('SIGINT');
    expect(await run.exited).toBe(0);
    for (const each of serverPorts(run.output.stdout)) expect(await refuses(each)).toBe(true);
  },
  limit,
);

test('wrong parameters are refused before anything is started', async () => {
  const run = start('--secconds', '3');
  expect(await run.exited).toBe(2);
  expect(run.output.stderr).toContain('--secconds');
  expect(run.output.stdout).toBe('');
});
