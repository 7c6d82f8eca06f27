import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A lock as old as this was left behind, whatever its process id says. */
const longest = 15 * 60_000;

/** Runs `work` while no other process of this checkout does. What a killed process left is taken over. */
export async function withLock(folder, say, work) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'prepare.lock');
  for (let waited = false; !take(path); waited = true) {
    if (!waited) say('Another command is installing or building here: waiting for it ...');
    await sleep(250);
  }
  try {
    await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (age > longest || (age > 1000 && !alive(path))) rmSync(path, { force: true });
  return false;
}

function alive(path) {
  try {
    process.kill(Number.parseInt(readFileSync(path, 'utf8'), 10), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM' || error.code === 'ENOENT';
  }
}
