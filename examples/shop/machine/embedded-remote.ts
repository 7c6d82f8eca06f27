import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A remote tier that comes with Cistern: `cistern proxy` with a store of its own, as a process of its own. */
export interface EmbeddedRemote {
  readonly address: string;
  /** What was started, as one would type it. */
  readonly command: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** How long it may take to start, in milliseconds. */
const patience = 20_000;

export async function startEmbeddedRemote(size: string): Promise<EmbeddedRemote> {
  const manifest = createRequire(import.meta.url).resolve('cistern/package.json');
  const program = join(dirname(manifest), 'dist', 'cli', 'main.js');
  const parameters = ['proxy', '--memory', size, '--listen', '127.0.0.1:0'];
  const child = spawn(process.execPath, [program, ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C in a terminal goes to the whole foreground group, and the caches are to be closed first.
    detached: true,
  });
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  try {
    const address = await firstAddress(child);
    return {
      address,
      command: `cistern proxy --memory ${size}`,
      pid: child.pid!,
      async stop() {
        child.kill('SIGTERM');
        await gone;
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** The program tells in its first line where it listens. */
function firstAddress(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = '';
  const fail = (): void =>
    reject(new Error(`The remote tier did not start: ${said.trim() || 'it said nothing'}`));
  const timer = setTimeout(fail, patience);
  const hear = (chunk: unknown): void => {
    said += String(chunk);
    const address = / on (\S+)\n/.exec(said)?.[1];
    if (address !== undefined) resolve(address);
  };
  child.stdout!.on('data', hear);
  child.stderr!.on('data', hear);
  child.once('error', fail);
  child.once('exit', fail);
  return promise.finally(() => clearTimeout(timer));
}
