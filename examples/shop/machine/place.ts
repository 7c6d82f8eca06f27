import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A folder that this process alone uses until it lets go of it. */
export interface Place {
  readonly folder: string;
  /** Whether it goes when it is released. */
  readonly temporary: boolean;
  release(): void;
}

const most = 16;

/**
 * Claims the first place below `folder` that no living process holds: `1`, which stays for the next time, or a further
 * one, which goes when it is released. So several shops can run from one checkout.
 */
export function claimPlace(folder: string): Place {
  mkdirSync(folder, { recursive: true });
  for (let number = 1; number <= most; number++) {
    const place = join(folder, String(number));
    mkdirSync(place, { recursive: true });
    // PostgreSQL may run as another user, who must be able to pass; its own data folder lets nobody else in.
    chmodSync(folder, 0o755);
    chmodSync(place, 0o755);
    const lock = join(place, 'lock');
    if (!take(lock)) continue;
    return {
      folder: place,
      temporary: number > 1,
      release() {
        if (number === 1) rmSync(lock, { force: true });
        else rmSync(place, { recursive: true, force: true });
      },
    };
  }
  throw new Error(`${most} shops run from ${folder} already. Stop one of them.`);
}

function take(lock: string): boolean {
  if (create(lock)) return true;
  if (held(lock)) return false;
  // Only one of several takers can move the old lock away; what it moved is looked at once more.
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch {
    return false;
  }
  const wrong = held(aside);
  if (wrong) renameSync(aside, lock);
  else rmSync(aside, { force: true });
  return !wrong && create(lock);
}

function create(lock: string): boolean {
  try {
    writeFileSync(lock, `${process.pid} ${birth(process.pid) ?? ''}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether the process that made the lock lives: the same id, and where the system tells it, begun at the same time. */
function held(lock: string): boolean {
  try {
    const [pid = '', begun = ''] = readFileSync(lock, 'utf8').split(' ');
    if (pid === '') return Date.now() - statSync(lock).mtimeMs < 5000;
    const now = birth(Number(pid));
    return now === undefined ? alive(Number(pid)) : begun === '' || now === begun;
  } catch {
    return false;
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process began, in ticks since the system did; undefined where there is no `/proc`, or no such process. */
function birth(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
