import { spawn } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Events } from '../../src/core/events.ts';
import { realRuntime } from '../../src/core/runtime.ts';
import { Journal } from '../../src/routes/journal/journal.ts';
import type { ServerJournal } from '../../src/routes/journal/server-journal.ts';
import { because, remove, Server } from './journal-life.ts';

let folder: string;
let path: string;
const open: Journal[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cistern-journal-'));
  path = join(folder, 'journal');
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  rmSync(folder, { recursive: true, force: true });
});

async function begin(): Promise<{
  readonly journal: Journal;
  readonly server: Server;
  readonly part: ServerJournal;
}> {
  const journal = new Journal('main', { path }, realRuntime);
  open.push(journal);
  const server = new Server();
  const part = journal.join('a', server);
  await journal.ready;
  return { journal, server, part };
}

/** A process that loses one key after the other, in every turn several, and says which it was told to be written. */
const program = `
  import { Journal } from ${JSON.stringify(join(import.meta.dirname, '../../src/routes/journal/journal.ts'))};
  const journal = new Journal('main', { path: process.argv[1] });
  const part = journal.join('a', { remove: async (lost) => lost.map(() => false), hold: () => undefined });
  await journal.ready;
  const error = new Error('on purpose');
  for (let turn = 0; ; turn++) {
    const keys = Array.from({ length: 1 + turn % 7 }, (_, index) => process.pid + '-' + turn + '-' + index + 'x'.repeat(turn % 90));
    await Promise.all(keys.map((key) => part.failed({ kind: 'delete', key, deadline: Infinity }, 'no', error)));
    process.stdout.write(keys.join('\\n') + '\\n');
  }`;

test('a process that is killed at any moment leaves every record that was told to be written', async () => {
  const acknowledged = new Set<string>();
  for (let life = 0; life < 8; life++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk) => (said += String(chunk)));
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    await new Promise((resolve) => setTimeout(resolve, 5 + life * 13));
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.kill('SIGKILL');
    await gone;
    // The last line of what it said may be cut.
    for (const key of said.split('\n').slice(0, -1)) acknowledged.add(key);
  }
  expect(acknowledged.size).toBeGreaterThan(50);
  const { part, journal } = await begin();
  expect([...acknowledged].filter((key) => !part.closes(key))).toEqual([]);
  expect(journal.statistics().servers).toEqual([expect.objectContaining({ fencing: false })]);
});

test.skipIf(!existsSync('/dev/full'))(
  'a full disk (ENOSPC): told, in memory, and written as soon as there is space',
  async () => {
    symlinkSync('/dev/full', path);
    const told: Events['journal'][] = [];
    const listen = (message: unknown): void => void told.push(message as Events['journal']);
    channel('cistern:journal').subscribe(listen);
    try {
      const { part, journal } = await begin();
      await part.failed(remove('k'), 'no', because);
      expect(part.closes('k')).toBe(true);
      expect(told.map((each) => each.state)).toEqual(['lost', 'unwritable']);
      expect(told[1]!.error).toMatchObject({ code: 'ENOSPC' });
      // It is written aside, and takes the place of what cannot be written to.
      while (!journal.statistics().file!.writable) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(told.at(-1)!.state).toBe('writable');
      await part.failed(remove('l'), 'no', because);
      await journal.close();
      const next = await begin();
      expect([next.part.closes('k'), next.part.closes('l')]).toEqual([true, true]);
    } finally {
      channel('cistern:journal').unsubscribe(listen);
    }
  },
);

test('only its user may read it; nothing is left behind but the file', async () => {
  const { part, server, journal } = await begin();
  await part.failed(remove('k'), 'no', because);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  server.up = true;
  await journal.flush(1000);
  await journal.close();
  await (await begin()).journal.close();
  expect(readdirSync(folder)).toEqual(['journal']);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
