import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Runs before anything is installed, perhaps on an older Node: built-in modules only, nothing newer than Node 20.

/** The root of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const bin = join(root, 'node_modules', '.bin');

/** Where a program is, on the PATH. */
export function findProgram(name) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The process groups that are running: they end with this process, however it ends. */
const running = new Set();

function endAll(signal) {
  for (const pid of running) endGroup(pid, signal);
}

function endGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
  }
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.once(signal, () => {
    endAll(signal);
    process.exit(code);
  });
}
process.once('exit', () => endAll('SIGKILL'));

/**
 * Runs a command in the root, with the installed programs (and so the Node that the lock file names) first on the PATH.
 * Resolves with its exit code, and all that it wrote on both streams. Never rejects: what cannot be started has code 127.
 * After `limit` milliseconds it is ended with everything that it started. `live`: what it writes is shown at once, too.
 */
export function run(command, parameters, { env = {}, limit = 300_000, live = false } = {}) {
  return new Promise((resolve) => {
    const output = [];
    const child = spawn(command, parameters, {
      cwd: root,
      env: {
        ...process.env,
        NO_COLOR: '1',
        FORCE_COLOR: undefined,
        ...env,
        PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that servers and processes started below it can be ended with it.
      detached: true,
    });
    const { pid } = child;
    let overdue = false;
    const timer = setTimeout(() => {
      overdue = true;
      endGroup(pid, 'SIGKILL');
    }, limit);
    if (pid !== undefined) running.add(pid);
    const settle = (code, note) => {
      clearTimeout(timer);
      if (pid !== undefined) {
        endGroup(pid, 'SIGKILL');
        running.delete(pid);
      }
      const text = Buffer.concat(output).toString('utf8');
      resolve({ code, output: note === undefined ? text : `${text}${text && '\n'}${note}\n` });
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output.push(chunk);
        if (live) process.stdout.write(chunk);
      });
    }
    child.once('error', (error) => settle(127, error.message));
    child.once('exit', (code, signal) => {
      const note = overdue
        ? `${command} was ended: it took longer than ${limit / 1000} s.`
        : signal === null
          ? undefined
          : `${command} was ended by ${signal}.`;
      // What it left running would hold the pipes open: end that, then take what is still in them. Something that left
      // the group cannot be ended here, and is not waited for.
      endGroup(pid, 'SIGKILL');
      const patience = setTimeout(() => settle(code ?? 1, note), 2000);
      child.once('close', () => {
        clearTimeout(patience);
        settle(code ?? 1, note);
      });
    });
  });
}

/** Seconds since `start` (of `performance.now()`), for people. */
export function secondsSince(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
