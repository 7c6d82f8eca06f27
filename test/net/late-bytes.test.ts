import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { realRuntime } from '../../src/core/runtime.ts';

const program = `
  let bytes = 0;
  const server = require('node:net').createServer((socket) => {
    socket.on('data', (data) => (bytes += data.length));
    socket.on('error', () => undefined);
    socket.on('close', () => process.stdout.write(String(bytes)));
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(String(server.address().port)));`;

test('what a stopped server has not taken when its connection is given up never reaches it', async () => {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = (): Promise<number> =>
    new Promise((resolve) => child.stdout.once('data', (data) => resolve(Number(String(data)))));
  try {
    const port = await said();
    let wake = (): void => undefined;
    const socket = realRuntime.connect(
      { host: '127.0.0.1', port },
      { connected: () => wake(), data: () => undefined, drained: () => undefined, closed: () => wake() },
    );
    await new Promise<void>((resolve) => (wake = resolve));
    child.kill('SIGSTOP');
    const piece = new Uint8Array(65_536);
    let written = piece.length;
    while (socket.write([piece]) && written < 64_000_000) written += piece.length;
    expect(written).toBeGreaterThan(300_000);
    const closed = new Promise<void>((resolve) => (wake = resolve));
    socket.destroy();
    await closed;
    const received = said();
    child.kill('SIGCONT');
    // Some of it lay in the buffers of the server itself.
    expect(await received).toBeLessThan(written / 2);
  } finally {
    child.kill('SIGKILL');
  }
});
