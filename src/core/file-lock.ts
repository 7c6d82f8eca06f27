import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FileLock } from './runtime.ts';

/**
 * Who has a lock, in words that another process can check: numbers of processes are used again after a restart, and by each container
 * from 1 on, so a number alone says nothing.
 */
interface Holder {
  readonly process: number;
  /** When that process began, in ticks since the start of the machine; `''` where the system does not tell. */
  readonly began: string;
  /** The running of the machine, and the room of process numbers (a container has its own) within it. */
  readonly machine: string;
  /** Random: of this lock alone. */
  readonly token: string;
}

/** How old an unreadable lock must be, in milliseconds, to be called left over: a younger one may be about to be written. */
const unreadableFor = 2000;

/**
 * `Files.lock`: a file made by exclusive creation. It is left over, and taken over, when its process has ended, when its number now
 * belongs to a process that began at another time, and when it is from before a restart of the machine or from another container (nobody can
 * ask there). Of two that take the same one over at once, both go on for a moment: `held` tells one of them.
 */
export function lockFile(path: string): FileLock {
  const lock = `${path}.lock`;
  mkdirSync(dirname(path), { recursive: true });
  const mine: Holder = { ...self(), token: randomBytes(9).toString('base64url') };
  const content = JSON.stringify(mine);
  try {
    writeFileSync(lock, content, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const problem = inUse(lock);
    if (problem !== undefined) throw new Error(problem, { cause: error });
    const aside = `${lock}.${mine.token}`;
    writeFileSync(aside, content, { flag: 'wx', mode: 0o600 });
    renameSync(aside, lock);
  }
  const held = async (): Promise<boolean> => {
    try {
      return (await readFile(lock, 'utf8')) === content;
    } catch {
      return false;
    }
  };
  return {
    held,
    release() {
      try {
        if (readFileSync(lock, 'utf8') === content) rmSync(lock, { force: true });
      } catch {
        // It is gone, or will be taken over by the next one.
      }
    },
  };
}

/** By whom a lock is held; `undefined` when it is left over. */
function inUse(lock: string): string | undefined {
  let text: string;
  let age: number;
  try {
    text = readFileSync(lock, 'utf8');
    age = Date.now() - statSync(lock).mtimeMs;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const holder = parse(text);
  if (holder === undefined) return age < unreadableFor ? 'is being taken by another process' : undefined;
  const here = self();
  if (holder.machine !== here.machine) return undefined;
  if (holder.process === here.process) {
    return holder.began === here.began ? 'is in use by this process already' : undefined;
  }
  if (!lives(holder.process) || beginOf(holder.process) !== holder.began) return undefined;
  return `is in use by process ${holder.process}`;
}

function parse(text: string): Holder | undefined {
  try {
    const found = JSON.parse(text) as Partial<Holder> | null;
    return Number.isInteger(found?.process) ? (found as Holder) : undefined;
  } catch {
    return undefined;
  }
}

function self(): Omit<Holder, 'token'> {
  const { pid } = process;
  const boot = linux(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const room = linux(() => readlinkSync('/proc/self/ns/pid'));
  return { process: pid, began: beginOf(pid), machine: `${boot} ${room}` };
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, and belongs to another user.
    return codeOf(error) === 'EPERM';
  }
}

/** The 22nd field of `/proc/<pid>/stat`; the second, a name in brackets, may have anything in it. */
function beginOf(pid: number): string {
  return linux(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
  });
}

function linux(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
