import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Why the package must be built, in a few words, or undefined when every door that package.json names is there and newer
 * than all sources. A folder counts as a source, so that a deleted file is seen.
 */
export function buildProblem(root) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const doors = Object.values(exports)
    .map((door) => (typeof door === 'string' ? door : door.default))
    .filter((path) => path.startsWith('./dist/'));
  const built = Math.min(...doors.map((path) => changed(join(root, path)) ?? 0));
  if (built === 0) return 'it is not built yet';
  const settings = ['tsconfig.base.json', 'tsconfig.build.json'].map((name) => join(root, name));
  const sources = readdirSync(join(root, 'src'), { recursive: true })
    .filter((name) => !name.endsWith('.test.ts'))
    .map((name) => join(root, 'src', name));
  return [...settings, join(root, 'src'), ...sources].some((path) => (changed(path) ?? 0) > built)
    ? 'its sources have changed'
    : undefined;
}

function changed(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
