import { spawn } from 'node:child_process';

/**
 * Sees to it that a server does not outlive this process, however it ends: a tiny shell waits for the end of a pipe that
 * only this process holds, and then sends the signal. Answers a function that calls the watch off.
 */
export function watch(pid: number, signal: 'INT' | 'TERM'): () => void {
  const shell = spawn('sh', ['-c', 'read -r _; kill -s "$1" "$2" 2>/dev/null', 'sh', signal, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C in a terminal goes to the whole foreground group, and must not end the watch.
    detached: true,
  });
  // Without a shell there is no watch, and all else works.
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  shell.unref();
  (shell.stdin as unknown as { unref(): void }).unref();
  return () => void shell.kill('SIGKILL');
}
