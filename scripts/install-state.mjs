import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What is wrong with `node_modules`, in a few words, or undefined when it is what the lock file asks for. npm writes
 * `node_modules/.package-lock.json` last: without it an install did not end; where it differs, the lock file has changed
 * since. Packages for other platforms may be missing.
 */
export function installProblem(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  if (wanted === undefined) return undefined;
  if (!existsSync(join(root, 'node_modules'))) return 'there are none yet';
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return 'the last install did not end';
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes('node_modules/') || entry.optional || entry.inBundle) continue;
    const present = installed[path];
    if (present === undefined || !same(present, entry)) return 'the lock file has changed';
    if (!existsSync(join(root, path))) return `${nameOf(path)} is gone`;
  }
  return undefined;
}

/** npm adds to its own list where a package came from, which depends on the machine: that is not compared. */
function same(present, wanted) {
  if (wanted.link) return present.link === true;
  if (present.version !== wanted.version) return false;
  return !present.integrity || !wanted.integrity || present.integrity === wanted.integrity;
}

/** What is wrong with the Node of the lock file: its package fetches it in an install script of its own. */
export function nodeProblem(root) {
  const version = packagesOf(join(root, 'package-lock.json'))?.['node_modules/node']?.version;
  if (version === undefined) return undefined;
  const program = join(root, 'node_modules', 'node', 'bin', 'node');
  const found = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout?.trim();
  return found === `v${version}` ? undefined : `Node ${version} is not in node_modules`;
}

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function nameOf(path) {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
