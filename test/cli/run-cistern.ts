import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const program = join(import.meta.dirname, '../../src/cli/main.ts');

/** Runs the command line in a process of its own, as a user would, from its source. */
export function runCistern(
  args: readonly string[],
  input: string | Buffer = '',
  cwd: string = process.cwd(),
  environment: Readonly<Record<string, string>> = {},
): Finished {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [program, ...args], {
    input,
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...environment },
  });
  if (error !== undefined) throw error;
  return { code: status, out: stdout, err: stderr };
}
