import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';

const program = `
  const { spawn } = await import('node:child_process');
  const { watch } = await import(${JSON.stringify(new URL('watchdog.ts', import.meta.url).href)});
  const server = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  const callOff = watch(server.pid, 'TERM');
  if (process.argv[1] === 'called off') callOff();
  console.log(server.pid);
  setInterval(() => {}, 1000);
`;

async function serverAfterKill(mode: string): Promise<number> {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = (await once(parent.stdout, 'data')) as [Buffer];
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  return Number(String(chunk));
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a server that is watched ends with the process that watches, even when that is killed', async () => {
  const pid = await serverAfterKill('watched');
  const last = performance.now() + 10_000;
  while (alive(pid) && performance.now() < last) await sleep(20);
  expect(alive(pid)).toBe(false);
});

test('a watch that was called off ends nothing', async () => {
  const pid = await serverAfterKill('called off');
  await sleep(300);
  expect(alive(pid)).toBe(true);
  process.kill(pid, 'SIGKILL');
});
