import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../harness/result.ts';
import type { Address, ProxyServer } from './adapter.ts';

/** `cistern proxy` as users run it, in a process of its own: in front of one server, or with a store of its own (`memory`). */
export async function openProxy(address: Address, parameters: Record<string, unknown>): Promise<ProxyServer> {
  const program = join(root, 'dist/cli/main.js');
  const store =
    parameters['memory'] === true
      ? ['--memory', '512mb']
      : ['--servers', `${address.host}:${address.port}`, '--timeout', '5s'];
  const folder = mkdtempSync(join(tmpdir(), 'cistern-bench-proxy-'));
  const path = join(folder, 'socket');
  const places = ['--listen', `127.0.0.1:0,unix:${path}`];
  const child = spawn(process.execPath, [program, 'proxy', ...store, ...places], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const port = Number(/ on 127\.0\.0\.1:(\d+)/.exec(await firstLine(child))?.[1]);
  return {
    targets: { tcp: { host: '127.0.0.1', port }, unix: { path } },
    cpuMicroseconds: () => cpuOf(child.pid!),
    async close() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  let said = '';
  for await (const chunk of child.stdout!) {
    said += String(chunk);
    if (said.includes('\n')) break;
  }
  return said;
}

/** User and system time of all threads of a process, from the scheduler: exact to the nanosecond, where `ps` tells hundredths of a second. */
function cpuOf(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  let nanoseconds = 0;
  for (const task of readdirSync(tasks)) {
    nanoseconds += Number(readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1000;
}
