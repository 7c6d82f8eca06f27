import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createServer, type Server, type Socket as NodeSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { asyncContext, crc32, digest128, realRuntime, type SocketEvents, type Target } from './runtime.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('defer', () => {
  test('runs when all microtasks and ticks of the turn are done, in the order of the calls', async () => {
    const log: string[] = [];
    await new Promise<void>((resolve) => {
      realRuntime.defer(() => log.push('first'));
      realRuntime.defer(() => {
        log.push('second');
        realRuntime.defer(() => {
          log.push('next turn');
          resolve();
        });
      });
      const chain = async (depth: number): Promise<void> => {
        await Promise.resolve();
        if (depth < 100) {
          process.nextTick(() => void chain(depth + 1));
        } else log.push('microtasks and ticks');
      };
      void chain(0);
    });
    expect(log).toEqual(['microtasks and ticks', 'first', 'second', 'next turn']);
  });

  test('a callback that throws does not stop the others', async () => {
    const { stdout } = await child(`
      process.on('uncaughtException', (error) => console.log('uncaught', error.message));
      realRuntime.defer(() => console.log('first'));
      realRuntime.defer(() => { throw new Error('thrown inside'); });
      realRuntime.defer(() => console.log('third'));
      realRuntime.defer(() => { throw new Error('again'); });
      realRuntime.defer(() => console.log('fifth'));
    `);
    expect(stdout.split('\n').filter(Boolean).toSorted()).toEqual(
      ['fifth', 'first', 'third', 'uncaught again', 'uncaught thrown inside'].toSorted(),
    );
  });
});

describe('clock', () => {
  test('tick is a copy of the last reading, the whole one is rounded down, and both go back to 0', async () => {
    const { clock } = realRuntime;
    const read = clock.read();
    expect(read).toBeGreaterThan(0);
    expect(clock.tick).toBe(read);
    expect(clock.wholeTick).toBe(Math.floor(read));
    expect(clock.read()).toBeGreaterThanOrEqual(read);
    expect(clock.tick).toBeGreaterThanOrEqual(read);
    await sleep(20);
    expect([clock.tick, clock.wholeTick]).toEqual([0, 0]);
    expect(clock.read()).toBeGreaterThan(read + 10);
  });

  test('wall is Unix time', () => {
    expect(Math.abs(realRuntime.clock.wall() - Date.now())).toBeLessThan(1000);
  });
});

describe('after', () => {
  test('calls back once, not early, in the order of the due times', async () => {
    const log: number[] = [];
    const start = performance.now();
    await new Promise<void>((resolve) => {
      for (const milliseconds of [40, 5, 20])
        realRuntime.after(
          milliseconds,
          () => {
            expect(performance.now() - start).toBeGreaterThanOrEqual(milliseconds);
            log.push(milliseconds);
            if (milliseconds === 40) resolve();
          },
          true,
        );
      realRuntime.after(10, () => log.push(10), true).cancel();
    });
    expect(log).toEqual([5, 20, 40]);
  });

  test('keeps the process alive only if asked to', async () => {
    const started = performance.now();
    const { stdout } = await child(`
      realRuntime.after(60_000, () => console.log('never'), false);
      realRuntime.after(50_000, () => console.log('never'), true).cancel();
      realRuntime.after(300, () => console.log('waited'), true);
      realRuntime.after(100, () => console.log('on the way'), false);
    `);
    expect(stdout).toBe('on the way\nwaited\n');
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  test('reading the clock does not keep the process alive', async () => {
    expect((await child(`console.log(realRuntime.clock.read() > 0);`)).stdout).toBe('true\n');
  });
});

describe('chance', () => {
  test('ids are 48 bits in 8 printable characters, never the same', () => {
    const ids = new Set(Array.from({ length: 10_000 }, () => realRuntime.randomId()));
    expect(ids.size).toBe(10_000);
    for (const id of ids) expect(id).toMatch(/^[\w-]{8}$/);
    expect(realRuntime.random()).toBeLessThan(1);
  });

  test('digest128 is 22 characters that depend on the text', () => {
    expect(digest128('a')).toMatch(/^[\w-]{22}$/);
    expect(digest128('a')).toBe(digest128('a'));
    expect(digest128('a')).not.toBe(digest128('b'));
  });
});

describe('files', () => {
  test('are read, replaced as a whole, and appended to; folders are made', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cistern-'));
    cleanups.push(async () => await rm(folder, { recursive: true }));
    const { files } = realRuntime;
    const path = join(folder, 'made', 'here', 'file');
    expect(await files.read(path)).toBeUndefined();
    await files.replace(path, Buffer.from('one'));
    await files.append(path, Buffer.from(', two'));
    expect(Buffer.from((await files.read(path))!).toString()).toBe('one, two');
    await Promise.all([files.replace(path, Buffer.from('A')), files.replace(path, Buffer.from('B'))]);
    expect(['A', 'B']).toContain(Buffer.from((await files.read(path))!).toString());
    expect(await readdir(join(folder, 'made', 'here'))).toEqual(['file']);
    await expect(files.read(folder)).rejects.toMatchObject({ code: 'EISDIR' });
    expect((await stat(path)).isFile()).toBe(true);
  });

  test('a draft is seen once it is committed, and leaves nothing behind when it is not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cistern-'));
    cleanups.push(async () => await rm(folder, { recursive: true }));
    const { files } = realRuntime;
    const path = join(folder, 'made', 'file');
    await files.replace(path, Buffer.from('old'));
    const text = async (): Promise<string> => Buffer.from((await files.read(path))!).toString();

    const dropped = await files.draft(path);
    await dropped.write(Buffer.from('half'));
    expect(await text()).toBe('old');
    await dropped.discard();
    await dropped.discard();
    expect([await text(), await readdir(join(folder, 'made'))]).toEqual(['old', ['file']]);

    const draft = await files.draft(path);
    for (const part of ['n', '', 'e', 'w']) await draft.write(Buffer.from(part));
    await draft.commit();
    await draft.discard();
    expect([await text(), await readdir(join(folder, 'made'))]).toEqual(['new', ['file']]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);

    // A folder in the way: the rename fails.
    const blocked = await files.draft(join(folder, 'made'));
    await blocked.write(Buffer.from('content'));
    await expect(blocked.commit()).rejects.toMatchObject({ syscall: 'rename' });
    await blocked.discard();
    expect(await readdir(folder)).toEqual(['made']);
  });

  test('an open file is read in pieces, and stays what it was when it is replaced', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cistern-'));
    cleanups.push(async () => await rm(folder, { recursive: true }));
    const { files } = realRuntime;
    const path = join(folder, 'file');
    expect(await files.open(path)).toBeUndefined();
    await files.replace(path, Buffer.from('0123456789'));
    const file = (await files.open(path))!;
    await files.replace(path, Buffer.from('other'));
    const read = async (from: number, length: number): Promise<string> =>
      Buffer.from(await file.read(from, length)).toString();
    expect([file.bytes, await read(2, 3), await read(8, 5), await read(10, 1), await read(0, 0)]).toEqual([
      10,
      '234',
      '89',
      '',
      '',
    ]);
    await file.close();
  });
});

test('crc32 is that of zip files, in one piece or in several', () => {
  expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
  expect(crc32(Buffer.from('6789'), crc32(Buffer.from('12345')))).toBe(0xcbf43926);
});

describe('names', () => {
  test('resolve', async () => {
    expect(await realRuntime.resolve('127.0.0.1')).toEqual(['127.0.0.1']);
    expect((await realRuntime.resolve('localhost')).length).toBeGreaterThan(0);
  });
});

describe('connect', () => {
  /** A server on a free loopback port. */
  async function serve(handle: (socket: NodeSocket) => void): Promise<Target> {
    const sockets = new Set<NodeSocket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      handle(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return { host: '127.0.0.1', port: (server.address() as { port: number }).port };
  }

  /** Events that are written down, and promises of the ones to wait for. */
  function listen(): SocketEvents & {
    readonly log: string[];
    readonly open: Promise<void>;
    readonly over: Promise<void>;
    received: string;
  } {
    let opened: () => void = () => undefined;
    let closed: () => void = () => undefined;
    const events = {
      log: [] as string[],
      received: '',
      open: new Promise<void>((resolve) => (opened = resolve)),
      over: new Promise<void>((resolve) => (closed = resolve)),
      connected(): void {
        events.log.push('connected');
        opened();
      },
      data(chunk: Uint8Array): void {
        events.received += Buffer.from(chunk).toString('latin1');
      },
      drained(): void {
        events.log.push('drained');
      },
      closed(error: Error | undefined): void {
        events.log.push(`closed ${(error as NodeJS.ErrnoException | undefined)?.code ?? 'cleanly'}`);
        closed();
      },
    };
    return events;
  }

  test('carries bytes both ways, strings as Latin-1', async () => {
    const target = await serve((socket) => socket.pipe(socket));
    const events = listen();
    const socket = realRuntime.connect(target, events);
    await events.open;
    socket.write(['caf\u00e9 ', Buffer.from([0, 255, 13, 10])]);
    socket.write(['!']);
    await until(() => events.received.length === 10);
    expect(events.received).toBe('caf\u00e9 \0\u00ff\r\n!');
    socket.destroy();
    socket.destroy();
    await events.over;
    await sleep(20);
    expect(events.log).toEqual(['connected', 'closed cleanly']);
  });

  test('a refused connection closes with the reason', async () => {
    const target = await serve(() => undefined);
    for (const cleanup of cleanups.splice(0)) await cleanup();
    const events = listen();
    realRuntime.connect(target, events);
    await events.over;
    expect(events.log).toEqual(['closed ECONNREFUSED']);
  });

  test('the server’s end closes the connection once, after what it had sent', async () => {
    const target = await serve((socket) => socket.end('bye'));
    const events = listen();
    realRuntime.connect(target, events);
    await events.over;
    expect(events.received).toBe('bye');
    expect(events.log).toEqual(['connected', 'closed cleanly']);
  });

  test('a reset connection closes with the reason', async () => {
    const target = await serve((socket) => socket.resetAndDestroy());
    const events = listen();
    realRuntime.connect(target, events);
    await events.over;
    expect(events.log.at(-1)).toBe('closed ECONNRESET');
  });

  test('write says when to wait, and drained when to go on', async () => {
    let server: NodeSocket | undefined;
    const target = await serve((socket) => void (server = socket.pause()));
    const events = listen();
    const socket = realRuntime.connect(target, events);
    await events.open;
    const megabyte = Buffer.alloc(1_000_000);
    let writes = 1;
    while (socket.write([megabyte]) && writes < 100) writes++;
    expect(writes).toBeLessThan(100);
    await until(() => server !== undefined);
    server!.resume();
    await until(() => events.log.includes('drained'));
    socket.destroy();
    await events.over;
  });

  test('pause holds the data back, resume lets it through', async () => {
    const target = await serve((socket) => socket.pipe(socket));
    const events = listen();
    const socket = realRuntime.connect(target, events);
    await events.open;
    socket.pause();
    socket.write(['hello']);
    await sleep(50);
    expect(events.received).toBe('');
    socket.resume();
    await until(() => events.received === 'hello');
    socket.destroy();
    await events.over;
  });

  test('an idle connection keeps the process alive only if asked to', async () => {
    const target = await serve(() => undefined);
    const { stdout } = await child(`
      const socket = realRuntime.connect(${JSON.stringify(target)}, {
        connected() { console.log('connected'); socket.keepAlive(false); },
        data() {}, drained() {}, closed() {},
      });
    `);
    expect(stdout).toBe('connected\n');
  });
});

describe('asyncContext', () => {
  test('follows the calls made inside run, and only those', async () => {
    const context = asyncContext<string>();
    const outcome = await context.run('inside', async () => {
      await sleep(1);
      return context.get();
    });
    expect([context.get(), outcome]).toEqual([undefined, 'inside']);
  });
});

/** Runs a program of its own on the real runtime, to its end. */
async function child(program: string): Promise<{ stdout: string }> {
  const runtime = JSON.stringify(new URL('runtime.ts', import.meta.url).href);
  const source = `import { realRuntime } from ${runtime};\n${program}`;
  return await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], {
    timeout: 40_000,
  });
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error('the condition was not met within 10 s');
    await sleep(1);
  }
}
