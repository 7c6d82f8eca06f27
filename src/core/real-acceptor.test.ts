import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { fakeRuntime } from '../testing/fake-runtime.ts';
import { type Acceptor, type Place, realRuntime, type Runtime, type ServedSocket } from './runtime.ts';

const folder = mkdtempSync(join(tmpdir(), 'cistern-acceptor-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Answers what it hears with a greeting before it; `stop` and the end of the other side end it. */
function echo(runtime: Runtime, place: Place): Promise<Acceptor> {
  return runtime.serve(place, (socket: ServedSocket) => ({
    data(chunk) {
      socket.write(['heard ', Uint8Array.from(chunk)]);
      if (Buffer.from(chunk).toString().includes('stop')) socket.end();
    },
    drained() {},
    ended: () => socket.end(),
    closed() {},
  }));
}

/** Says something and answers all that came until the end. */
async function ask(runtime: Runtime, place: Place, text: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    let answer = '';
    const socket = runtime.connect(place, {
      connected: () => void socket.write([text]),
      data: (chunk) => void (answer += Buffer.from(chunk).toString()),
      drained() {},
      closed: (error) => (error === undefined ? resolve(answer) : reject(error)),
    });
  });
}

describe('serve', () => {
  test('takes connections at a free port of a host, and none after close', async () => {
    const acceptor = await echo(realRuntime, { host: '127.0.0.1', port: 0 });
    const { place } = acceptor;
    expect('port' in place && place.port).toBeGreaterThan(0);
    expect(await ask(realRuntime, place, 'one stop')).toBe('heard one stop');
    await acceptor.close();
    await expect(ask(realRuntime, place, 'stop')).rejects.toThrow('ECONNREFUSED');
  });

  test('a taken port is told', async () => {
    const acceptor = await echo(realRuntime, { host: '127.0.0.1', port: 0 });
    await expect(echo(realRuntime, acceptor.place)).rejects.toThrow('EADDRINUSE');
    await acceptor.close();
  });

  test('a unix socket is for this user alone unless another mode is given, and its file goes with it', async () => {
    const path = join(folder, 'socket');
    for (const mode of [undefined, 0o666]) {
      const acceptor = await echo(realRuntime, { path, ...(mode !== undefined && { mode }) });
      expect(statSync(path).mode & 0o777).toBe(mode ?? 0o700);
      expect(await ask(realRuntime, { path }, 'stop')).toBe('heard stop');
      await acceptor.close();
      expect(existsSync(path)).toBe(false);
    }
  });

  test('the file of a dead process is replaced; that of a living one, and any other file, is not', async () => {
    const path = join(folder, 'left');
    spawnSync(process.execPath, [
      '-e',
      `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    expect(existsSync(path)).toBe(true);
    const acceptor = await echo(realRuntime, { path });
    expect(await ask(realRuntime, { path }, 'stop')).toBe('heard stop');
    await expect(echo(realRuntime, { path })).rejects.toThrow('EADDRINUSE');
    await acceptor.close();
    const other = join(folder, 'other');
    writeFileSync(other, 'mine');
    await expect(echo(realRuntime, { path: other })).rejects.toThrow('EADDRINUSE');
    expect(existsSync(other)).toBe(true);
  });

  test('the fake network takes connections likewise', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    const acceptor = await echo(runtime, { host: '127.0.0.1', port: 0 });
    expect(await runtime.until(ask(runtime, acceptor.place, 'one stop'))).toBe('heard one stop');
    await acceptor.close();
    await expect(runtime.until(ask(runtime, acceptor.place, 'stop'))).rejects.toThrow('ECONNREFUSED');
  });

  test('on both, what is read while paused comes after, and a slow reader is told of', async () => {
    for (const runtime of [realRuntime, fakeRuntime({ seed: 2 })]) {
      const large = new Uint8Array(8_000_000).fill(120);
      const events: string[] = [];
      const acceptor = await runtime.serve({ host: '127.0.0.1', port: 0 }, (socket) => {
        socket.pause();
        runtime.after(
          20,
          () => {
            events.push('resumed');
            socket.resume();
          },
          true,
        );
        return {
          data(chunk) {
            events.push(Buffer.from(chunk).toString());
            if (!socket.write([large])) events.push(socket.unsent > 0 ? 'full' : 'empty');
          },
          drained() {
            events.push('drained');
            socket.end();
          },
          ended() {},
          closed: () => events.push('closed'),
        };
      });
      const answer = ask(runtime, acceptor.place, 'hello');
      const heard =
        'until' in runtime
          ? await (runtime as never as { until<T>(p: Promise<T>): Promise<T> }).until(answer)
          : await answer;
      expect(heard.length).toBe(large.length);
      expect(events.slice(0, 4)).toEqual(['resumed', 'hello', 'full', 'drained']);
      await acceptor.close();
    }
  });
});
