import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realRuntime } from './runtime.ts';

const { files } = realRuntime;
let folder: string;
let path: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cistern-lock-'));
  path = join(folder, 'deep', 'journal');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Another process that takes the lock and says so. */
async function other(): Promise<{ readonly pid: number; kill(): Promise<void> }> {
  const runtime = join(import.meta.dirname, 'runtime.ts');
  const program = `import { realRuntime } from ${JSON.stringify(runtime)};
    realRuntime.files.lock(${JSON.stringify(path)});
    process.stdout.write('taken');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  return {
    pid: child.pid!,
    async kill() {
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

const holder = (): { process: number; began: string; machine: string; token: string } =>
  JSON.parse(readFileSync(`${path}.lock`, 'utf8'));
const rewrite = (content: string): void => writeFileSync(`${path}.lock`, content);

test('one at a time; free again when it is released', async () => {
  const lock = files.lock(path);
  expect(await lock.held()).toBe(true);
  expect(() => files.lock(path)).toThrow('is in use by this process already');
  lock.release();
  expect(await lock.held()).toBe(false);
  const again = files.lock(path);
  lock.release();
  expect(await again.held()).toBe(true);
  again.release();
  expect(readdirSync(join(folder, 'deep'))).toEqual([]);
});

test('another process that lives keeps it; one that was killed does not', async () => {
  const first = await other();
  expect(() => files.lock(path)).toThrow(`is in use by process ${first.pid}`);
  await first.kill();
  const lock = files.lock(path);
  expect(await lock.held()).toBe(true);
  expect(holder().process).toBe(process.pid);
});

test('a number that belongs to a younger process by now is nobody', async () => {
  const first = await other();
  rewrite(JSON.stringify({ ...holder(), began: '1' }));
  expect(await files.lock(path).held()).toBe(true);
  expect(holder().process).not.toBe(first.pid);
});

test('this process’s own number from an earlier life, as containers have it, is nobody', async () => {
  files.lock(path);
  rewrite(JSON.stringify({ ...holder(), began: '1' }));
  expect(await files.lock(path).held()).toBe(true);
});

test('after a restart of the machine, or in another container, it is taken over, and the former owner can know', async () => {
  const first = files.lock(path);
  rewrite(JSON.stringify({ ...holder(), machine: 'another' }));
  const second = files.lock(path);
  expect(await second.held()).toBe(true);
  expect(await first.held()).toBe(false);
  first.release();
  expect(await second.held()).toBe(true);
});

test('a lock that cannot be read is left over when it is old, and about to be written when it is young', async () => {
  const first = files.lock(path);
  rewrite('');
  expect(() => files.lock(path)).toThrow('is being taken by another process');
  utimesSync(`${path}.lock`, 1, 1);
  expect(await files.lock(path).held()).toBe(true);
  expect(await first.held()).toBe(false);
});
