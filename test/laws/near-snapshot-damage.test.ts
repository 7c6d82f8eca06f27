import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cistern, type Cistern, CisternError } from '../../src/index.ts';
import { decodeEnd, encodeEnd } from '../../src/cache/snapshot/snapshot-layout.ts';
import { crc32, type Files } from '../../src/core/runtime.ts';
import { codeOf } from './fleet.ts';
import { path, Restart } from './restart.ts';

function define(shop: Cistern) {
  return shop.define('user', { load: (id: string): string => `loaded ${id}`, ttl: '1h', staleIfError: '1h' });
}

/** What is wrong with the restore of these bytes; it must then have kept nothing. */
async function refusal(before: Restart, content: Uint8Array): Promise<CisternError | undefined> {
  const { shop, runtime } = before.next();
  const users = define(shop);
  runtime.disk.set(path, content);
  const error = await runtime.until(
    shop.restoreNear(path).then(
      () => undefined,
      (thrown: unknown) => thrown,
    ),
  );
  if (error === undefined) return undefined;
  expect(users.stats().near.entries).toBe(0);
  // The cache is cold, and otherwise well.
  expect(await runtime.until(users.get('a'))).toBe('loaded a');
  expect(Buffer.from(runtime.disk.get(path)!).equals(content)).toBe(true);
  return error as CisternError;
}

/** Bytes of the last block, without its header. */
function endLength(file: Buffer): number {
  let at = 16;
  while (at + 9 + file.readUInt32BE(at + 1) < file.length) at += 9 + file.readUInt32BE(at + 1);
  return file.readUInt32BE(at + 1);
}

describe('a file is refused that is not whole, and nothing of it is kept', () => {
  const before = new Restart();
  let whole: Buffer = Buffer.alloc(0);
  beforeAll(async () => {
    const users = define(before.shop);
    await users.set('a', 'saved a');
    await users.set('b', 'saved b');
    await users.get('b');
    await users.get('b');
    await before.save();
    whole = Buffer.from(before.runtime.disk.get(path)!);
  });

  test('none that is', async () => {
    expect(whole.length).toBeLessThan(600);
    expect(await refusal(before, whole)).toBeUndefined();
  });

  test('every bit that was flipped', async () => {
    for (let at = 0; at < whole.length; at++) {
      for (const bit of [1, 1 << (at % 8), 255]) {
        const changed = Buffer.from(whole);
        changed[at]! ^= bit;
        const error = await refusal(before, changed);
        expect([at, codeOf(error)]).toEqual([at, 'CISTERN_SNAPSHOT']);
        expect(error!.message).toContain(path);
      }
    }
  });

  test('every length that it was cut to, and whatever was added', async () => {
    for (let length = 0; length < whole.length; length++) {
      const error = await refusal(before, whole.subarray(0, length));
      expect([length, codeOf(error)]).toEqual([length, 'CISTERN_SNAPSHOT']);
    }
    for (const more of [Buffer.from([0]), Buffer.alloc(50), whole])
      expect(codeOf(await refusal(before, Buffer.concat([whole, more])))).toBe('CISTERN_SNAPSHOT');
  });

  test('blocks that are missing, doubled or in another order', async () => {
    const blocks: Buffer[] = [];
    for (let at = 16; at < whole.length;) {
      const end = at + 9 + whole.readUInt32BE(at + 1);
      blocks.push(whole.subarray(at, end));
      at = end;
    }
    expect(blocks).toHaveLength(3);
    const [cold, hot, end] = blocks as [Buffer, Buffer, Buffer];
    for (const other of [
      [cold, end],
      [hot, end],
      [end],
      [hot, cold, end],
      [cold, hot, hot, end],
      [cold, end, hot],
    ]) {
      const error = await refusal(before, Buffer.concat([whole.subarray(0, 16), ...other]));
      expect(codeOf(error)).toBe('CISTERN_SNAPSHOT');
    }
  });

  test('what was written wrongly, but whole, comes from no later than now, and leaves the others as they are', async () => {
    const at = whole.length - 9 - endLength(whole);
    const content = encodeEnd({ ...decodeEnd(whole.subarray(at + 9)), took: -400 * 86_400_000 });
    const block = Buffer.concat([whole.subarray(at, at + 9), content]);
    block.writeUInt32BE(content.length, 1);
    // That of the block before, at its own place.
    let crc = 0;
    for (let before = 16; before < at; before += 9 + whole.readUInt32BE(before + 1))
      crc = whole.readUInt32BE(before + 5);
    block.writeUInt32BE(crc32(content, crc32(block.subarray(0, 5), crc)), 5);
    const { shop, runtime } = before.next();
    const loads: string[] = [];
    const users = shop.define('user', {
      load: (id: string): number => loads.push(id),
      ttl: '1h',
      staleIfError: '1h',
    });
    await runtime.until(users.get('c'));
    runtime.disk.set(path, Buffer.concat([whole.subarray(0, at), block]));
    await runtime.until(shop.restoreNear(path));
    await runtime.advance(3 * 3_600_000);
    for (const id of ['a', 'b', 'c']) await runtime.until(users.get(id));
    expect(loads).toEqual(['c', 'a', 'b', 'c']);
  });

  test('the message says what it is', async () => {
    const newer = Buffer.from(whole);
    newer.writeUInt32BE(2, 8);
    const problems = {
      'is not a snapshot of Cistern': Buffer.from('{"users": []}'),
      'has format 2, and this release reads format 1': newer,
      'is cut off': whole.subarray(0, 12),
      'is cut off, or damaged at byte': whole.subarray(0, whole.length - 1),
      'is damaged at byte 16': Buffer.from(whole.map((byte, at) => (at === 30 ? byte ^ 1 : byte))),
    };
    for (const [problem, content] of Object.entries(problems))
      expect((await refusal(before, content))?.message).toContain(problem);
    const { shop, runtime } = before.next({ name: 'other' });
    const error: unknown = await runtime.until(shop.restoreNear(path).catch((thrown: unknown) => thrown));
    expect((error as Error).message).toContain("was saved by 'shop', and this is 'other'");
  });

  test('calls without a path, and after close(), say so', async () => {
    const { shop, runtime } = before.next();
    for (const wrong of [undefined, null, '', 5]) {
      expect(codeOf(await shop.saveNear(wrong as never).catch((error: unknown) => error))).toBe(
        'CISTERN_OPTION',
      );
      expect(codeOf(await shop.restoreNear(wrong as never).catch((error: unknown) => error))).toBe(
        'CISTERN_OPTION',
      );
    }
    await runtime.until(shop.close());
    expect(codeOf(await shop.saveNear(path).catch((error: unknown) => error))).toBe('CISTERN_CLOSED');
    expect(codeOf(await shop.restoreNear(path).catch((error: unknown) => error))).toBe('CISTERN_CLOSED');
  });
});

describe('a save that fails leaves the older file, and nothing else', () => {
  /** A shop whose files are changed so. */
  async function failing(change: (files: Files) => Partial<Files>): Promise<unknown> {
    const before = new Restart();
    const users = define(before.shop);
    await users.get('old');
    await before.save();
    const old = before.runtime.disk.get(path)!;
    await users.get('new');
    const { files } = before.runtime;
    (before.runtime as { files: Files }).files = { ...files, ...change(files) };
    const error: unknown = await before.runtime.until(
      before.shop.saveNear(path).catch((thrown: unknown) => thrown),
    );
    expect(before.runtime.disk.get(path)).toBe(old);
    expect(users.peek('new')).toBe('loaded new');
    return error;
  }

  const full = (): never => {
    throw new Error('ENOSPC: no space left on device');
  };

  test.each(['write', 'commit'] as const)('%s', async (step) => {
    let discarded = 0;
    const error = await failing((files) => ({
      draft: async (name) => ({
        ...(await files.draft(name)),
        [step]: async () => full(),
        discard: async () => void discarded++,
      }),
    }));
    expect(codeOf(error)).toBe('CISTERN_SNAPSHOT');
    expect((error as Error).message).toContain('cannot be written: ENOSPC');
    expect(discarded).toBe(1);
  });

  test('draft', async () => {
    expect(codeOf(await failing(() => ({ draft: async () => full() })))).toBe('CISTERN_SNAPSHOT');
  });

  test('a restore that cannot read the file says so, and keeps nothing', async () => {
    const before = new Restart();
    await define(before.shop).get('a');
    await before.save();
    for (const change of [
      { open: async () => full() },
      {
        open: async (name: string) => ({
          ...(await before.runtime.files.open(name))!,
          read: async () => full(),
        }),
      },
    ]) {
      const { shop, runtime } = before.next();
      const users = define(shop);
      (runtime as { files: Files }).files = { ...runtime.files, ...change };
      const error: unknown = await runtime.until(shop.restoreNear(path).catch((thrown: unknown) => thrown));
      expect((error as Error).message).toContain('cannot be read: ENOSPC');
      expect(users.stats().near.entries).toBe(0);
    }
  });
});

/** Before Node 23 types are stripped only if told so. */
const strips = Number(process.versions.node.split('.')[0]) >= 23;

describe('on a real disk', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cistern-'));
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  test('a process that is killed before the rename leaves the older file', async () => {
    const file = join(folder, 'killed', 'near.snapshot');
    const source = JSON.stringify(new URL('../../src/index.ts', import.meta.url).href);
    const runtime = JSON.stringify(new URL('../../src/core/runtime.ts', import.meta.url).href);
    const program = (value: string, die: boolean): string => `
      import { cistern } from ${source};
      import { realRuntime } from ${runtime};
      const { files } = realRuntime;
      if (${die}) realRuntime.files = { ...files, draft: async (path) => ({
        ...bound(await files.draft(path)),
        commit: () => process.kill(process.pid, 'SIGKILL'),
      }) };
      function bound(draft) {
        return { write: (content) => draft.write(content), discard: () => draft.discard() };
      }
      const shop = cistern({ name: 'shop' });
      const users = shop.define('user', { load: () => ${JSON.stringify(value)}, ttl: '1h' });
      await users.getMany(['a', 'b', 'c']);
      console.log(JSON.stringify(await shop.saveNear(${JSON.stringify(file)})));
    `;
    const run = async (text: string): Promise<string> => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [
          ...(strips ? [] : ['--experimental-strip-types', '--no-warnings']),
          '--input-type=module',
          '-e',
          text,
        ],
        { timeout: 40_000 },
      );
      return stdout;
    };
    expect(JSON.parse(await run(program('first', false)))).toMatchObject({ saved: 3, skipped: 0 });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const first = await readFile(file);
    await expect(run(program('second', true))).rejects.toMatchObject({ signal: 'SIGKILL' });
    expect((await readFile(file)).equals(first)).toBe(true);
    // What the killed one wrote lies beside it.
    expect(await readdir(join(folder, 'killed'))).toHaveLength(2);
    await using shop = cistern({ name: 'shop' });
    const users = shop.define('user', { load: () => 'third', ttl: '1h' });
    expect(await shop.restoreNear(file)).toMatchObject({ restored: 3 });
    expect(users.peek('b' as never)).toBe('first');
  });

  test('a path that cannot be a file', async () => {
    await using shop = cistern({ name: 'shop' });
    await define(shop).get('a');
    for (const call of ['saveNear', 'restoreNear'] as const)
      expect(codeOf(await shop[call](folder).catch((error: unknown) => error))).toBe('CISTERN_SNAPSHOT');
    expect(await readdir(folder)).toEqual(['killed']);
  });
});
