import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Who runs PostgreSQL: nobody in particular (this user), or, since it refuses to run as root, another account. */
export type Account = { readonly uid: number; readonly gid: number } | undefined;

/** What PostgreSQL is run with: an account, the folder of its programs, and a folder that the account can work in. */
export interface Lodging {
  readonly account: Account;
  readonly programs: string;
  readonly folder: string;
  /** Something to tell the user about, or undefined. */
  readonly note: string | undefined;
}

/**
 * An ordinary user runs PostgreSQL from `programs` with its data in `folder`. For root an unprivileged account is taken; if
 * that cannot reach the checkout (below /root, say), data and programs go to a folder of the system's temporary files, which
 * is remembered in `folder`.
 */
export function lodge(programs: string, folder: string): Lodging {
  if (process.getuid?.() !== 0) return { account: undefined, programs, folder, note: undefined };
  const { name, ...account } = findAccount();
  if (canRun(programs, account) && canPass(folder, account))
    return { account, programs, folder, note: undefined };
  const outside = outsideFolder(folder, account);
  const note = `PostgreSQL does not run as root, and the user '${name}' cannot enter this folder: its data is in ${outside}.`;
  const copy = join(outside, `programs-${versionOf(programs)}`);
  if (!canRun(join(copy, 'bin'), account)) {
    rmSync(copy, { recursive: true, force: true });
    cpSync(dirname(programs), copy, { recursive: true, verbatimSymlinks: true });
    openToAll(copy);
    if (!canRun(join(copy, 'bin'), account)) {
      throw new Error(
        `PostgreSQL does not run as root, and the user '${name}' can run it neither in ${programs} nor in ${copy}. ` +
          `Start the shop as an ordinary user, or from a folder that everybody may enter.`,
      );
    }
  }
  return { account, programs: join(copy, 'bin'), folder: outside, note };
}

function findAccount(): { name: string; uid: number; gid: number } {
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => {
      const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' });
      return status === 0 ? Number(stdout) : 0;
    });
    if (uid && gid) return { name, uid, gid };
  }
  throw new Error(
    `PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody' to run it. Start the shop as an ordinary user.`,
  );
}

/** Tried, not computed: permissions have more sides than the mode bits (lists, mount options). */
function canRun(programs: string, account: Exclude<Account, undefined>): boolean {
  const { status } = spawnSync(join(programs, 'postgres'), ['--version'], {
    ...account,
    cwd: '/',
    stdio: 'ignore',
  });
  return status === 0;
}

function canPass(folder: string, account: Exclude<Account, undefined>): boolean {
  const { status } = spawnSync('sh', ['-c', 'cd "$1"', 'sh', folder], {
    ...account,
    cwd: '/',
    stdio: 'ignore',
  });
  return status === 0;
}

function outsideFolder(folder: string, account: Exclude<Account, undefined>): string {
  const record = join(folder, 'outside');
  try {
    const known = readFileSync(record, 'utf8');
    const found = lstatSync(known);
    // In a folder where everybody may write, a name alone proves nothing.
    if (found.isDirectory() && found.uid === 0 && canPass(known, account)) return known;
  } catch {
    // There is none yet, or it has been cleared away.
  }
  for (const parent of new Set([tmpdir(), '/var/tmp', '/tmp'])) {
    try {
      const made = mkdtempSync(join(parent, 'cistern-shop-'));
      chmodSync(made, 0o755);
      if (canPass(made, account)) {
        writeFileSync(record, made);
        return made;
      }
      rmSync(made, { recursive: true });
    } catch {
      // The next one may do.
    }
  }
  return folder;
}

/** Lets everybody read and enter, whatever the umask was when it was made. */
function openToAll(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) chmodSync(join(entry.parentPath, entry.name), 0o755);
  }
  chmodSync(folder, 0o755);
}

/** The version of the package that the programs are in: `<package>/native/bin`. */
function versionOf(programs: string): string {
  const file = join(dirname(dirname(programs)), 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version.replace(/[^\w.-]/g, '');
}

/** Makes a folder that belongs to the account and lets nobody else in. */
export function makeOwnFolder(folder: string, account: Account): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
}

/** Whether a folder belongs to the account that must own it. */
export function ownedBy(folder: string, account: Account): boolean {
  return lstatSync(folder).uid === (account?.uid ?? process.getuid?.() ?? 0);
}
