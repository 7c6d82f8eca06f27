import type { Answer, Request, Start, Workload } from './contest.ts';

/**
 * The child process of one contender: it holds one library and nothing of the others, so that neither heap nor
 * compiled code is shared. It stays for all rounds, so that it is warm, and measures only when it is asked.
 */
const start = JSON.parse(process.argv[2]!) as Start;
const [workload, adapter] = await Promise.all([
  import(start.workload) as Promise<Workload>,
  import(start.adapter) as Promise<unknown>,
]);

function answer(message: Answer): void {
  process.send!(message);
}

try {
  const runner = await workload.open(adapter, start.parameters, start.name);
  process.on('message', (request: Request) => {
    if (request.kind === 'close') {
      // A library may keep the process alive by its own timers: leaving is not up to it.
      void runner.close().finally(() => process.exit(0));
      return;
    }
    runner.measure(request.case, request.milliseconds).then(
      (sample) => answer({ kind: 'sample', sample }),
      (error: unknown) => answer({ kind: 'failed', error: String((error as Error).stack ?? error) }),
    );
  });
  answer({ kind: 'ready' });
} catch (error) {
  answer({ kind: 'failed', error: String((error as Error).stack ?? error) });
}
