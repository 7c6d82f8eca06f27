import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TrafficOrder, TrafficResult } from './run.ts';

type Message = { readonly kind: 'measuring' } | { readonly kind: 'done'; readonly result: TrafficResult };

/** Drives traffic from a process of its own. `measuring` is called when the warm-up is over. The signal ends the process. */
export async function driveFromProcess(
  order: TrafficOrder,
  measuring: () => void,
  signal: AbortSignal,
): Promise<TrafficResult> {
  const { promise, resolve, reject } = Promise.withResolvers<TrafficResult>();
  const driver = fork(fileURLToPath(new URL('../driver.ts', import.meta.url)), {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const leave = (): void => void driver.kill('SIGKILL');
  signal.addEventListener('abort', leave, { once: true });
  driver.on('message', (message) => {
    const told = message as Message;
    if (told.kind === 'measuring') measuring();
    else resolve(told.result);
  });
  driver.once('error', reject);
  driver.once('exit', (code, ended) => {
    signal.removeEventListener('abort', leave);
    reject(new Error(`The process that drives the traffic ended early (${ended ?? `code ${code}`}).`));
  });
  driver.send(order);
  return await promise;
}
